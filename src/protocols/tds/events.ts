/** The events that requests become. */
import { MARK_GAP, MARK_MALFORMED, MARK_TRUNCATED, type StatementEvent } from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import type { Message } from './assembly.ts';
import type { Channel } from './channel.ts';
import { KIND_STATEMENT, Pending } from './pending.ts';

/** An event for a request, with what is known to be missing of it. */
export function eventOf(channel: Channel, message: Message, call: string, operation?: string): StatementEvent {
  const event = channel.session.statement(message.startUs, call, operation);
  if (message.isBroken || message.headless) event.marks |= MARK_GAP;
  event.lostBytes += message.lostBytes;
  return event;
}

/** Not all that came of the request was kept. */
export function isCut(message: Message): boolean {
  return message.length > message.end - message.start;
}

/** A request of which only its kind is known. */
export function pushUnread(channel: Channel, message: Message, call: string, sink: EventSink): Pending {
  const event = eventOf(channel, message, call);
  event.marks |= message.headless || message.isBroken ? MARK_GAP : isCut(message) ? MARK_TRUNCATED : MARK_MALFORMED;
  const pending = new Pending(KIND_STATEMENT, event);
  channel.push(pending, sink);
  return pending;
}

/** INSERT BULK announces data (§2.2.6.1), which come as a request of their own. */
export function opensBulk(text: string | undefined): boolean {
  return text !== undefined && /^\s*insert\s+bulk\s/i.test(text.slice(0, OPENING_MAX));
}

const OPENING_MAX = 64;
