/** What a whole request means: one queue entry for each statement or call in it. MS-TDS §2.2.6. */
import { Cursor } from '../../base/cursor.ts';
import {
  type BindValue,
  MARK_GAP,
  MARK_MALFORMED,
  MARK_TRUNCATED,
  type StatementEvent,
} from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import type { Message } from './assembly.ts';
import type { Channel } from './channel.ts';
import * as c from './constants.ts';
import { eventOf, opensBulk, pushUnread } from './events.ts';
import { hasOldName, headersLength, inTransaction } from './headers.ts';
import { CALLS_MAX } from './limits.ts';
import { onLogin7, onOldLogin, onPrelogin, onSspi } from './login.ts';
import { KIND_STATEMENT, Pending } from './pending.ts';
import { onCalls } from './rpc.ts';
import { takeText } from './statements.ts';
import { onSybaseRequest } from './sybase-requests.ts';

/** Messages that only a client sends that has logged in. */
const REQUESTS: ReadonlySet<number> = new Set([c.PACKET_BATCH, c.PACKET_RPC, c.PACKET_BULK, c.PACKET_TRANSACTION]);

export function onRequest(channel: Channel, message: Message, sink: EventSink): void {
  const isBulk = message.type === c.PACKET_BULK;
  channel.beginRequest(isBulk, sink);
  if (!isBulk) channel.endBulk(0, sink);
  if (REQUESTS.has(message.type)) channel.passLogin(sink);
  switch (message.type) {
    case c.PACKET_BATCH:
      onBatch(channel, message, sink);
      return;
    case c.PACKET_RPC:
      onRpc(channel, message, sink);
      return;
    case c.PACKET_TDS5:
      if (message.headless) pushUnread(channel, message, 'simple', sink);
      else onSybaseRequest(channel, message, sink);
      return;
    case c.PACKET_TRANSACTION:
      onTransaction(channel, message, sink);
      return;
    case c.PACKET_BULK:
      onBulk(channel, message, sink);
      return;
    default:
      onLoginMessage(channel, message, sink);
  }
}

function onLoginMessage(channel: Channel, message: Message, sink: EventSink): void {
  if (message.headless) return;
  switch (message.type) {
    case c.PACKET_LOGIN7:
      onLogin7(channel, message, sink);
      return;
    case c.PACKET_OLD_LOGIN:
      onOldLogin(channel, message, sink);
      return;
    case c.PACKET_PRELOGIN:
      onPrelogin(channel, message, sink);
      return;
    case c.PACKET_SSPI:
    case c.PACKET_FEDAUTH:
      onSspi(channel, message, sink);
      return;
    default:
      channel.session.strayMessages++;
  }
}

/**
 * Reads ALL_HEADERS and returns where the request itself begins; -1 when the request's own beginning is missing: a
 * client that sends these headers sends them always.
 */
function bodyStart(channel: Channel, message: Message): number {
  const { session } = channel;
  if (message.headless) return -1;
  const length = headersLength(message.bytes, message.start, message.end);
  if (length === 0) {
    const { dialect } = session;
    const expected = session.headersSeen || dialect.wide || !dialect.known;
    if (message.isBroken && expected) return -1;
    if (session.gapSeen && session.headersSeen) return -1;
    if (!dialect.known) dialect.setOld();
    return message.start;
  }
  session.headersSeen = true;
  if (!session.dialect.known) session.dialect.setVersion(0x74000004);
  const open = inTransaction(message.bytes, message.start, length);
  if (open !== undefined) session.transaction = open ? 'open' : 'idle';
  return message.start + length;
}

// SQL batch (§2.2.6.7)

function onBatch(channel: Channel, message: Message, sink: EventSink): void {
  resetIfAsked(channel, message);
  const start = bodyStart(channel, message);
  if (start < 0) {
    pushUnread(channel, message, 'simple', sink);
    return;
  }
  const { dialect } = channel.session;
  const event = eventOf(channel, message, 'simple');
  const { bytes, end } = message;
  if (!dialect.known && !looksWide(bytes, start, end)) dialect.setSybase();
  const length = message.length - (start - message.start) + message.lostBytes;
  takeText(event, bytes, start, end, message.isBroken ? length + 1 : length, dialect.encoding);
  event.textSha256 ??= message.textSha256();
  if (message.isBroken) event.textLength = undefined;
  const pending = new Pending(KIND_STATEMENT, event);
  pending.opensBulk = opensBulk(event.text);
  channel.push(pending, sink);
}

/** UTF-16: of the first characters most are below 256, or it has pairs of equal high bytes; single bytes have no zeros. */
function looksWide(bytes: Uint8Array, start: number, end: number): boolean {
  const limit = Math.min(end, start + 64);
  for (let i = start; i < limit; i++) if (bytes[i] === 0) return true;
  return false;
}

/** The pool gave the connection to somebody else: what was prepared is gone, and roles with it. */
function resetIfAsked(channel: Channel, message: Message): void {
  if ((message.status & (c.STATUS_RESET | c.STATUS_RESET_KEEP_TRANSACTION)) === 0) return;
  const { session } = channel;
  session.handles.clear();
  session.identify({ effectiveUser: undefined, endUser: undefined });
}

// Calls (§2.2.6.6)

function onRpc(channel: Channel, message: Message, sink: EventSink): void {
  resetIfAsked(channel, message);
  const { dialect } = channel.session;
  if (!dialect.known && !message.headless && hasOldName(message.bytes, message.start, message.end)) dialect.setSybase();
  const start = bodyStart(channel, message);
  if (start < 0) pushUnread(channel, message, 'rpc', sink).callsBeyond = CALLS_MAX;
  else onCalls(channel, message, start, sink);
}

// Transaction manager request (§2.2.6.9)

const TRANSACTION_OPERATIONS: readonly (string | undefined)[] = [
  undefined,
  'PROPAGATE TRANSACTION',
  undefined,
  undefined,
  undefined,
  'BEGIN',
  'PROMOTE TRANSACTION',
  'COMMIT',
  'ROLLBACK',
  'SAVEPOINT',
];
const TRANSACTION_BEGIN = 5;
const ISOLATION_LEVELS: readonly (string | undefined)[] = [
  undefined,
  'read uncommitted',
  'read committed',
  'repeatable read',
  'serializable',
  'snapshot',
];

function onTransaction(channel: Channel, message: Message, sink: EventSink): void {
  resetIfAsked(channel, message);
  const start = bodyStart(channel, message);
  if (start < 0) {
    pushUnread(channel, message, 'command', sink);
    return;
  }
  const cursor = new Cursor().reset(message.bytes, start, message.end);
  const type = cursor.u16le();
  const operation = TRANSACTION_OPERATIONS[type];
  const event = eventOf(channel, message, 'command', operation ?? 'TRANSACTION');
  if (type >= TRANSACTION_BEGIN && operation !== undefined) {
    const parameters: BindValue[] = [];
    const level = type === TRANSACTION_BEGIN ? ISOLATION_LEVELS[cursor.u8()] : undefined;
    const name = cursor.text(cursor.u8(), 'utf16le');
    if (name !== '') parameters.push(name);
    if (level !== undefined) parameters.push(level);
    if (parameters.length > 0) event.parameters = parameters;
  }
  channel.push(new Pending(KIND_STATEMENT, event), sink);
}

// Bulk load (§2.2.6.1)

function onBulk(channel: Channel, message: Message, sink: EventSink): void {
  const event = channel.bulk ?? unannounced(channel, message);
  channel.bulk = undefined;
  event.call = 'bulk';
  if (message.isBroken) event.marks |= MARK_GAP;
  if (message.headless) event.marks |= MARK_GAP | MARK_TRUNCATED;
  const pending = new Pending(KIND_STATEMENT, event);
  pending.bulkBytes = message.length;
  channel.push(pending, sink);
}

/** Data whose INSERT BULK was not seen, or not seen to succeed. */
function unannounced(channel: Channel, message: Message): StatementEvent {
  const event = eventOf(channel, message, 'bulk', 'INSERT BULK');
  event.marks |= channel.session.gapSeen ? MARK_GAP : MARK_MALFORMED;
  return event;
}
