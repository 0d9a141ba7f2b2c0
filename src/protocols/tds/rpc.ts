/**
 * Remote procedure calls: MS-TDS §2.2.6.6, and MS-SSTDS §2.2.5.5 for TDS 4.2, whose names are single bytes counted in one
 * and whose types are those of `sybase-types.ts`. Splits a request into its calls, and a call into its parameters.
 */
import { Cursor } from '../../base/cursor.ts';
import { MARK_MALFORMED, MARK_TRUNCATED } from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import type { Message } from './assembly.ts';
import type { Channel } from './channel.ts';
import { readChars } from './collation.ts';
import { type Dialect, FAMILY_SYBASE } from './dialect.ts';
import { eventOf, isCut, pushUnread } from './events.ts';
import { CALLS_MAX, PARAMETERS_MAX } from './limits.ts';
import type { Pending } from './pending.ts';
import { pushCall } from './procedures.ts';
import { readArgument } from './sybase-types.ts';
import { readTable } from './table.ts';
import { KIND_TABLE, readTypeInfo } from './types.ts';
import { type RawValue, readRaw } from './values.ts';

/** Between calls, before TDS 7.2. */
const SEPARATOR_OLD = 0x80;
const SEPARATOR_NO_EXECUTE = 0xfe;
const SEPARATOR = 0xff;
const STATUS_ENCRYPTED = 0x08;

const PROCEDURES: readonly (string | undefined)[] = [
  undefined,
  'sp_cursor',
  'sp_cursoropen',
  'sp_cursorprepare',
  'sp_cursorexecute',
  'sp_cursorprepexec',
  'sp_cursorunprepare',
  'sp_cursorfetch',
  'sp_cursoroption',
  'sp_cursorclose',
  'sp_executesql',
  'sp_prepare',
  'sp_execute',
  'sp_prepexec',
  'sp_prepexecrpc',
  'sp_unprepare',
];

/** One call, as it was sent. */
export interface Call {
  readonly procedure: string;
  readonly parameters: RawValue[];
  /** The parameters could not be read to their end. */
  marks: number;
}

/** Queues every call of a request; `start` is where the first begins. */
export function onCalls(channel: Channel, message: Message, start: number, sink: EventSink): void {
  const { dialect } = channel.session;
  const cursor = new Cursor().reset(message.bytes, start, message.end);
  const isWhole = !isCut(message) && !message.isBroken;
  let calls = 0;
  let last: Pending | undefined;
  while (cursor.remaining() > 0 && !cursor.failed) {
    const call = readCall(cursor, dialect, isWhole);
    if (call === undefined) break;
    const event = eventOf(channel, message, 'rpc');
    event.marks |= call.marks;
    last = pushCall(channel, event, call, sink);
    if (++calls === CALLS_MAX) {
      event.marks |= MARK_TRUNCATED;
      break;
    }
  }
  last ??= pushUnread(channel, message, 'rpc', sink);
  if (!isWhole || calls === CALLS_MAX) last.callsBeyond = CALLS_MAX;
}

/** `undefined` when not even its name can be read. */
function readCall(cursor: Cursor, dialect: Dialect, isWhole: boolean): Call | undefined {
  const isOld = dialect.family === FAMILY_SYBASE;
  const procedure = isOld ? readOldName(cursor, dialect) : readProcedure(cursor);
  cursor.skip(2);
  if (cursor.failed || procedure === undefined) return undefined;
  const call: Call = { procedure, parameters: [], marks: 0 };
  while (cursor.remaining() > 0) {
    const first = cursor.peek();
    if (first === SEPARATOR || first === SEPARATOR_NO_EXECUTE || (first === SEPARATOR_OLD && !dialect.wide)) {
      cursor.skip(1);
      return call;
    }
    const parameter = isOld ? readOldParameter(cursor, dialect) : readParameter(cursor, dialect);
    if (parameter !== undefined) {
      if (call.parameters.length < PARAMETERS_MAX) call.parameters.push(parameter);
      else call.marks |= MARK_TRUNCATED;
    }
    if (cursor.failed) {
      call.marks |= isWhole ? MARK_MALFORMED : MARK_TRUNCATED;
      return call;
    }
  }
  if (!isWhole) call.marks |= MARK_TRUNCATED;
  return call;
}

function readProcedure(cursor: Cursor): string | undefined {
  const length = cursor.u16le();
  if (length !== 0xffff) return length === 0 ? undefined : cursor.text(length * 2, 'utf16le');
  const id = cursor.u16le();
  return PROCEDURES[id] ?? `procedure ${id}`;
}

/** Empty names do not occur; more bytes than SQL Server and Sybase allow for one neither. */
function readOldName(cursor: Cursor, dialect: Dialect): string | undefined {
  const length = cursor.u8();
  return length === 0 ? undefined : readChars(cursor, length, dialect.encoding);
}

function readOldParameter(cursor: Cursor, dialect: Dialect): RawValue | undefined {
  const name = readChars(cursor, cursor.u8(), dialect.encoding);
  cursor.skip(1);
  const raw = readArgument(cursor, dialect);
  if (raw !== undefined) raw.name = bare(name);
  return raw;
}

/** A parameter's name without `@`, in lower case. */
function bare(name: string): string {
  return name.replace(/^@/, '').toLowerCase();
}

/** Name, status, type and value. A value that reaches beyond what is there fails the cursor, and is returned. */
function readParameter(cursor: Cursor, dialect: Dialect): RawValue | undefined {
  const name = cursor.text(cursor.u8() * 2, 'utf16le');
  const status = cursor.u8();
  const type = readTypeInfo(cursor, dialect, false);
  if (type === undefined) return undefined;
  const raw = type.kind === KIND_TABLE ? readTable(cursor, dialect, type) : readRaw(cursor, type);
  if (raw === undefined) return undefined;
  raw.name = bare(name);
  if ((status & STATUS_ENCRYPTED) !== 0) skipEncryption(cursor, dialect);
  return raw;
}

/** ParamCipherInfo: the type of the plain value, and how it was encrypted. */
function skipEncryption(cursor: Cursor, dialect: Dialect): void {
  readTypeInfo(cursor, dialect, false);
  if (cursor.u8() === 0) cursor.skip(cursor.u8() * 2);
  cursor.skip(1 + 4 + 4 + 4 + 8 + 1);
}
