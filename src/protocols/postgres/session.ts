/**
 * The state of one PostgreSQL session, and the few operations every part of it uses.
 *
 * Replies carry no reference to their request: the n-th answer belongs to the n-th message. While that count is
 * certain the session is `aligned`. Loss makes it uncertain; then replies are given to nobody, until the server has
 * said ReadyForQuery and the client speaks next, which shows that nothing is on the way.
 */
import type { TextEncodingName } from '../../base/text.ts';
import { type LoginEvent, MARK_GAP, MARK_NO_REPLY, type Outcome, type StatementEvent } from '../../contracts/event.ts';
import type { ConnectionInfo, EventSink } from '../../contracts/protocol.ts';
import type { HandleTable } from '../sdk/handles.ts';
import { ClientSession } from '../sdk/session.ts';
import type { TlsObserver } from '../sdk/tls.ts';
import { handlesByName, type Portal, type Statement } from './handles.ts';
import { LIMITS, PENDING_BYTES_MAX, STEPS_MAX } from './limits.ts';
import { PendingQueue, STEP_EXECUTE, type Step } from './pending.ts';
import type { Tail } from './tail.ts';

/** Nothing but an opening packet may come. */
export const PHASE_START = 0;
/** From StartupMessage to the first ReadyForQuery. */
export const PHASE_LOGIN = 1;
export const PHASE_READY = 2;
/** Picked up in the middle, or the opening was lost: opening packets and messages are both legal. */
export const PHASE_UNKNOWN = 3;
/** TLS records both ways. */
export const PHASE_TLS = 4;
export type Phase = 0 | 1 | 2 | 3 | 4;

/** Whether the server's next byte answers a request for encryption. */
export const AWAIT_NOTHING = 0;
export const AWAIT_TLS = 1;
export const AWAIT_GSS = 2;
export type Awaited = 0 | 1 | 2;

export const COPY_MODE_NONE = 0;
export const COPY_MODE_IN = 1;
export const COPY_MODE_OUT = 2;
export const COPY_MODE_BOTH = 3;
export type CopyMode = 0 | 1 | 2 | 3;

export class Session extends ClientSession {
  phase: Phase;
  awaited: Awaited = AWAIT_NOTHING;
  encoding: TextEncodingName = 'utf8';
  /** A walsender, whose simple queries may be replication commands; `undefined`: not known. */
  replication: boolean | undefined = undefined;

  /** The login in progress. */
  login: LoginEvent | undefined = undefined;
  /** SASL or not: whether the next password message names a mechanism. */
  saslOffered = false;
  tls: TlsObserver | undefined = undefined;
  firstUs = 0;

  readonly queue: PendingQueue;
  readonly statements: HandleTable<string, Statement>;
  readonly portals: HandleTable<string, Portal>;
  /** Replies can be counted off against requests. */
  aligned = true;
  /** The server owes nothing, as far as was seen: its last word was ReadyForQuery. */
  quiet = true;
  /** Replies of the only open request were lost: it keeps what still comes, up to ReadyForQuery. */
  gapped = false;
  /** After an error the server discards messages up to Sync, which the client has not sent yet. */
  discarding = false;
  copy: CopyMode = COPY_MODE_NONE;
  copyBinary = false;
  /** The result being received. */
  outcome: Outcome | undefined = undefined;
  /** Ended, but its transaction state comes with ReadyForQuery. */
  ended: StatementEvent | undefined = undefined;
  /** How often requests were lost. */
  requestLosses = 0;
  /** Answers that were given to nobody. */
  strayFrames = 0;
  /** How often too much waited for its reply. */
  pendingOverflows = 0;
  quit = false;
  /** Receives the part of the client's message that is not kept. */
  tail: Tail | undefined = undefined;

  constructor(connection: ConnectionInfo) {
    super(connection, 'postgresql');
    const { memory } = connection;
    this.queue = new PendingQueue(memory);
    this.statements = handlesByName(memory);
    this.portals = handlesByName(memory);
    // Until the StartupMessage is there.
    this.userUnknown = true;
    this.phase = connection.midstream ? PHASE_UNKNOWN : PHASE_START;
  }
}

/** Bytes that belong to `event`, as far as anyone can tell, were lost. */
export function markLost(event: StatementEvent | undefined, lostBytes: number): void {
  if (event === undefined) return;
  event.marks |= MARK_GAP;
  event.lostBytes += lostBytes;
}

/** The rest of the client's message has come, or (not `whole`) a part of it never will. */
export function endTail(s: Session, whole: boolean): void {
  const tail = s.tail;
  s.tail = undefined;
  tail?.finish(whole);
}

/** What the server, or the end of a long Parse, says of a statement's parameters. */
export function setTypes(s: Session, statement: Statement, types: readonly number[]): void {
  s.statements.reweigh(statement.name, statement, () => {
    statement.types = types;
  });
}

/** The reply of `event` has ended. It is emitted with the next ReadyForQuery, or when another one ends. */
export function endStatement(s: Session, event: StatementEvent, sink: EventSink): void {
  releaseEnded(s, sink);
  s.ended = event;
}

export function releaseEnded(s: Session, sink: EventSink): void {
  const event = s.ended;
  s.ended = undefined;
  if (event) s.emit(event, sink);
}

/** The portal will not be executed again: its event ends with what it has. */
export function endPortal(s: Session, portal: Portal, sink: EventSink): void {
  const event = portal.event;
  portal.event = undefined;
  if (event && event.outcomes.length > 0) endStatement(s, event, sink);
}

/** The portal's name is gone. Executions under way end it; else it ends now. */
export function detachPortal(s: Session, portal: Portal | undefined, sink: EventSink): void {
  if (portal === undefined) return;
  portal.detached = true;
  if (portal.executing === 0) endPortal(s, portal, sink);
}

/** Portals do not outlive their transaction, which has ended. Those bound behind the Sync that did it belong to the next. */
export function detachEndedPortals(s: Session, sink: EventSink): void {
  if (s.portals.size === 0) return;
  const ended = s.queue.boundariesEnded;
  for (const portal of s.portals.values()) {
    if (portal.boundary >= ended) continue;
    s.portals.delete(portal.name);
    if (portal.event) portal.event.transaction = 'idle';
    detachPortal(s, portal, sink);
  }
}

/** No portal can be told to be alive any more. */
export function detachAllPortals(s: Session, sink: EventSink): void {
  if (s.portals.size === 0) return;
  for (const portal of s.portals.values()) detachPortal(s, portal, sink);
  s.portals.clear();
}

/** Emits the event of a step whose reply will not be seen (any more). */
export function giveUp(s: Session, step: Step, marks: number, sink: EventSink): void {
  if (step.kind === STEP_EXECUTE && step.portal) step.portal.executing--;
  const event = executes(step) ? step.subject() : undefined;
  if (event === undefined || event === s.ended) return;
  if (step.portal) step.portal.event = undefined;
  const open = event.outcomes.length === 0 || event.outcomes.at(-1) === s.outcome;
  if (open || step.kind === STEP_EXECUTE) event.marks |= marks;
  endStatement(s, event, sink);
}

/** Whether the step is the execution of something, rather than a preparation for it. */
export function executes(step: Step): boolean {
  return step.event !== undefined || step.kind === STEP_EXECUTE;
}

/** Emits all that waits, without a (complete) reply. */
export function giveUpAll(s: Session, marks: number, sink: EventSink): void {
  for (let step = s.queue.shift(); step; step = s.queue.shift()) giveUp(s, step, marks, sink);
  s.outcome = undefined;
  releaseEnded(s, sink);
}

/** Replies are no longer given to requests, until `realign`. */
export function loseAlignment(s: Session): void {
  const event = s.queue.head()?.subject();
  if (s.outcome && event) event.marks |= MARK_NO_REPLY;
  s.aligned = false;
  s.gapped = false;
  s.discarding = false;
  s.outcome = undefined;
  s.copy = COPY_MODE_NONE;
}

/** The server was quiet and the client speaks: what is still waiting will never be answered. */
export function realign(s: Session, sink: EventSink): void {
  giveUpAll(s, MARK_NO_REPLY, sink);
  s.aligned = true;
}

/** Adds a step; when too much waits, all of it is emitted unanswered and replies are no longer matched. */
export function enqueue(s: Session, step: Step, sink: EventSink): void {
  s.queue.push(step);
  const { length, bytes, boundaries } = s.queue;
  if (length > STEPS_MAX || bytes > PENDING_BYTES_MAX || boundaries > LIMITS.pendingMax) overflow(s, sink);
}

function overflow(s: Session, sink: EventSink): void {
  s.pendingOverflows++;
  loseAlignment(s);
  giveUpAll(s, MARK_NO_REPLY, sink);
}

/** Memory is short: emits what waits, and forgets what was prepared and bound. */
export function relieve(s: Session, sink: EventSink): void {
  endTail(s, false);
  if (s.queue.length > 0) overflow(s, sink);
  s.portals.evictAll((portal) => detachPortal(s, portal, sink));
  s.statements.evictAll();
  releaseEnded(s, sink);
}
