/**
 * The bundled calls, read by trial: the agreed layout first, then its siblings (width and alignment of pointers, field
 * versions, counted or raw text) until one makes sense to the call's last byte. What none explains is searched for its
 * text only.
 */
import type { BindValue } from '../../contracts/event.ts';
import * as c from './constants.ts';
import type { CursorEntry } from './cursors.ts';
import { siblings } from './dialect.ts';
import { ExecuteCall, type RowRules, readExecute, readExecute7, setSql } from './execute.ts';
import { baseDialect, DIALECT_NA, DIALECT_U, type Dialect, TtcReader } from './reader.ts';
import { type Request, type RequestContext, skipToken } from './request.ts';
import { readRows, returningBinds } from './rows.ts';
import { findSql } from './scan.ts';

/** Field versions that changed OALL8 or its descriptors, newest first. */
const TRIED_VERSIONS: readonly number[] = [24, 17, 8, 7, 6, 4, 3, 2];
const DIRECTION_OUT = 16;
/** Of layouts that are only tried, so that a hostile call costs little in each of them. */
const BINDS_TRIED_MAX = 1024;

interface Layout {
  readonly dialect: Dialect;
  readonly fieldVersion: number;
  readonly rawText: boolean;
  readonly filled: boolean;
}

/** All layouts worth trying, likeliest first. */
function* layouts(context: RequestContext): Generator<Layout> {
  const versions = new Set(context.sure ? [context.fieldVersion, ...TRIED_VERSIONS] : TRIED_VERSIONS);
  for (const dialect of siblings(context.dialect)) {
    const rawTexts = dialect === DIALECT_U ? [context.rawText, !context.rawText] : [context.rawText];
    for (const fieldVersion of versions) {
      for (const rawText of rawTexts) {
        yield { dialect, fieldVersion, rawText, filled: true };
        if (baseDialect(dialect) === DIALECT_NA) yield { dialect, fieldVersion, rawText, filled: false };
      }
    }
  }
}

/** Reads OALL8 or OALL7 from its token on. `complete`: no more of the message will come. */
export function readBundle(
  reader: TtcReader,
  context: RequestContext,
  request: Request,
  from: number,
  complete: boolean,
): void {
  const { bytes, end } = reader;
  const rules = rowRules(context);
  const read = request.fn === c.FN_OALL7 ? readExecute7 : readExecute;
  let best: ExecuteCall | undefined;
  let bindsMax = context.bindsMax;
  let cut = false;
  let tried = 0;
  for (const layout of layouts(context)) {
    tried++;
    reader.dialect = layout.dialect;
    reader.reset(bytes, from, end);
    skipToken(reader, layout.fieldVersion);
    const call = read(reader, { ...context, ...layout, bindsMax }, rules);
    bindsMax = BINDS_TRIED_MAX;
    const isAgreed = tried === 1 && context.sure;
    if (reader.starved && call.sqlAt >= 0 && (isAgreed || !context.sure)) {
      request.partial ??= { at: call.sqlAt, rawBytes: call.rawBytes, dialect: layout.dialect, call, isAgreed };
    }
    cut ||= reader.starved;
    if (!call.sound || (best !== undefined && !call.exact)) continue;
    best = call;
    accept(request, call, layout);
    if (call.exact) return;
  }
  if (cut && !complete) request.cut = true;
  else if (best === undefined) salvage(context, request, bytes, from, end);
}

function accept(request: Request, call: ExecuteCall, layout: Layout): void {
  request.execute = call;
  request.cursorId = call.cursorId;
  request.values = call.binds === undefined ? undefined : call.values;
  request.fieldVersion = layout.fieldVersion;
  request.dialect = layout.dialect;
}

/** A call that no layout explains keeps its text, if it has one. */
function salvage(context: RequestContext, request: Request, bytes: Uint8Array, from: number, end: number): void {
  request.malformed = true;
  const sql = findSql(bytes, from, end);
  if (sql === undefined) return;
  const call = new ExecuteCall();
  call.options = c.OPTION_PARSE | c.OPTION_EXECUTE;
  setSql(call, sql, context.encoding);
  request.execute = call;
  request.salvaged = true;
}

/** Reads a call of functions that nobody has described. */
export function readUnknownBundle(
  context: RequestContext,
  request: Request,
  bytes: Uint8Array,
  from: number,
  end: number,
): void {
  salvage(context, request, bytes, from, end);
  if (request.execute === undefined) request.malformed = false;
}

function rowRules(context: RequestContext): RowRules {
  return {
    absent: (call, binds) => {
      const text = call.sql ?? context.cursor(call.cursorId)?.text ?? '';
      const returning = call.isPlsql ? 0 : returningBinds(text);
      return (index) => index >= binds - returning;
    },
    moveLong: (call) => (call.isPlsql ? Number.POSITIVE_INFINITY : context.stringBytesMax),
  };
}

/** Re-execution by cursor: values only, as the cursor's binds are described. */
export function readReexecute(reader: TtcReader, context: RequestContext, request: Request): void {
  request.cursorId = reader.ub(4);
  reader.ub(4);
  reader.ub(4);
  reader.ub(4);
  request.values = readCursorRows(reader, context, request.cursorId);
}

/** The rows that follow, by the binds of a cursor; `undefined` when those are unknown. */
function readCursorRows(
  reader: TtcReader,
  context: RequestContext,
  cursorId: number,
): readonly BindValue[] | undefined {
  const entry = context.cursor(cursorId);
  return entry === undefined ? undefined : readEntryRows(reader, context, entry);
}

function readEntryRows(
  reader: TtcReader,
  context: RequestContext,
  entry: CursorEntry,
): readonly BindValue[] | undefined {
  const { binds } = entry;
  if (binds === undefined) return undefined;
  const returning = entry.isPlsql ? 0 : returningBinds(entry.text ?? '');
  const absent = (index: number): boolean =>
    index >= binds.length - returning || entry.directions?.[index] === DIRECTION_OUT;
  const moveLong = entry.isPlsql ? Number.POSITIVE_INFINITY : context.stringBytesMax;
  return readRows(reader, binds, absent, moveLong);
}

/** Rows that come in a message of their own: values for the binds of a call that waits. */
export function readLateRows(
  context: RequestContext,
  entry: CursorEntry,
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly BindValue[] | undefined {
  const reader = new TtcReader();
  reader.reset(bytes, start, end);
  reader.dialect = context.dialect;
  reader.bigChunks = context.bigChunks;
  return readEntryRows(reader, context, entry);
}
