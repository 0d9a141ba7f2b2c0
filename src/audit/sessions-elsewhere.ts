/**
 * Who speaks in sessions that other threads read, by the keys under which requests on other connections mean them
 * (`protocols/sdk/cancel.ts`). Kept where the records of all threads come together.
 */
import { createHash } from 'node:crypto';
import type { Identity } from '../contracts/event.ts';
import type { AuditRecord } from '../contracts/record.ts';
import { endUserOfProgram } from './end-user.ts';

/** What a thread says of a session. */
export type SessionNotice = SpeakerNotice | TakeoverNotice;

/** As `EventSink.announce`. */
export interface SpeakerNotice {
  readonly kind: 'speaker';
  readonly key: string;
  /** As in `audit.session`. */
  readonly session: string;
  /** The key was given to it now. Of another that had it before, nothing more is believed. */
  readonly isNew: boolean;
  /** Who speaks in it; `undefined`: it is over. */
  readonly identity: Identity | undefined;
}

/** As `EventSink.takeOver`. */
export interface TakeoverNotice {
  readonly kind: 'takeover';
  readonly keys: readonly string[];
  readonly own: string;
  readonly session: string;
}

/** The keys that sessions give out are secrets: what leaves the thread is a hash. */
export function noticeKey(key: string): string {
  return createHash('sha256').update(key).digest('base64');
}

const SESSIONS_MAX = 131_072;

export class SessionsElsewhere {
  private readonly sessions = new Map<string, SpeakerNotice>();

  /** When `SESSIONS_MAX` are known the oldest is forgotten for a new one. False: of what is to be taken nothing is known. */
  hear(notice: SessionNotice): boolean {
    if (notice.kind === 'takeover') return this.takeOver(notice);
    const { sessions } = this;
    const { key, session, isNew, identity } = notice;
    if (!isNew && sessions.get(key)?.session !== session) return true;
    if (isNew || identity === undefined) sessions.delete(key);
    if (identity === undefined) return true;
    if (sessions.size >= SESSIONS_MAX && isNew) {
      const [oldest] = sessions.keys();
      if (oldest !== undefined) sessions.delete(oldest);
    }
    sessions.set(key, notice);
    return true;
  }

  private takeOver({ keys, own, session }: TakeoverNotice): boolean {
    for (const key of keys) {
      const found = this.sessions.get(key);
      if (found === undefined) continue;
      this.sessions.delete(key);
      this.hear({ ...found, key: own, session, isNew: true });
      return true;
    }
    return false;
  }

  /**
   * Gives a record what it lacks of the session that is known by `key`: a request, of the one that it means. False when
   * none is known.
   */
  describe(record: AuditRecord, key: string): boolean {
    const identity = this.sessions.get(key)?.identity;
    if (identity === undefined) return false;
    if (identity.effectiveUser !== identity.user) record.effectiveUser ??= identity.effectiveUser;
    record.user ??= identity.user;
    record.osUser ??= identity.osUser;
    record.clientHost ??= identity.clientHost;
    record.program ??= identity.program;
    record.endUser ??= identity.endUser ?? endUserOfProgram(record.program);
    record.namespace ??= identity.database;
    record.system = identity.system;
    return true;
  }
}
