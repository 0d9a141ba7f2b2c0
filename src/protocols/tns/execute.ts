/**
 * OALL8, the bundled call (parse, bind, define, execute, fetch), and its predecessor OALL7: arguments, SQL text,
 * descriptors and bind rows. Field versions 3 to 9 and 18 each added arguments; descriptors have several sizes.
 */
import { decodeText, type TextEncodingName } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import * as c from './constants.ts';
import type { TtcReader } from './reader.ts';
import { readRows } from './rows.ts';
import { type BindType, type DescriptorShape, descriptorShapes, readBindType } from './values.ts';

/** Words behind the text; native clients before version 10 have one less. */
const WORDS = 13;
const WORDS_BEFORE_TEN = 12;
const WORDS_ALL7 = 7;
const TYPE_QUERY = 1;
const TYPE_BLOCK = 8;

export interface ExecuteContext {
  readonly fieldVersion: number;
  readonly rawText: boolean;
  readonly encoding: TextEncodingName;
  readonly stringBytesMax: number;
  /** Aligned arguments are filled up at their end, as those of other calls are. */
  readonly filled: boolean;
  /** Calls of more binds or defines are not read. */
  readonly bindsMax: number;
}

export class ExecuteCall {
  options = 0;
  cursorId = 0;
  iterations = 0;
  isQuery = false;
  isPlsql = false;
  sql: string | undefined = undefined;
  sqlBytes: Uint8Array | undefined = undefined;
  /** Where the text begins, with its count; -1 while the arguments before it make no sense. */
  sqlAt = -1;
  /** Bytes announced for a text without a count of its own; -1 for a counted text. */
  rawBytes = -1;
  binds: readonly BindType[] | undefined = undefined;
  values: readonly BindValue[] = [];
  /** Every field was plausible and the message ended where it should. */
  sound = false;
  /** The rows, too, ended with the message. */
  exact = false;
}

/** Which binds of a call have no value in its rows, and how long a value stays in its place. */
export interface RowRules {
  readonly absent: (call: ExecuteCall, binds: number) => (index: number) => boolean;
  readonly moveLong: (call: ExecuteCall) => number;
}

interface Arguments {
  readonly hasSql: boolean;
  readonly sqlLength: number;
  readonly words: number;
  readonly wordsExpected: number;
  readonly binds: number;
  readonly defines: number;
}

/** Reads an OALL8 behind its function header. What is missing at the end leaves `reader.failed`. */
export function readExecute(reader: TtcReader, context: ExecuteContext, rules: RowRules): ExecuteCall {
  const call = new ExecuteCall();
  reader.beginArguments();
  readRest(reader, call, readArguments8(reader, call, context.fieldVersion), context, rules);
  return call;
}

/** Reads an OALL7 behind its function header. */
export function readExecute7(reader: TtcReader, context: ExecuteContext, rules: RowRules): ExecuteCall {
  const call = new ExecuteCall();
  reader.beginArguments();
  readRest(reader, call, readArguments7(reader, call), context, rules);
  return call;
}

function readArguments8(reader: TtcReader, call: ExecuteCall, fieldVersion: number): Arguments {
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
  let hasDefines = false;
  let defines = 0;
  if (fieldVersion >= 3) {
    hasDefines = reader.pointer();
    defines = reader.ub(4);
  }
  skipLaterArguments(reader, fieldVersion);
  return {
    hasSql,
    sqlLength,
    words,
    wordsExpected: fieldVersion >= 3 ? WORDS : WORDS_BEFORE_TEN,
    binds: hasBinds ? binds : 0,
    defines: hasDefines ? defines : 0,
  };
}

function readArguments7(reader: TtcReader, call: ExecuteCall): Arguments {
  call.options = reader.ub(4);
  call.cursorId = reader.ub(4);
  const hasSql = reader.pointer();
  const sqlLength = reader.ub(4);
  reader.pointer();
  reader.ub(4);
  reader.pointer();
  const words = reader.ub(4);
  reader.pointer();
  reader.ub(4);
  reader.pointer();
  const hasDefines = reader.pointer();
  const defines = reader.ub(4);
  const hasBinds = reader.pointer();
  const binds = reader.ub(4);
  return {
    hasSql,
    sqlLength,
    words,
    wordsExpected: WORDS_ALL7,
    binds: hasBinds ? binds : 0,
    defines: hasDefines ? defines : 0,
  };
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

/** What both calls have behind their arguments: text, words, descriptors, rows. */
function readRest(
  reader: TtcReader,
  call: ExecuteCall,
  args: Arguments,
  context: ExecuteContext,
  rules: RowRules,
): void {
  const { binds, defines, words, wordsExpected } = args;
  if (context.filled) reader.alignArguments();
  if (reader.failed || words !== wordsExpected || binds > context.bindsMax || defines > context.bindsMax) return;
  if (args.hasSql) {
    call.sqlAt = reader.pos;
    if (context.rawText) call.rawBytes = args.sqlLength;
    readSql(reader, call, args.sqlLength, context);
  }
  const values: number[] = [];
  for (let i = 0; i < words; i++) values.push(reader.ub(4));
  call.iterations = values[1] as number;
  const type = words > WORDS_ALL7 ? (values[7] as number) : 0;
  call.isQuery = type === TYPE_QUERY;
  call.isPlsql = type === TYPE_BLOCK || (call.options & c.OPTION_PLSQL_BIND) !== 0;
  if (reader.failed || (values[0] as number) > 1) return;
  readBinds(reader, call, binds, defines, context, rules);
}

/** Descriptors and rows, in the first size of descriptors that makes the message end where it does. */
function readBinds(
  reader: TtcReader,
  call: ExecuteCall,
  binds: number,
  defines: number,
  context: ExecuteContext,
  rules: RowRules,
): void {
  const { bytes, pos, end } = reader;
  const shapes = binds + defines === 0 ? ANY_SHAPE : descriptorShapes(reader.dialect, context.fieldVersion);
  for (const shape of shapes) {
    reader.resume(bytes, pos, end);
    const types = readBindTypes(reader, binds, shape);
    readBindTypes(reader, defines, shape);
    const sound = !reader.failed && (reader.remaining() === 0 || reader.peek() === c.MSG_ROW);
    if (!sound) continue;
    const rows = binds > 0 ? readRows(reader, types, rules.absent(call, binds), rules.moveLong(call)) : [];
    // Descriptors of another size may end with the message, but not in front of rows.
    const exact = !reader.failed && reader.remaining() === 0 && (binds === 0 || rows.length > 0);
    if (call.sound && !exact) continue;
    call.sound = true;
    call.exact = exact;
    if (binds > 0) call.binds = types;
    call.values = rows;
    if (exact) return;
  }
}

const ANY_SHAPE: readonly DescriptorShape[] = [{ gap: 0, tail: 0 }];

function readSql(reader: TtcReader, call: ExecuteCall, announced: number, context: ExecuteContext): void {
  const bytes = context.rawText ? reader.take(Math.min(announced, reader.remaining())) : reader.clr();
  if (bytes === undefined) return;
  setSql(call, bytes, context.encoding);
}

export function setSql(call: ExecuteCall, bytes: Uint8Array, encoding: TextEncodingName): void {
  // sqlplus counts the NUL that ends its texts.
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  call.sqlBytes = bytes.subarray(0, length);
  call.sql = decodeText(bytes, 0, length, encoding);
}

function readBindTypes(reader: TtcReader, count: number, shape: DescriptorShape): BindType[] {
  const types: BindType[] = [];
  for (let i = 0; i < count && !reader.failed; i++) types.push(readBindType(reader, shape));
  return types;
}
