/** Requests of TDS 5.0: a token stream of its own. TDS 5.0 Functional Specification: TDS_LANGUAGE, TDS_DBRPC, TDS_DYNAMIC, cursors. */
import { Cursor } from '../../base/cursor.ts';
import {
  type BindValue,
  MARK_MALFORMED,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  StatementEvent,
} from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import { copyText } from '../sdk/handles.ts';
import type { Message } from './assembly.ts';
import type { Channel } from './channel.ts';
import { readChars } from './collation.ts';
import * as c from './constants.ts';
import type { Dialect } from './dialect.ts';
import { eventOf, isCut, opensBulk, pushUnread } from './events.ts';
import { CALLS_MAX, PARAMETERS_MAX } from './limits.ts';
import { KIND_LOGIN, KIND_STATEMENT, Pending } from './pending.ts';
import { argument } from './procedures.ts';
import { keepPrepared, Prepared, type PreparedTable, takeText } from './statements.ts';
import { readCount } from './sybase-tokens.ts';
import { type Formats, NO_FORMATS, readFormats, readValue, u16, u32 } from './sybase-types.ts';

// Types of TDS_DYNAMIC.
const DYNAMIC_PREPARE = 0x01;
const DYNAMIC_EXECUTE = 0x02;
const DYNAMIC_DEALLOCATE = 0x04;
const DYNAMIC_EXECUTE_IMMEDIATE = 0x08;

export function onSybaseRequest(channel: Channel, message: Message, sink: EventSink): void {
  const { session } = channel;
  const { dialect } = session;
  if (!dialect.known) guessByteOrder(dialect, message);
  dialect.setSybase();
  if (session.identity.system !== 'sybase') session.identify({ system: 'sybase' });
  if (channel.pending[0]?.kind === KIND_LOGIN) return; // a security message of the login
  new RequestReader(channel, message, sink).read();
}

/** Mid-stream: the length of the first token tells the byte order, since it fits in only one of them. */
function guessByteOrder(dialect: Dialect, message: Message): void {
  const { bytes, start, end } = message;
  const lengthAt = start + 1;
  if (bytes[start] === c.TOKEN5_LANGUAGE && end - lengthAt >= 4) {
    const isLittle = bytes[lengthAt + 2] === 0 && bytes[lengthAt + 3] === 0;
    dialect.bigEndian = !isLittle && bytes[lengthAt] === 0 && bytes[lengthAt + 1] === 0;
  } else if (end - lengthAt >= 2) {
    dialect.bigEndian = bytes[lengthAt] === 0;
  }
}

/** Reads the tokens of one request. A statement's token comes first, what belongs to it behind: it is queued when the next one begins. */
class RequestReader {
  private readonly channel: Channel;
  private readonly message: Message;
  private readonly sink: EventSink;
  private readonly cursor: Cursor;
  private readonly dialect: Dialect;
  private readonly handles: PreparedTable;
  /** The statement that is being read. */
  private event: StatementEvent | undefined = undefined;
  /** Its place in the queue, kept when it is complete: the request has one. */
  private pending: Pending | undefined = undefined;
  private formats: Formats = NO_FORMATS;
  private values: BindValue[] | undefined = undefined;

  constructor(channel: Channel, message: Message, sink: EventSink) {
    this.channel = channel;
    this.message = message;
    this.sink = sink;
    this.cursor = new Cursor().reset(message.bytes, message.start, message.end);
    this.dialect = channel.session.dialect;
    this.handles = channel.session.handles;
  }

  read(): void {
    const { channel, cursor, message } = this;
    let isLogout = false;
    while (cursor.remaining() > 0 && !cursor.failed) {
      const token = cursor.u8();
      if (token === c.TOKEN5_LOGOUT) isLogout = true;
      this.token(token);
    }
    const last = this.event;
    this.end();
    if (isLogout) channel.session.logout('quit', message.startUs, this.sink);
    else if (this.pending === undefined && cursor.failed) pushUnread(channel, message, 'simple', this.sink);
    else if (isCut(message) || message.isBroken) this.leaveOpen();
    else if (cursor.failed && last !== undefined) last.marks |= MARK_MALFORMED;
  }

  /** The request was cut: what was read last may not be whole, and what was behind it is not known. */
  private leaveOpen(): void {
    const { message, pending } = this;
    if (!(pending?.event instanceof StatementEvent)) return;
    pending.silent = false;
    pending.callsBeyond = CALLS_MAX;
    if (isCut(message)) pending.event.marks |= MARK_TRUNCATED;
  }

  private token(token: number): void {
    switch (token) {
      case c.TOKEN5_LANGUAGE:
        this.language();
        break;
      case c.TOKEN5_DBRPC:
      case c.TOKEN5_DBRPC2:
        this.call(token === c.TOKEN5_DBRPC2);
        break;
      case c.TOKEN5_DYNAMIC:
      case c.TOKEN5_DYNAMIC2:
        this.dynamic(token === c.TOKEN5_DYNAMIC2);
        break;
      case c.TOKEN5_CURSOR_DECLARE:
      case c.TOKEN5_CURSOR_DECLARE2:
      case c.TOKEN5_CURSOR_DECLARE3:
        this.cursorDeclare(token);
        break;
      case c.TOKEN5_PARAMETER_FORMAT:
      case c.TOKEN5_PARAMETER_FORMAT2: {
        const wide = token === c.TOKEN5_PARAMETER_FORMAT2;
        this.cursor.skip(wide ? 4 : 2);
        this.formats = readFormats(this.cursor, this.dialect, wide, false) ?? NO_FORMATS;
        break;
      }
      case c.TOKEN5_PARAMETERS:
        this.parameters();
        break;
      case c.TOKEN5_CURSOR_OPEN:
      case c.TOKEN5_CURSOR_FETCH:
      case c.TOKEN5_CURSOR_UPDATE:
      case c.TOKEN5_CURSOR_DELETE:
        this.cursorUse(CURSOR_OPERATIONS.get(token));
        break;
      case c.TOKEN5_LOGOUT:
        this.cursor.skip(1);
        break;
      default:
        this.other(token);
    }
  }

  /** A token that executes nothing. Alone in a request it still gets a reply. */
  private other(token: number): void {
    const length = readCount(token, this.cursor, this.dialect);
    if (length < 0) {
      this.cursor.fail();
      return;
    }
    this.cursor.skip(length);
    if (this.pending !== undefined) return;
    this.pending = new Pending(KIND_STATEMENT, eventOf(this.channel, this.message, 'command', 'SET'));
    this.pending.silent = true;
    this.channel.push(this.pending, this.sink);
  }

  /** A statement begins; the one before it, if any, is complete. */
  private begin(call: string, operation?: string): { event: StatementEvent; pending: Pending } {
    this.end();
    const event = eventOf(this.channel, this.message, call, operation);
    const pending = new Pending(KIND_STATEMENT, event);
    this.event = event;
    this.pending = pending;
    this.values = undefined;
    return { event, pending };
  }

  private end(): void {
    const { event, pending, values } = this;
    if (event === undefined || pending === undefined) return;
    if (values !== undefined) event.parameters = values;
    this.channel.push(pending, this.sink);
    this.event = undefined;
  }

  /** A length of two bytes, or of four in the wide form of a token. */
  private length(wide: boolean): number {
    return wide ? u32(this.cursor, this.dialect) : u16(this.cursor, this.dialect);
  }

  private name(length: number): string {
    return readChars(this.cursor, length, this.dialect.encoding);
  }

  /** Gives the statement the next `length` bytes as its text, as far as they are there. */
  private text(event: StatementEvent, length: number): void {
    const { cursor } = this;
    const start = cursor.pos;
    const end = Math.min(cursor.end, start + length);
    takeText(event, cursor.bytes, start, end, length, this.dialect.encoding);
    cursor.skip(length);
  }

  /** To where the token ends: what it has beyond what is known of it is passed over. */
  private skipTo(end: number): void {
    const { cursor } = this;
    if (!cursor.failed && end > cursor.pos) cursor.skip(end - cursor.pos);
  }

  /** Length, a status byte, the text. */
  private language(): void {
    const { event, pending } = this.begin('simple');
    const length = this.length(true) - 1;
    this.cursor.skip(1);
    if (this.cursor.failed || length < 0) return;
    this.text(event, length);
    pending.opensBulk = opensBulk(event.text);
  }

  private call(wide: boolean): void {
    const { event } = this.begin('rpc', 'EXECUTE');
    this.length(false);
    const procedure = this.name(wide ? this.length(false) : this.cursor.u8());
    this.cursor.skip(2);
    if (!this.cursor.failed) event.procedure = procedure;
  }

  private dynamic(wide: boolean): void {
    const { cursor, handles } = this;
    const end = this.length(wide) + cursor.pos;
    const type = cursor.u8();
    cursor.skip(1);
    const id = this.name(cursor.u8());
    const executes = type === DYNAMIC_EXECUTE || type === DYNAMIC_EXECUTE_IMMEDIATE;
    const { event, pending } = this.begin(executes ? 'prepared' : 'prepare');
    pending.silent = !executes;
    const key = `dynamic ${id}`;
    if (type === DYNAMIC_PREPARE || type === DYNAMIC_EXECUTE_IMMEDIATE) {
      this.text(event, this.length(wide));
      if (type === DYNAMIC_PREPARE) this.prepare(key, event, withoutWrapper(event.text, id));
    } else if (type === DYNAMIC_EXECUTE) {
      this.resolve(key, event);
    } else if (type === DYNAMIC_DEALLOCATE) {
      handles.delete(key);
    }
    this.skipTo(end);
  }

  private prepare(key: string, event: StatementEvent, text: string | undefined): Prepared {
    const prepared = new Prepared();
    copyText(event, prepared);
    prepared.text = text;
    keepPrepared(this.handles, key, prepared);
    return prepared;
  }

  private resolve(key: string, event: StatementEvent): Prepared | undefined {
    const prepared = this.handles.get(key);
    if (prepared !== undefined) copyText(prepared, event);
    if (prepared?.text === undefined) event.marks |= MARK_UNKNOWN_HANDLE;
    return prepared;
  }

  /** Length, name, options, a status byte, the text. The second form has longer lengths, the third longer options too. */
  private cursorDeclare(token: number): void {
    const { cursor } = this;
    const { event, pending } = this.begin('cursor', 'DECLARE');
    const wide = token !== c.TOKEN5_CURSOR_DECLARE;
    const end = this.length(wide) + cursor.pos;
    const name = this.name(cursor.u8());
    cursor.skip((token === c.TOKEN5_CURSOR_DECLARE3 ? 4 : 1) + 1);
    this.text(event, this.length(wide));
    pending.prepared = this.prepare(`cursor ${name}`, event, event.text);
    pending.silent = true;
    this.skipTo(end);
  }

  /** Opening, fetching from, and changing through a cursor. By name until the server has given a number. */
  private cursorUse(operation: string | undefined): void {
    const { cursor, dialect } = this;
    const end = this.length(false) + cursor.pos;
    const id = u32(cursor, dialect);
    const key = id === 0 ? `cursor ${this.name(cursor.u8())}` : cursorKey(id);
    // In one request a cursor is declared, opened and read from: that is one execution.
    if (this.pending !== undefined && this.event?.call === 'cursor') {
      this.pending.silent = false;
      this.event.operation = undefined;
    } else {
      const { event, pending } = this.begin('cursor', operation);
      pending.prepared = this.resolve(key, event);
    }
    this.skipTo(end);
  }

  private parameters(): void {
    const { cursor, dialect, event } = this;
    const { types, names } = this.formats;
    this.values ??= [];
    for (const [index, type] of types.entries()) {
      const raw = readValue(cursor, dialect, type);
      if (raw === undefined || this.values.length >= PARAMETERS_MAX) return;
      raw.name = (names[index] ?? '').replace(/^@/, '').toLowerCase();
      this.values.push(argument(event, event?.procedure ?? '', raw, index));
    }
  }
}

/** TDS_CURINFO: the number that the server gave the cursor; later requests say that instead of the name. */
export function onCursorNumber(channel: Channel, cursor: Cursor): void {
  const { dialect, handles } = channel.session;
  const prepared = channel.pending[0]?.prepared;
  const id = u32(cursor, dialect);
  if (!cursor.failed && id !== 0 && prepared !== undefined) keepPrepared(handles, cursorKey(id), prepared);
}

function cursorKey(id: number): string {
  return `cursor number ${id}`;
}

/** Clients prepare a statement as a procedure of the handle's name; recorded is the statement. */
function withoutWrapper(text: string | undefined, id: string): string | undefined {
  const wrapper = `create proc ${id} as `;
  return text?.slice(0, wrapper.length).toLowerCase() === wrapper.toLowerCase() ? text.slice(wrapper.length) : text;
}

const CURSOR_OPERATIONS: ReadonlyMap<number, string> = new Map([
  [c.TOKEN5_CURSOR_OPEN, 'OPEN'],
  [c.TOKEN5_CURSOR_FETCH, 'FETCH'],
  [c.TOKEN5_CURSOR_UPDATE, 'UPDATE'],
  [c.TOKEN5_CURSOR_DELETE, 'DELETE'],
]);
