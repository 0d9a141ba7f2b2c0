/**
 * OALL8, the bundled call (parse, bind, define, execute, fetch), and re-execution by cursor: arguments, SQL text,
 * descriptors and bind rows. Field versions 4 to 9 and 18 each added arguments.
 */
import { decodeText, type TextEncodingName } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import * as c from './constants.ts';
import { VALUES_MAX } from './limits.ts';
import type { TtcReader } from './reader.ts';
import { BIND_ARRAY, type BindType, readBindType, readValue } from './values.ts';

const I4_COUNT = 13;
const BINDS_MAX = 65_536;
const MSG_ROW = 7;

export interface ExecuteContext {
  readonly fieldVersion: number;
  readonly rawText: boolean;
  readonly encoding: TextEncodingName;
  readonly stringBytesMax: number;
}

export class ExecuteCall {
  options = 0;
  cursorId = 0;
  iterations = 0;
  isQuery = false;
  isPlsql = false;
  sql: string | undefined = undefined;
  sqlBytes: Uint8Array | undefined = undefined;
  binds: readonly BindType[] | undefined = undefined;
  values: readonly BindValue[] = [];
  /** Every field was plausible and the message ended where it should. */
  sound = false;
}

/** Reads an OALL8 behind its function header. What is missing at the end leaves `reader.failed`. */
export function readExecute(reader: TtcReader, context: ExecuteContext): ExecuteCall {
  const { fieldVersion } = context;
  const call = new ExecuteCall();
  call.options = reader.ub(4);
  call.cursorId = reader.ub(4);
  const hasSql = reader.pointer();
  const sqlLength = reader.ub(4);
  reader.pointer();
  const words = reader.ub(4);
  reader.pointer();
  reader.pointer();
  for (let i = 0; i < 3; i++) reader.ub(4); // prefetch bytes and rows, longest LONG
  const hasBinds = reader.pointer();
  const binds = reader.ub(4);
  for (let i = 0; i < 5; i++) reader.pointer();
  const hasDefines = reader.pointer();
  const defines = reader.ub(4);
  skipLaterArguments(reader, fieldVersion);
  if (reader.failed || words !== I4_COUNT || binds > BINDS_MAX || defines > BINDS_MAX) return call;
  if (hasSql) readSql(reader, call, sqlLength, context);
  const i4: number[] = [];
  for (let i = 0; i < I4_COUNT; i++) i4.push(reader.ub(4));
  call.iterations = i4[1] as number;
  call.isQuery = i4[7] === 1;
  call.isPlsql = i4[7] === 8 || (call.options & c.OPTION_PLSQL_BIND) !== 0;
  if (hasBinds) call.binds = readBindTypes(reader, binds, fieldVersion);
  if (hasDefines) readBindTypes(reader, defines, fieldVersion);
  call.sound = !reader.failed && (i4[0] as number) <= 1 && (reader.remaining() === 0 || reader.peek() === MSG_ROW);
  return call;
}

/** Arguments that later versions added behind the defines. */
function skipLaterArguments(reader: TtcReader, fieldVersion: number): void {
  if (fieldVersion >= 4) {
    reader.ub(4); // registration id
    reader.pointer();
    reader.pointer();
  }
  if (fieldVersion >= 5) {
    reader.pointer();
    reader.ub(4);
    reader.pointer();
    reader.ub(4);
    reader.ub(4);
  }
  if (fieldVersion >= 7) {
    reader.pointer(); // row counts of array DML
    reader.ub(4);
    reader.pointer();
  }
  if (fieldVersion >= 8) {
    reader.pointer(); // SQL signature, SQL id
    reader.ub(4);
    reader.pointer();
    reader.ub(4);
    reader.pointer();
  }
  if (fieldVersion >= 9) {
    reader.pointer();
    reader.ub(4);
  }
}

function readSql(reader: TtcReader, call: ExecuteCall, announced: number, context: ExecuteContext): void {
  const bytes = context.rawText ? reader.take(Math.min(announced, reader.remaining())) : reader.clr();
  if (bytes === undefined) return;
  // sqlplus counts the NUL that ends its texts.
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  call.sqlBytes = bytes.subarray(0, length);
  call.sql = decodeText(bytes, 0, length, context.encoding);
}

function readBindTypes(reader: TtcReader, count: number, fieldVersion: number): BindType[] {
  const types: BindType[] = [];
  for (let i = 0; i < count && !reader.failed; i++) types.push(readBindType(reader, fieldVersion));
  return types;
}

/**
 * The bind rows up to the end of the message, in order of rows. Values longer than a string may be stand behind the
 * others of their row in SQL; `absent` tells the binds that have no value at all.
 */
export function readRows(
  reader: TtcReader,
  binds: readonly BindType[],
  absent: (index: number) => boolean,
  moveLong: number,
): BindValue[] {
  const present = binds.filter((_, index) => !absent(index));
  const values: BindValue[] = [];
  while (reader.remaining() > 0 && !reader.failed && reader.peek() === MSG_ROW && values.length < VALUES_MAX) {
    reader.skip(1);
    readRow(reader, present, values, moveLong);
  }
  return values;
}

function readRow(reader: TtcReader, binds: readonly BindType[], values: BindValue[], moveLong: number): void {
  const first = values.length;
  const moved: number[] = [];
  for (const bind of binds) {
    if ((bind.flags & BIND_ARRAY) === 0 && bind.maxBytes > moveLong) {
      moved.push(values.length);
      values.push(null);
    } else if (!reader.failed) readValue(reader, bind, values);
  }
  const late = binds.filter((bind) => (bind.flags & BIND_ARRAY) === 0 && bind.maxBytes > moveLong);
  for (const [i, at] of moved.entries()) {
    const one: BindValue[] = [];
    if (!reader.failed) readValue(reader, late[i] as BindType, one);
    values[at] = one[0] ?? null;
  }
  // A row that was cut short is no row.
  if (reader.failed) values.length = first;
}

/** Binds behind `RETURNING … INTO` only come back; they have a descriptor but no value. */
export function returningBinds(sql: string): number {
  const into = /\breturn(?:ing)?\b[\s\S]*\binto\b([^;]*)$/i.exec(sql);
  return into === null ? 0 : ((into[1] as string).match(/:\s*(?:\w+|"[^"]+")/g)?.length ?? 0);
}
