/** Requests of TDS 5.0: a token stream of its own. TDS 5.0 Functional Specification: TDS_LANGUAGE, TDS_DBRPC, TDS_DYNAMIC, cursors. */
import { Cursor } from '../../base/cursor.ts';
import {
  type BindValue,
  MARK_MALFORMED,
  MARK_REDACTED,
  MARK_UNKNOWN_HANDLE,
  type StatementEvent,
} from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import type { Message } from './assembly.ts';
import type { Channel } from './channel.ts';
import { readChars } from './collation.ts';
import * as c from './constants.ts';
import { eventOf, opensBulk, pushUnread } from './events.ts';
import { KIND_LOGIN, KIND_STATEMENT, Pending } from './pending.ts';
import { isSecret, REDACTED } from './procedures.ts';
import { copyText, Prepared, takeText } from './statements.ts';
import { readCount } from './sybase-tokens.ts';
import { readFormats, readValue, u16, u32 } from './sybase-types.ts';
import type { TypeInfo } from './types.ts';
import { bindValue } from './values.ts';

// Types of TDS_DYNAMIC.
const DYNAMIC_PREPARE = 0x01;
const DYNAMIC_EXECUTE = 0x02;
const DYNAMIC_DEALLOCATE = 0x04;
const DYNAMIC_EXECUTE_IMMEDIATE = 0x08;

/** A request being read: its statement, and the parameters that follow it. */
class Reading {
  pending: Pending | undefined = undefined;
  event: StatementEvent | undefined = undefined;
  formats: readonly TypeInfo[] = [];
  names: readonly string[] = [];
  values: BindValue[] | undefined = undefined;
}

export function onSybaseRequest(channel: Channel, message: Message, sink: EventSink): void {
  const { session } = channel;
  const { dialect } = session;
  if (!dialect.known) guessByteOrder(channel, message);
  dialect.setSybase();
  if (session.identity.system !== 'sybase') session.identify({ system: 'sybase' });
  if (channel.pending[0]?.kind === KIND_LOGIN) return; // a security message of the login
  const cursor = new Cursor().reset(message.bytes, message.start, message.end);
  const reading = new Reading();
  let isLogout = false;
  while (cursor.remaining() > 0 && !cursor.failed) {
    const token = cursor.u8();
    if (token === c.TOKEN5_LOGOUT) isLogout = true;
    readToken(channel, message, token, cursor, reading, sink);
  }
  endStatement(channel, reading, sink);
  if (isLogout) session.logout('quit', message.startUs, sink);
  else if (reading.pending === undefined && cursor.failed) pushUnread(channel, message, 'simple', sink);
  else if (cursor.failed && reading.event !== undefined && !message.isBroken) reading.event.marks |= MARK_MALFORMED;
}

/** Mid-stream: the length of the first token tells the byte order, since it fits in only one of them. */
function guessByteOrder(channel: Channel, message: Message): void {
  const { dialect } = channel.session;
  const { bytes, start, end } = message;
  const lengthAt = start + 1;
  if (bytes[start] === c.TOKEN5_LANGUAGE && end - lengthAt >= 4) {
    dialect.bigEndian = bytes[lengthAt] === 0 && bytes[lengthAt + 3] !== 0 && (bytes[lengthAt + 1] as number) === 0;
    if (bytes[lengthAt + 2] === 0 && bytes[lengthAt + 3] === 0) dialect.bigEndian = false;
  } else if (end - lengthAt >= 2) {
    dialect.bigEndian = bytes[lengthAt] === 0;
  }
}

function readToken(
  channel: Channel,
  message: Message,
  token: number,
  cursor: Cursor,
  reading: Reading,
  sink: EventSink,
): void {
  const { dialect } = channel.session;
  switch (token) {
    case c.TOKEN5_LANGUAGE:
      begin(channel, reading, eventOf(channel, message, 'simple'), sink);
      readLanguage(channel, cursor, reading);
      return;
    case c.TOKEN5_DBRPC:
    case c.TOKEN5_DBRPC2:
      begin(channel, reading, eventOf(channel, message, 'rpc', 'EXECUTE'), sink);
      readRpc(channel, cursor, reading, token === c.TOKEN5_DBRPC2);
      return;
    case c.TOKEN5_DYNAMIC:
    case c.TOKEN5_DYNAMIC2:
      readDynamic(channel, message, cursor, reading, token === c.TOKEN5_DYNAMIC2, sink);
      return;
    case c.TOKEN5_CURSOR_DECLARE:
      begin(channel, reading, eventOf(channel, message, 'cursor', 'DECLARE'), sink);
      readCursorDeclare(channel, cursor, reading);
      return;
    case c.TOKEN5_PARAMETER_FORMAT:
    case c.TOKEN5_PARAMETER_FORMAT2: {
      const wide = token === c.TOKEN5_PARAMETER_FORMAT2;
      if (wide) cursor.skip(4);
      else cursor.skip(2);
      const formats = readFormats(cursor, dialect, wide, false);
      reading.formats = formats?.types ?? [];
      reading.names = formats?.names ?? [];
      return;
    }
    case c.TOKEN5_PARAMETERS:
      readParameters(channel, cursor, reading);
      return;
    case c.TOKEN5_CURSOR_OPEN:
    case c.TOKEN5_CURSOR_FETCH:
    case c.TOKEN5_CURSOR_UPDATE:
    case c.TOKEN5_CURSOR_DELETE:
      readCursorUse(channel, message, token, cursor, reading, sink);
      return;
    default:
      skipToken(channel, message, token, cursor, reading, sink);
  }
}

/** Tokens that execute nothing. Alone in a request they still get a reply. */
function skipToken(
  channel: Channel,
  message: Message,
  token: number,
  cursor: Cursor,
  reading: Reading,
  sink: EventSink,
): void {
  const { dialect } = channel.session;
  if (token === c.TOKEN5_LOGOUT) {
    cursor.skip(1);
    return;
  }
  const length = readCount(token, cursor, dialect);
  if (length < 0) {
    cursor.fail();
    return;
  }
  cursor.skip(length);
  if (reading.pending !== undefined) return;
  reading.pending = new Pending(KIND_STATEMENT, eventOf(channel, message, 'command', 'SET'));
  reading.pending.silent = true;
  channel.push(reading.pending, sink);
}

/** A statement begins; the one before it, if any, is complete. */
function begin(channel: Channel, reading: Reading, event: StatementEvent, sink: EventSink): void {
  endStatement(channel, reading, sink);
  reading.event = event;
  reading.values = undefined;
  reading.pending = new Pending(KIND_STATEMENT, event);
}

function endStatement(channel: Channel, reading: Reading, sink: EventSink): void {
  const { event, pending, values } = reading;
  if (event === undefined || pending === undefined) return;
  if (values !== undefined) event.parameters = values;
  channel.push(pending, sink);
  reading.event = undefined;
}

/** Length, a status byte, the text. */
function readLanguage(channel: Channel, cursor: Cursor, reading: Reading): void {
  const { event, pending } = reading;
  const { dialect } = channel.session;
  const length = u32(cursor, dialect) - 1;
  cursor.skip(1);
  if (cursor.failed || event === undefined || pending === undefined || length < 0) return;
  const start = cursor.pos;
  const end = Math.min(cursor.end, start + length);
  takeText(event, cursor.bytes, start, end, length, dialect.encoding);
  pending.opensBulk = opensBulk(event.text);
  cursor.skip(length);
}

function readRpc(channel: Channel, cursor: Cursor, reading: Reading, wide: boolean): void {
  const { dialect } = channel.session;
  u16(cursor, dialect);
  const name = readChars(cursor, wide ? u16(cursor, dialect) : cursor.u8(), dialect.encoding);
  cursor.skip(2);
  if (!cursor.failed && reading.event !== undefined) reading.event.procedure = name;
}

function readDynamic(
  channel: Channel,
  message: Message,
  cursor: Cursor,
  reading: Reading,
  wide: boolean,
  sink: EventSink,
): void {
  const { dialect, handles } = channel.session;
  const length = wide ? u32(cursor, dialect) : u16(cursor, dialect);
  const end = cursor.pos + length;
  const type = cursor.u8();
  cursor.skip(1);
  const id = readChars(cursor, cursor.u8(), dialect.encoding);
  const executes = type === DYNAMIC_EXECUTE || type === DYNAMIC_EXECUTE_IMMEDIATE;
  const event = eventOf(channel, message, executes ? 'prepared' : 'prepare');
  begin(channel, reading, event, sink);
  const { pending } = reading;
  if (pending === undefined) return;
  pending.silent = !executes;
  const key = `dynamic ${id}`;
  if (type === DYNAMIC_PREPARE || type === DYNAMIC_EXECUTE_IMMEDIATE) {
    const size = wide ? u32(cursor, dialect) : u16(cursor, dialect);
    const start = cursor.pos;
    cursor.skip(size);
    takeText(event, cursor.bytes, start, Math.min(start + size, cursor.end), size, dialect.encoding);
    if (type === DYNAMIC_PREPARE) {
      const prepared = new Prepared();
      copyText(event, prepared);
      prepared.text = withoutWrapper(prepared.text, id);
      handles.add(key, prepared);
    }
  } else if (type === DYNAMIC_EXECUTE) {
    const prepared = handles.get(key);
    if (prepared === undefined) event.marks |= MARK_UNKNOWN_HANDLE;
    else copyText(prepared, event);
  } else if (type === DYNAMIC_DEALLOCATE) {
    handles.delete(key);
  }
  if (!cursor.failed && end > cursor.pos) cursor.skip(end - cursor.pos);
}

/** Clients prepare a statement as a procedure of the handle's name; recorded is the statement. */
function withoutWrapper(text: string | undefined, id: string): string | undefined {
  const wrapper = `create proc ${id} as `;
  return text?.slice(0, wrapper.length).toLowerCase() === wrapper.toLowerCase() ? text.slice(wrapper.length) : text;
}

function readCursorDeclare(channel: Channel, cursor: Cursor, reading: Reading): void {
  const { dialect, handles } = channel.session;
  const end = u16(cursor, dialect) + cursor.pos;
  const name = readChars(cursor, cursor.u8(), dialect.encoding);
  cursor.skip(2);
  const size = u16(cursor, dialect);
  const start = cursor.pos;
  cursor.skip(size);
  const { event, pending } = reading;
  if (event === undefined || pending === undefined) return;
  takeText(event, cursor.bytes, start, Math.min(start + size, cursor.end), size, dialect.encoding);
  const prepared = new Prepared();
  copyText(event, prepared);
  handles.add(`cursor ${name}`, prepared);
  pending.silent = true;
  if (!cursor.failed && end > cursor.pos) cursor.skip(end - cursor.pos);
}

/** Opening, fetching from, and changing through a cursor. By name until the server has given a number. */
function readCursorUse(
  channel: Channel,
  message: Message,
  token: number,
  cursor: Cursor,
  reading: Reading,
  sink: EventSink,
): void {
  const { dialect, handles } = channel.session;
  const end = u16(cursor, dialect) + cursor.pos;
  const id = u32(cursor, dialect);
  const name = id === 0 ? readChars(cursor, cursor.u8(), dialect.encoding) : '';
  const operation = CURSOR_OPERATIONS.get(token);
  // In one request a cursor is declared, opened and read from: that is one execution.
  if (reading.pending !== undefined && reading.event?.call === 'cursor') {
    reading.pending.silent = false;
    reading.event.operation = undefined;
  } else {
    const event = eventOf(channel, message, 'cursor', operation);
    begin(channel, reading, event, sink);
    const prepared = name === '' ? undefined : handles.get(`cursor ${name}`);
    if (prepared === undefined) event.marks |= MARK_UNKNOWN_HANDLE;
    else copyText(prepared, event);
  }
  if (!cursor.failed && end > cursor.pos) cursor.skip(end - cursor.pos);
}

const CURSOR_OPERATIONS: ReadonlyMap<number, string> = new Map([
  [c.TOKEN5_CURSOR_OPEN, 'OPEN'],
  [c.TOKEN5_CURSOR_FETCH, 'FETCH'],
  [c.TOKEN5_CURSOR_UPDATE, 'UPDATE'],
  [c.TOKEN5_CURSOR_DELETE, 'DELETE'],
]);

function readParameters(channel: Channel, cursor: Cursor, reading: Reading): void {
  const { dialect } = channel.session;
  reading.values ??= [];
  const { event, names, values } = reading;
  for (const [index, type] of reading.formats.entries()) {
    const raw = readValue(cursor, dialect, type);
    if (raw === undefined) return;
    const name = (names[index] ?? '').replace(/^@/, '').toLowerCase();
    if (raw.isNull || !isSecret(event?.procedure ?? '', name, index)) {
      values.push(bindValue(raw));
      continue;
    }
    values.push(REDACTED);
    if (event !== undefined) event.marks |= MARK_REDACTED;
  }
}
