/** Loss and the end of the connection: what they may have touched is marked, and nothing is attributed by guess. */
import { MARK_GAP, MARK_NO_REPLY } from '../../contracts/event.ts';
import { type Direction, END_UNSEEN, type EndReason, type EventSink, TO_SERVER } from '../../contracts/protocol.ts';
import { unregister } from './cancel.ts';
import { stopOpaque } from './login.ts';
import { STEP_EXECUTE, STEP_LOST, STEP_SYNC, Step } from './pending.ts';
import {
  AWAIT_NOTHING,
  COPY_MODE_BOTH,
  COPY_MODE_NONE,
  detachAllPortals,
  endTail,
  executes,
  giveUpAll,
  loseAlignment,
  markLost,
  PHASE_START,
  PHASE_TLS,
  PHASE_UNKNOWN,
  releaseEnded,
  type Session,
} from './session.ts';

/** `ProtocolModule.onGap`. */
export function onGap(
  s: Session,
  direction: Direction,
  lostBytes: number,
  synced: boolean,
  tsUs: number,
  sink: EventSink,
): void {
  if (s.login) {
    s.login.marks |= MARK_GAP;
    s.login.lostBytes += lostBytes;
  }
  if (direction === TO_SERVER) onRequestGap(s, lostBytes, synced, tsUs, sink);
  else onReplyGap(s, lostBytes, synced);
}

function onRequestGap(s: Session, lostBytes: number, synced: boolean, tsUs: number, sink: EventSink): void {
  // What was to be hashed to its end no longer can be.
  endTail(s, false);
  if (synced) {
    markInside(s, lostBytes);
    return;
  }
  s.loseRequests(lostBytes);
  s.requestLosses++;
  if (s.phase === PHASE_START) s.phase = PHASE_UNKNOWN;
  s.discarding = false;
  s.quiet = false;
  // What the unnamed statement stands for may have changed unseen.
  s.statements.delete('');
  if (s.queue.length === 0 || s.gapped) loseAlignment(s);
  else if (s.aligned && s.queue.last()?.kind !== STEP_LOST) s.queue.push(new Step(STEP_LOST, tsUs, 0));
  supposeExecuted(s, tsUs, lostBytes);
  detachAllPortals(s, sink);
}

/** Portals whose Execute may be among what was lost make a record, though without an outcome. */
function supposeExecuted(s: Session, tsUs: number, lostBytes: number): void {
  for (const portal of s.portals.values()) {
    const { event } = portal;
    if (event === undefined || portal.executing > 0 || event.outcomes.length > 0) continue;
    event.marks |= MARK_GAP;
    event.lostBytes += lostBytes;
    portal.executing++;
    const step = new Step(STEP_EXECUTE, tsUs, 0);
    step.portal = portal;
    s.queue.push(step);
  }
}

/** Bytes were lost in the part of a message that is not kept: COPY data, or the end of a long request. */
function markInside(s: Session, lostBytes: number): void {
  const step = s.copy === COPY_MODE_NONE ? s.queue.last() : s.queue.head();
  if (step === undefined) return;
  if (step.statement) step.statement.marks |= MARK_GAP;
  markLost(step.subject(), lostBytes);
}

function onReplyGap(s: Session, lostBytes: number, synced: boolean): void {
  if (synced) {
    if (s.aligned) markLost(s.queue.head()?.subject(), lostBytes);
    return;
  }
  // The answer to a request for encryption is lost; what the client says next tells what it was.
  s.awaited = AWAIT_NOTHING;
  if (!s.aligned) return;
  let counted = lostBytes;
  let executing = 0;
  let requestsLost = false;
  for (const step of s.queue.all()) {
    if (step.kind === STEP_LOST) requestsLost = true;
    const event = step.subject();
    if (!executes(step) || event === undefined) continue;
    markLost(event, counted);
    counted = 0;
    executing++;
  }
  if (s.queue.length === 0) return;
  if (executing > 1 || s.queue.boundaries > 1 || requestsLost) {
    loseAlignment(s);
    return;
  }
  // Only one request is open: whatever still comes up to ReadyForQuery is its reply.
  s.gapped = true;
  s.queue.retain((step) => executes(step) || step.kind === STEP_SYNC);
}

/** `ProtocolModule.onEnd`: emits what is open. */
export function onEnd(s: Session, reason: EndReason, tsUs: number, sink: EventSink): void {
  unregister(s, sink);
  endTail(s, false);
  if (s.phase === PHASE_TLS) {
    stopOpaque(s, 'tls', s.firstUs, sink);
    return;
  }
  if (s.login) {
    s.login.marks |= MARK_NO_REPLY;
    sink.emit(s.login);
    s.login = undefined;
  }
  // A replication stream ends when a side goes: it has had its reply.
  const streaming = s.copy === COPY_MODE_BOTH && (s.quit || reason !== END_UNSEEN);
  giveUpAll(s, streaming ? 0 : MARK_NO_REPLY, sink);
  detachAllPortals(s, sink);
  releaseEnded(s, sink);
  if (s.quit) s.logout('quit', tsUs, sink);
  else s.logoutAtEnd(reason, tsUs, sink);
}
