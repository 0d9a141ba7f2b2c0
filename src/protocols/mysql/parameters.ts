/**
 * The values of an execution, one row or many, and the query attributes beside them. MySQL Internals
 * "COM_STMT_EXECUTE", "COM_QUERY"; MariaDB knowledge base "COM_STMT_BULK_EXECUTE".
 */
import type { Cursor } from '../../base/cursor.ts';
import { type BindValue, MARK_TRUNCATED, type StatementEvent } from '../../contracts/event.ts';
import { type LongData, type ValueSink, ValueTail } from './bodies.ts';
import * as c from './constants.ts';
import { LIMITS } from './limits.ts';
import { lenenc } from './messages.ts';
import type { MysqlSession } from './session.ts';
import type { Prepared } from './statements.ts';
import { readValue } from './values.ts';

/** Values of a bulk execution that are kept; the rest is only said to be there. */
const BULK_VALUES_MAX = 1024;
/** Query attributes kept of one request, and bytes of a name or value. */
const ATTRIBUTES_MAX = 32;
const ATTRIBUTE_BYTES_MAX = 256;
/** Stands for a value sent apart of which a part was lost. */
const LOST: BindValue = { type: 'lost', hex: '' };
const INDICATOR_NONE = 0;
const INDICATOR_NULL = 1;
const INDICATORS: readonly string[] = ['none', 'null', 'default', 'ignore', 'ignore row'];

/**
 * Query attributes before the text of COM_QUERY: those with a short text as value, by name. Fails the cursor when they
 * can't be read.
 */
export function readAttributes(session: MysqlSession, cursor: Cursor): ReadonlyMap<string, string> | undefined {
  if (!hasAttributes(session, cursor)) return undefined;
  const count = lenenc(cursor);
  lenenc(cursor);
  if (count <= 0) return undefined;
  const nulls = cursor.pos;
  cursor.skip(Math.ceil(count / 8));
  const typesSent = cursor.u8() === 1;
  const types: number[] = [];
  const names: string[] = [];
  for (let i = 0; typesSent && i < count && !cursor.failed; i++) {
    types.push(cursor.u16le());
    names.push(readName(cursor, session));
  }
  const tags = new Map<string, string>();
  for (let i = 0; i < types.length && !cursor.failed; i++) {
    if (isNull(cursor.bytes, nulls, i)) continue;
    addTag(tags, names[i], readValue(cursor, types[i] as number, session.encoding, ATTRIBUTE_BYTES_MAX));
  }
  return tags.size > 0 ? tags : undefined;
}

/** Only what has a name and a short text as value; of too many, the first. */
function addTag(tags: Map<string, string>, name: string | undefined, value: BindValue | undefined): void {
  if (typeof value !== 'string' || value.length > ATTRIBUTE_BYTES_MAX) return;
  if (name !== undefined && name !== '' && tags.size < ATTRIBUTES_MAX) tags.set(name, value);
}

/** An attribute's name; of one that is too long, nothing. */
function readName(cursor: Cursor, session: MysqlSession): string {
  const length = lenenc(cursor);
  if (length > 0 && length <= ATTRIBUTE_BYTES_MAX) return cursor.text(length, session.encoding);
  cursor.skip(Math.max(0, length));
  return '';
}

/** Where the greeting was not seen, a statement that begins with a count below the blank and "one set" has them. */
function hasAttributes(session: MysqlSession, cursor: Cursor): boolean {
  const offered = !session.capabilitiesKnown || session.has(c.CLIENT_QUERY_ATTRIBUTES);
  if (session.greeted || !offered) return session.capabilitiesKnown && offered;
  return cursor.remaining() >= 2 && cursor.peek() < 9 && cursor.bytes[cursor.pos + 1] === 1;
}

function isNull(bytes: Uint8Array, nulls: number, index: number): boolean {
  return ((bytes[nulls + (index >> 3)] as number) & (1 << (index & 7))) !== 0;
}

/** What was read of an execution's values; `tail` takes those that are still to come. */
export interface ExecutionValues {
  readonly values: BindValue[];
  readonly tail: ValueTail | undefined;
}

/**
 * Values of COM_STMT_EXECUTE; the cursor stands behind the statement's id. `undefined`: their types were not seen, or
 * they can't be read. `open`: the message goes on behind the cursor's end. `cut`: it does, but will not be seen.
 */
export function executionValues(
  session: MysqlSession,
  prepared: Prepared,
  event: StatementEvent,
  cursor: Cursor,
  open: boolean,
  cut: boolean,
): ExecutionValues | undefined {
  const flags = cursor.u8();
  cursor.skip(4);
  const start = cursor.pos;
  const counted = (flags & c.EXECUTE_PARAMETER_COUNT) !== 0;
  const named = session.capabilitiesKnown && session.greeted ? session.has(c.CLIENT_QUERY_ATTRIBUTES) : counted;
  const read = readParameters(session, prepared, event, cursor, open, counted, named);
  if (open || cut) return read;
  if (!cursor.failed && cursor.remaining() === 0) return read;
  // Some clients agree on query attributes and then send none of their fields.
  cursor.reset(cursor.bytes, start, cursor.end);
  const again = readParameters(session, prepared, event, cursor, open, counted, !named);
  return cursor.failed || cursor.remaining() > 0 ? undefined : again;
}

function readParameters(
  session: MysqlSession,
  prepared: Prepared,
  event: StatementEvent,
  cursor: Cursor,
  open: boolean,
  counted: boolean,
  named: boolean,
): ExecutionValues | undefined {
  event.tags = undefined;
  const count = counted ? lenenc(cursor) : prepared.parameterCount;
  if (count <= 0) return { values: [], tail: undefined };
  const nulls = cursor.pos;
  if (!cursor.skip(Math.ceil(count / 8))) return undefined;
  const nullBits = cursor.bytes.slice(nulls, cursor.pos);
  const names: string[] = [];
  let { types } = prepared;
  if (cursor.u8() === 1) {
    const sent: number[] = [];
    for (let i = 0; i < count && !cursor.failed; i++) {
      sent.push(cursor.u16le());
      if (named) names.push(readName(cursor, session));
    }
    if (!cursor.failed) {
      types = sent;
      session.statements.keepTypes(prepared, sent);
    }
  }
  if (types === undefined || types.length !== count) {
    cursor.skip(cursor.remaining());
    return undefined;
  }
  const parameters = new Parameters(session, prepared, event, types, names, nullBits);
  const tail = readInto(parameters, session, event, cursor, open);
  return { values: parameters.values, tail };
}

/** Reads as many values as there are. Returns what takes the others, where they are still to come. */
function readInto(
  sink: ValueSink,
  session: MysqlSession,
  event: StatementEvent,
  cursor: Cursor,
  open: boolean,
): ValueTail | undefined {
  for (let type = sink.next(); type >= 0; type = sink.next()) {
    const start = cursor.pos;
    if (!open && cursor.remaining() === 0 && sink.isComplete()) return undefined;
    const value = readValue(cursor, type, session.encoding, LIMITS.valueBytesMax);
    if (cursor.failed || value === undefined) {
      if (!open) return undefined;
      const tail = new ValueTail(event, sink, session.encoding);
      tail.add(cursor.bytes, start, cursor.end);
      return tail;
    }
    sink.take(value);
  }
  return undefined;
}

/** The parameters of one row: those sent apart and NULLs are not among the values, attributes come behind them. */
class Parameters implements ValueSink {
  readonly values: BindValue[] = [];
  private readonly event: StatementEvent;
  private readonly types: readonly number[];
  private readonly names: readonly string[];
  private readonly nullBits: Uint8Array;
  private readonly parameterCount: number;
  private readonly apart: ReadonlyMap<number, LongData>;
  private readonly session: MysqlSession;
  private readonly tags = new Map<string, string>();
  private index = 0;

  constructor(
    session: MysqlSession,
    prepared: Prepared,
    event: StatementEvent,
    types: readonly number[],
    names: readonly string[],
    nullBits: Uint8Array,
  ) {
    this.session = session;
    this.event = event;
    this.types = types;
    this.names = names;
    this.nullBits = nullBits;
    this.parameterCount = prepared.parameterCount;
    // The table forgets them when the execution has been read, which may be before its last value has come.
    this.apart = new Map(prepared.longData);
  }

  next(): number {
    for (; this.index < this.types.length; this.index++) {
      const type = this.types[this.index] as number;
      const data = this.apart.get(this.index);
      if (data === undefined && !isNull(this.nullBits, 0, this.index)) return type;
      this.put(data === undefined ? null : (data.value(type, this.session.encoding) ?? LOST));
    }
    return -1;
  }

  take(value: BindValue): void {
    this.put(value);
    this.index++;
  }

  isComplete(): boolean {
    return this.next() < 0;
  }

  private put(value: BindValue): void {
    if (this.index < this.parameterCount) {
      this.values.push(value);
      return;
    }
    addTag(this.tags, this.names[this.index], value);
    if (this.tags.size > 0) this.event.tags = this.tags;
  }
}

/** Values of all rows of COM_STMT_BULK_EXECUTE, row by row; the cursor stands behind the statement's id. */
export function bulkValues(
  session: MysqlSession,
  prepared: Prepared,
  event: StatementEvent,
  cursor: Cursor,
  open: boolean,
): ExecutionValues | undefined {
  const count = prepared.parameterCount;
  const flags = cursor.u16le();
  let { types } = prepared;
  if ((flags & c.BULK_SEND_TYPES) !== 0) {
    const sent: number[] = [];
    for (let i = 0; i < count && !cursor.failed; i++) sent.push(cursor.u16le());
    if (!cursor.failed) {
      types = sent;
      session.statements.keepTypes(prepared, sent);
    }
  }
  if (types === undefined || types.length !== count || count === 0) return undefined;
  const rows = new BulkRows(types);
  const tail = readInto(rows, session, event, cursor, open);
  const isFull = rows.values.length === BULK_VALUES_MAX;
  if (isFull && tail === undefined && (open || cursor.remaining() > 0)) event.marks |= MARK_TRUNCATED;
  return { values: rows.values, tail };
}

/** Rows of a bulk execution: before each value a byte says whether there is one. */
class BulkRows implements ValueSink {
  readonly values: BindValue[] = [];
  private readonly types: readonly number[];
  private column = 0;
  private indicated = false;

  constructor(types: readonly number[]) {
    this.types = types;
  }

  next(): number {
    if (this.indicated) return this.types[this.column] as number;
    if (this.values.length < BULK_VALUES_MAX) return c.TYPE_TINY | c.TYPE_UNSIGNED;
    return -1;
  }

  take(value: BindValue): void {
    if (this.indicated || value === INDICATOR_NULL) this.put(this.indicated ? value : null);
    else if (value === INDICATOR_NONE) this.indicated = true;
    else this.put({ type: INDICATORS[Number(value)] ?? 'indicator', hex: '' });
  }

  isComplete(): boolean {
    return this.column === 0 && !this.indicated;
  }

  private put(value: BindValue): void {
    this.values.push(value);
    this.indicated = false;
    this.column = (this.column + 1) % this.types.length;
  }
}
