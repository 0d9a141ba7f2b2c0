/**
 * Requests of capture threads that mean a session which another thread may read (a cancel request of PostgreSQL comes on
 * a connection of its own). Threads send when they like: word of the session may come after the request, which waits
 * here for a while, and so may word of the session's end come before it, which is believed a while later.
 */
import type { SessionNotice } from '../audit/sessions-elsewhere.ts';
import { SessionsElsewhere } from '../audit/sessions-elsewhere.ts';
import type { CrewRecord } from './messages.ts';

/** A thread sends at least this often, unless it is far behind. */
const WAIT_MS = 1000;
/** Further requests do not wait. */
const WAITING_MAX = 1024;
/** Of further sessions that have ended the oldest are forgotten at once. */
const ENDED_MAX = 65_536;

/** A notice that is believed, or forgotten, at that time. */
interface Dated {
  readonly notice: SessionNotice;
  readonly untilMs: number;
}

interface Waiting {
  readonly item: CrewRecord;
  readonly target: string;
  /** The thread it came from. */
  readonly member: number;
  readonly untilMs: number;
}

export class WaitingRequests {
  private readonly sessions = new SessionsElsewhere();
  private waiting: Waiting[] = [];
  private ended: Dated[] = [];
  /** What is to be taken over of sessions that are not known yet. */
  private takeovers: Dated[] = [];
  private readonly handle: (item: CrewRecord, member: number) => void;

  /** `handle` gets each record once it is described, or will not be. */
  constructor(handle: (item: CrewRecord, member: number) => void) {
    this.handle = handle;
  }

  hear(notices: readonly SessionNotice[], nowMs: number): void {
    for (const notice of notices) {
      const dated = { notice, untilMs: nowMs + WAIT_MS };
      if (notice.kind === 'speaker' && notice.identity === undefined) this.ended.push(dated);
      else if (!this.sessions.hear(notice) && this.takeovers.length < WAITING_MAX) this.takeovers.push(dated);
    }
    if (notices.length > 0) this.release(nowMs);
  }

  private retryTakeovers(nowMs: number): void {
    this.takeovers = this.takeovers.filter(({ notice, untilMs }) => !this.sessions.hear(notice) && untilMs > nowMs);
  }

  private forgetEnded(nowMs: number): void {
    const { ended } = this;
    let count = Math.max(0, ended.length - ENDED_MAX);
    while (count < ended.length && (ended[count] as Dated).untilMs <= nowMs) count++;
    for (const { notice } of ended.slice(0, count)) this.sessions.hear(notice);
    if (count > 0) this.ended = ended.slice(count);
  }

  add(item: CrewRecord, target: string, member: number, nowMs: number): void {
    if (this.sessions.describe(item.record, target) || this.waiting.length >= WAITING_MAX) this.handle(item, member);
    else this.waiting.push({ item, target, member, untilMs: nowMs + WAIT_MS });
  }

  /** Hands on those whose session is known by now, and those that have waited long enough. */
  release(nowMs: number): void {
    if (this.takeovers.length > 0) this.retryTakeovers(nowMs);
    const { waiting } = this;
    if (waiting.length > 0) this.waiting = [];
    for (const one of waiting) {
      const isKnown = this.sessions.describe(one.item.record, one.target);
      if (isKnown || one.untilMs <= nowMs) this.handle(one.item, one.member);
      else this.waiting.push(one);
    }
    if (this.ended.length > 0) this.forgetEnded(nowMs);
  }

  /** Requests of that thread wait. */
  has(member: number): boolean {
    return this.waiting.some((one) => one.member === member);
  }
}
