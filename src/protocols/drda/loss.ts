/** Missing bytes, missing memory, and the end of the connection. */
import { MARK_GAP, MARK_NO_REPLY } from '../../contracts/event.ts';
import {
  type Direction,
  type EndReason,
  type EventSink,
  SHORT_BYTES,
  SHORTEST_BYTES,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { forgetToken } from './cancel.ts';
import { cutShort, shorten } from './dss.ts';
import { flushUnanswered } from './pending.ts';
import { emitSilent, loseCommand } from './requests.ts';
import { endCursors, eventsOf, type Request, type Session } from './session.ts';

/**
 * `synced`: the bytes lay inside a structure whose end is known; it was handed over as damaged and marks its statement.
 * Otherwise whole structures may be missing.
 */
export function onGap(
  s: Session,
  direction: Direction,
  lostBytes: number,
  synced: boolean,
  tsUs: number,
  sink: EventSink,
): void {
  if (synced) return;
  cutShort(s, direction, tsUs, sink);
  if (direction === TO_SERVER) onRequestsLost(s, lostBytes, sink);
  else onRepliesLost(s, lostBytes);
}

/** Sections may now stand for other statements, cursors for other queries: nothing remembered is trusted. */
function onRequestsLost(s: Session, lostBytes: number, sink: EventSink): void {
  if (s.current) markRequest(s.current, lostBytes);
  emitSilent(s, sink);
  s.current = undefined;
  loseCommand(s, lostBytes);
  s.chainEnded = true;
  endCursors(s, sink, MARK_GAP, false);
}

function onRepliesLost(s: Session, lostBytes: number): void {
  s.repliesLost = true;
  let bytes = lostBytes;
  for (const request of s.queue) {
    markRequest(request, bytes);
    request.cursor?.walker?.lose();
    bytes = 0; // the loss is counted once
  }
}

function markRequest(request: Request, lostBytes: number): void {
  request.marks |= MARK_GAP;
  for (const [index, event] of eventsOf(request).entries()) {
    event.marks |= MARK_GAP;
    // The loss is counted once.
    if (index === 0) event.lostBytes += lostBytes;
  }
}

/** `ProtocolModule.relieve`. */
export function relieve(s: Session, all: boolean, _tsUs: number, sink: EventSink): void {
  s.tls?.relieve();
  for (const lane of s.lanes) shorten(lane, all ? SHORTEST_BYTES : SHORT_BYTES);
  if (!all) return;
  // What belongs to the latest request may still be coming in.
  const kept = s.chainEnded || (s.current?.weight ?? 0) > SHORTEST_BYTES ? undefined : s.current;
  if (s.queue.some((request) => request !== kept)) {
    s.pendingOverflows++;
    s.repliesLost = true;
    flushUnanswered(s, MARK_GAP, sink, kept);
  }
  endCursors(s, sink, MARK_GAP, false);
  s.statements.evictAll();
  s.uncertain = true;
}

export function onEnd(s: Session, reason: EndReason, tsUs: number, sink: EventSink): void {
  forgetToken(s, sink);
  if (s.tls) {
    s.emitOpaque('tls', s.firstUs, s.tls.facts, sink);
    return;
  }
  for (const direction of [TO_SERVER, TO_CLIENT] as const) cutShort(s, direction, tsUs, sink);
  emitSilent(s, sink);
  flushUnanswered(s, 0, sink);
  endCursors(s, sink, 0, false);
  if (s.login) {
    s.login.identity = s.identity;
    s.login.marks |= MARK_NO_REPLY;
    sink.emit(s.login);
    s.login = undefined;
  }
  s.logoutAtEnd(reason, tsUs, sink);
}
