/**
 * One client message: piggybacks, then a call. Reading has no effects, so that a message may be read again when more
 * of it has come; `session.ts` applies the result.
 */
import { decodeText, type TextEncodingName } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import * as c from './constants.ts';
import type { CursorEntry } from './cursors.ts';
import { type ExecuteCall, type ExecuteContext, readExecute, readRows, returningBinds } from './execute.ts';
import { type LoginCall, readLogin } from './login.ts';
import { DIALECT_F1, DIALECT_F8, DIALECT_N, DIALECT_U, DIALECT_UNKNOWN, type Dialect, TtcReader } from './reader.ts';

const FIELD_VERSION_TOKEN = 18;
const PIGGYBACKS_MAX = 32;
const CURSORS_MAX = 65_536;
const DIRECTION_OUT = 16;
/** End-to-end attributes: the client identifier is among them. */
const FLAG_CLIENT_ID = 0x01;
/** Field versions that added arguments to OALL8, newest first, for connections whose negotiation was not seen. */
const TRIED_VERSIONS: readonly number[] = [24, 17, 8, 7, 6, 4, 3];

/** How the connection writes its messages. */
export interface RequestContext extends ExecuteContext {
  readonly dialect: Dialect;
  /** The dialect was negotiated, or told by a reply. */
  readonly dialectSure: boolean;
  readonly bigChunks: boolean;
  /** The negotiation was seen. */
  readonly sure: boolean;
  cursor(id: number): CursorEntry | undefined;
}

export interface EndToEnd {
  readonly clientId: string | undefined;
  readonly module: string | undefined;
  readonly hasClientId: boolean;
}

export class Request {
  closed: number[] = [];
  endToEnd: EndToEnd | undefined = undefined;
  schema: string | undefined = undefined;
  /** Function of the call; -1 while none was found. */
  fn = -1;
  sequence = 0;
  execute: ExecuteCall | undefined = undefined;
  cursorId = 0;
  values: readonly BindValue[] | undefined = undefined;
  login: LoginCall | undefined = undefined;
  lobOperation = 0;
  /** The bytes end before the message does. */
  cut = false;
  /** Fields contradict each other, or a part could not be read. */
  malformed = false;
  fieldVersion = -1;
  /** Dialect that made sense of an OALL8. */
  dialect: Dialect = DIALECT_UNKNOWN;
}

/** Reads `bytes[start, end)`: a whole message, or its beginning (`cut`). */
export function readRequest(context: RequestContext, bytes: Uint8Array, start: number, end: number): Request {
  const reader = new TtcReader();
  reader.reset(bytes, start, end);
  reader.dialect = context.dialect === 0 ? DIALECT_U : context.dialect;
  reader.bigChunks = context.bigChunks;
  const request = new Request();
  for (let i = 0; i < PIGGYBACKS_MAX && reader.peek() === c.MSG_PIGGYBACK; i++) {
    if (!readPiggyback(reader, context, request)) break;
  }
  if (reader.peek() === c.MSG_FUNCTION) readCall(reader, context, request);
  else if (reader.remaining() === 0) request.cut = true;
  else request.malformed = true;
  return request;
}

function skipToken(reader: TtcReader, fieldVersion: number): void {
  if (fieldVersion >= FIELD_VERSION_TOKEN) reader.ub(8);
}

/** False when the message cannot be followed any further. */
function readPiggyback(reader: TtcReader, context: RequestContext, request: Request): boolean {
  reader.skip(1);
  const fn = reader.u8();
  const sequence = reader.u8();
  skipToken(reader, context.fieldVersion);
  switch (fn) {
    case c.FN_CLOSE_CURSORS:
      readClosed(reader, request);
      break;
    case c.FN_END_TO_END:
      request.endToEnd = readEndToEnd(reader, context.encoding);
      break;
    case c.FN_SCHEMA: {
      reader.pointer();
      const name = reader.dlc();
      if (name) request.schema = decodeText(name, 0, name.length, context.encoding);
      break;
    }
    case c.FN_SESSION_STATE:
      reader.ub(8);
      break;
    case c.FN_SESSION_SWITCH:
      reader.ub(4);
      reader.ub(4);
      reader.ub(4);
      break;
    default:
      return findCall(reader, sequence);
  }
  if (reader.failed) request.cut = true;
  const next = reader.peek();
  if (!reader.failed && next !== c.MSG_PIGGYBACK && next !== c.MSG_FUNCTION) return findCall(reader, sequence);
  return !reader.failed;
}

/** An unknown piggyback has no length: the call behind it has the next sequence number. */
function findCall(reader: TtcReader, sequence: number): boolean {
  for (let at = reader.pos; at + 2 < reader.end; at++) {
    const type = reader.bytes[at];
    if (type !== c.MSG_FUNCTION && type !== c.MSG_PIGGYBACK) continue;
    if (reader.bytes[at + 2] !== ((sequence + 1) & 0xff) || !KNOWN_FUNCTIONS.has(reader.bytes[at + 1] as number))
      continue;
    reader.pos = at;
    return true;
  }
  return false;
}

const KNOWN_FUNCTIONS: ReadonlySet<number> = new Set([
  ...c.COMMANDS.keys(),
  ...[c.FN_REEXECUTE, c.FN_FETCH, c.FN_LOGOFF, c.FN_VERSION, c.FN_REEXECUTE_FETCH, c.FN_OALL8, c.FN_LOB],
  ...[c.FN_CLOSE_CURSORS, c.FN_PING, c.FN_END_TO_END, c.FN_SCHEMA],
]);

function readClosed(reader: TtcReader, request: Request): void {
  reader.pointer();
  const count = reader.ub(4);
  reader.pad();
  for (let i = 0; i < Math.min(count, CURSORS_MAX) && !reader.failed; i++) request.closed.push(reader.ub(4));
}

/** End-to-end attributes: pointers and lengths first, then the texts that have a length. */
function readEndToEnd(reader: TtcReader, encoding: TextEncodingName): EndToEnd {
  reader.pointer();
  reader.pointer();
  const flags = reader.ub(4);
  const lengths: number[] = [];
  const pair = (): void => {
    reader.pointer();
    lengths.push(reader.ub(4));
  };
  for (let i = 0; i < 3; i++) pair(); // client id, module, action
  reader.pointer();
  reader.ub(4);
  reader.pointer();
  reader.ub(4);
  pair(); // client info
  for (let i = 0; i < 2; i++) {
    reader.pointer();
    reader.ub(4);
  }
  pair(); // database operation
  const texts = lengths.map((length) => {
    const bytes = length > 0 ? reader.clr() : undefined;
    return bytes && decodeText(bytes, 0, bytes.length, encoding);
  });
  return { clientId: texts[0], module: texts[1], hasClientId: (flags & FLAG_CLIENT_ID) !== 0 };
}

function readCall(reader: TtcReader, context: RequestContext, request: Request): void {
  reader.skip(1);
  request.fn = reader.u8();
  request.sequence = reader.u8();
  const arguments_ = reader.pos;
  skipToken(reader, context.fieldVersion);
  switch (request.fn) {
    case c.FN_OALL8:
      readOall8(reader, context, request, arguments_);
      return;
    case c.FN_REEXECUTE:
    case c.FN_REEXECUTE_FETCH:
      readReexecute(reader, context, request);
      break;
    case c.FN_FETCH:
      request.cursorId = reader.ub(4);
      break;
    case c.FN_AUTH_1:
    case c.FN_AUTH_2:
      request.login = readLogin(reader, request.fn === c.FN_AUTH_1 ? 1 : 2, context.rawText);
      break;
    case c.FN_LOB:
      readLob(reader, request);
      break;
    default:
  }
  if (reader.failed) request.cut = true;
}

/** The negotiated version first; others only when it does not fit, or none was negotiated. */
function readOall8(reader: TtcReader, context: RequestContext, request: Request, from: number): void {
  const { bytes, end, dialect } = reader;
  // Their arguments are alike; only descriptors differ.
  const dialects: readonly Dialect[] =
    dialect === DIALECT_F8 && !context.dialectSure ? [dialect, DIALECT_N] : [dialect];
  for (const tried of dialects) {
    reader.dialect = tried;
    if (tryVersions(reader, context, request, bytes, from, end)) return;
  }
}

/** False when the call makes no sense in this dialect at any version. */
function tryVersions(
  reader: TtcReader,
  context: RequestContext,
  request: Request,
  bytes: Uint8Array,
  from: number,
  end: number,
): boolean {
  const rawTexts = context.sure || reader.dialect !== DIALECT_U ? [context.rawText] : [false, true];
  let cut = false;
  for (const version of context.sure ? [context.fieldVersion, ...TRIED_VERSIONS] : TRIED_VERSIONS) {
    for (const rawText of rawTexts) {
      reader.reset(bytes, from, end);
      skipToken(reader, version);
      const call = readExecute(reader, { ...context, fieldVersion: version, rawText });
      if (reader.failed && version === context.fieldVersion) cut = true;
      if (!call.sound) continue;
      request.execute = call;
      request.fieldVersion = version;
      request.dialect = reader.dialect;
      request.cursorId = call.cursorId;
      request.cut = false;
      request.malformed = false;
      readExecuteRows(reader, context, request, call);
      return true;
    }
  }
  if (cut) request.cut = true;
  else request.malformed = true;
  return false;
}

function readExecuteRows(reader: TtcReader, context: RequestContext, request: Request, call: ExecuteCall): void {
  const binds = call.binds;
  if (binds === undefined) return;
  const text = call.sql ?? context.cursor(call.cursorId)?.text ?? '';
  const returning = call.isPlsql ? 0 : returningBinds(text);
  const moveLong = call.isPlsql ? Number.POSITIVE_INFINITY : context.stringBytesMax;
  request.values = readRows(reader, binds, (index) => index >= binds.length - returning, moveLong);
  if (reader.failed) request.cut = true;
}

function readReexecute(reader: TtcReader, context: RequestContext, request: Request): void {
  request.cursorId = reader.ub(4);
  reader.ub(4);
  reader.ub(4);
  reader.ub(4);
  const entry = context.cursor(request.cursorId);
  const binds = entry?.binds;
  if (entry === undefined || binds === undefined) return;
  const returning = entry.isPlsql ? 0 : returningBinds(entry.text ?? '');
  const absent = (index: number): boolean =>
    index >= binds.length - returning || entry.directions?.[index] === DIRECTION_OUT;
  const moveLong = entry.isPlsql ? Number.POSITIVE_INFINITY : context.stringBytesMax;
  request.values = readRows(reader, binds, absent, moveLong);
}

function readLob(reader: TtcReader, request: Request): void {
  if (reader.dialect !== DIALECT_U && reader.dialect !== DIALECT_F1) {
    // Wide pointers: source and its length, destination and its length, two lengths, three pointers.
    reader.skip(8 + 4 + 8 + 4 + 4 + 4 + 8 + 8 + 8);
    request.lobOperation = reader.u32le();
    return;
  }
  reader.pointer();
  reader.ub(4);
  reader.pointer();
  for (let i = 0; i < 3; i++) reader.ub(4);
  for (let i = 0; i < 3; i++) reader.pointer();
  request.lobOperation = reader.ub(4);
}
