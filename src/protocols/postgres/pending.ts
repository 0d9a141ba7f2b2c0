/** Requests in the order the server will answer them. */
import type { HeldMemory } from '../../base/memory-budget.ts';
import type { StatementEvent } from '../../contracts/event.ts';
import type { Portal, Statement } from './handles.ts';

/** What a step's reply looks like, and what ends it. */
export const STEP_QUERY = 0;
export const STEP_FUNCTION = 1;
export const STEP_PARSE = 2;
export const STEP_BIND = 3;
export const STEP_DESCRIBE = 4;
export const STEP_EXECUTE = 5;
export const STEP_CLOSE = 6;
export const STEP_SYNC = 7;
/** Requests were lost here: replies beyond this point may be theirs. */
export const STEP_LOST = 8;
export type StepKind = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** One message that the server answers. */
export class Step {
  readonly kind: StepKind;
  readonly startUs: number;
  /** What it costs to keep, in bytes. */
  weight: number;
  /** The record this message makes: of a query, a function call, or an Execute of a portal that is not known. */
  event: StatementEvent | undefined = undefined;
  portal: Portal | undefined = undefined;
  /** The statement that Parse makes, or Describe asks about. */
  statement: Statement | undefined = undefined;
  /** Statement name that Parse, Close or Query took effect on, and what it stood for until then. */
  name: string | undefined = undefined;
  previous: Statement | undefined = undefined;
  /** COPY data that the client sent before the server asked for it, */
  aheadBytes = 0;
  /** that it was all, and how many Syncs were sent in front of its end: the server ignores those. */
  dataEnded = false;
  syncsInData = 0;
  constructor(kind: StepKind, startUs: number, weight: number) {
    this.kind = kind;
    this.startUs = startUs;
    this.weight = weight;
  }

  /** The event that this step's replies belong to. */
  subject(): StatementEvent | undefined {
    return this.event ?? this.portal?.event;
  }

  /** ReadyForQuery ends it. */
  isBoundary(): boolean {
    return this.kind === STEP_QUERY || this.kind === STEP_FUNCTION || this.kind === STEP_SYNC;
  }
}

/** First in, first out. Its bounds are the session's to keep: `length` and `bytes` tell. */
export class PendingQueue {
  private steps: Step[] = [];
  private first = 0;
  /** Sum of their weights. */
  bytes = 0;
  /** Steps that ReadyForQuery ends. */
  boundaries = 0;
  /** Such steps that were ever queued. */
  boundariesQueued = 0;
  private readonly memory: HeldMemory;

  constructor(memory: HeldMemory) {
    this.memory = memory;
  }

  get length(): number {
    return this.steps.length - this.first;
  }

  /** Such steps that left the queue: answered, or given up. */
  get boundariesEnded(): number {
    return this.boundariesQueued - this.boundaries;
  }

  head(): Step | undefined {
    return this.steps[this.first];
  }

  last(): Step | undefined {
    return this.steps.at(-1);
  }

  push(step: Step): void {
    this.steps.push(step);
    this.hold(step.weight);
    if (!step.isBoundary()) return;
    this.boundaries++;
    this.boundariesQueued++;
  }

  shift(): Step | undefined {
    const step = this.steps[this.first];
    if (step === undefined) return undefined;
    this.first++;
    this.count(step);
    if (this.first === this.steps.length) {
      this.steps.length = 0;
      this.first = 0;
    } else if (this.first >= COMPACT_STEPS && this.first * 2 >= this.steps.length) {
      this.steps = this.steps.slice(this.first);
      this.first = 0;
    }
    return step;
  }

  /** Removes the steps before the first that `stop` is true of, and returns them. */
  takeUntil(stop: (step: Step) => boolean): Step[] {
    const taken: Step[] = [];
    for (let step = this.head(); step !== undefined && !stop(step); step = this.head()) {
      taken.push(step);
      this.shift();
    }
    return taken;
  }

  /** Keeps only the steps that `keep` is true of. */
  retain(keep: (step: Step) => boolean): void {
    const steps = this.steps.slice(this.first);
    this.steps = [];
    this.first = 0;
    for (const step of steps) {
      if (keep(step)) this.steps.push(step);
      else this.count(step);
    }
  }

  /** All steps, oldest first. */
  all(): readonly Step[] {
    return this.steps.slice(this.first);
  }

  /** The event of the oldest step that has one: what the server is at. */
  firstSubject(): StatementEvent | undefined {
    for (let i = this.first; i < this.steps.length; i++) {
      const event = this.steps[i]?.subject();
      if (event) return event;
    }
    return undefined;
  }

  /** Syncs at the end of the queue. */
  syncsAtEnd(): number {
    let syncs = 0;
    while (this.steps[this.steps.length - 1 - syncs]?.kind === STEP_SYNC && syncs < this.length) syncs++;
    return syncs;
  }

  /** The step in front of the last `count` ones. */
  before(count: number): Step | undefined {
    return count < this.length ? this.steps[this.steps.length - 1 - count] : undefined;
  }

  /** Removes the Syncs that directly follow the head, at most `countMax`. */
  dropSyncsBehindHead(countMax: number): void {
    const head = this.head();
    if (head === undefined) return;
    for (let i = 0; i < countMax; i++) {
      const next = this.steps[this.first + 1];
      if (next?.kind !== STEP_SYNC) return;
      this.count(next);
      this.first++;
      this.steps[this.first] = head;
    }
  }

  /** A step that is no longer in the queue. */
  private count(step: Step): void {
    this.hold(-step.weight);
    if (step.isBoundary()) this.boundaries--;
  }

  private hold(bytes: number): void {
    this.bytes += bytes;
    this.memory.add(bytes);
  }
}

/** Answered steps at the front that are worth giving back. */
const COMPACT_STEPS = 64;
