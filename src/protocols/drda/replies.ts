/** What the server sends: reply messages and objects, each to the request of its correlation identifier. */
import { MARK_GAP, Outcome } from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import * as cp from './codepoints.ts';
import { DdmReader } from './ddm.ts';
import { type Descriptor, readDescriptor } from './descriptor.ts';
import { OUTCOMES_MAX } from './limits.ts';
import { onDatabaseAccessed, onSecurityReply, onSecurityVerdict, onServerAttributes } from './login.ts';
import { addWeight, endChain, endUnitOfWork, finish, match, oldest } from './pending.ts';
import { RowWalker } from './rows.ts';
import { sectionKey } from './sections.ts';
import {
  type ByteStream,
  endCursor,
  eventsOf,
  keepCursor,
  QueryCursor,
  type Request,
  recogniseProduct,
  type Session,
  type Structure,
  weighCursor,
} from './session.ts';
import { isError, readSqlca, type Sqlca } from './sqlca.ts';
import type { Typdef } from './typdef.ts';
import { xaError } from './xa.ts';

/** SVRCOD from which on a reply message means failure. */
const SEVERITY_ERROR = 8;
const DISPOSITION_COMMIT = 1;

export function onReplyStructure(
  s: Session,
  dss: Structure,
  bytes: Uint8Array,
  start: number,
  end: number,
  sink: EventSink,
): void {
  const request = match(s, dss.correlation, dss.endUs, sink);
  if (request === undefined) return;
  request.answered = true;
  const reader = new DdmReader().reset(bytes, start, end);
  if (dss.damaged) markDamage(s, request, dss);
  else while (reader.next()) onObject(s, request, dss, reader, sink);
  count(request, dss);
  if ((dss.format & cp.SAME_CORRELATOR) === 0) finish(s, request, dss.endUs, sink);
  if ((dss.format & cp.CHAINED) === 0) endChain(s, request.chain, dss.endUs, sink);
}

function markDamage(s: Session, request: Request, dss: Structure): void {
  request.marks |= MARK_GAP;
  for (const event of eventsOf(request)) {
    event.marks |= MARK_GAP;
    event.lostBytes += dss.lostBytes;
  }
  request.cursor?.walker?.lose();
  if (request.codePoint === cp.EXCSAT) s.ccsid = 0;
}

/** The result this structure belongs to, made when its first byte comes. */
function outcomeOf(request: Request): Outcome {
  if (request.outcome === undefined) {
    request.outcome = new Outcome();
    request.events[0]?.outcomes.push(request.outcome);
  }
  return request.outcome;
}

function count(request: Request, dss: Structure): void {
  const outcome = request.cursor ? request.cursor.outcome : outcomeOf(request);
  outcome.firstByteUs ||= dss.startUs;
  outcome.endUs = dss.endUs;
  outcome.responseBytes += dss.wireBytes;
  const cursor = request.cursor;
  if (cursor?.walker === undefined) return;
  outcome.returnedRows = cursor.walker.rows;
  if (cursor.walker.failure) fail(request, cursor.walker.failure);
}

function onObject(s: Session, request: Request, dss: Structure, reader: DdmReader, sink: EventSink): void {
  const { codePoint, body } = reader;
  const inner = new DdmReader().reset(body.bytes, body.pos, body.end);
  switch (codePoint) {
    case cp.EXCSATRD:
      onServerAttributes(s, inner);
      break;
    case cp.ACCSECRD:
      onSecurityReply(s, inner);
      break;
    case cp.TYPDEFNAM:
    case cp.TYPDEFOVR:
      request.replyTypdef ??= s.server.copy();
      if (codePoint === cp.TYPDEFOVR) request.replyTypdef.override(body);
      else request.replyTypdef.setName(body.text(body.remaining(), 'latin1'));
      break;
    case cp.SQLCARD:
    case cp.SQLDARD:
      onSqlca(s, request, readSqlca(body, typdefOf(s, request), s.sqlam));
      break;
    case cp.SQLDTARD:
      onOutputData(s, request, inner);
      break;
    case cp.QRYDSC:
      onDescriptor(s, request, reader);
      break;
    case cp.QRYDTA: {
      const stream = openReplyStream(s, dss.correlation, codePoint);
      stream?.feed(body.bytes, body.pos, body.end);
      stream?.close(true);
      break;
    }
    case cp.EXTDTA:
      break;
    default:
      if (cp.REPLY_NAMES.has(codePoint)) onMessage(s, request, codePoint, inner, sink);
  }
}

function typdefOf(s: Session, request: Request): Typdef {
  return request.replyTypdef ?? s.server;
}

function onMessage(s: Session, request: Request, codePoint: number, parameters: DdmReader, sink: EventSink): void {
  if (codePoint === cp.ACCRDBRM) {
    const { bytes, pos, end } = parameters.rest();
    onDatabaseAccessed(s, new DdmReader().reset(bytes, pos, end), sink);
    request.accepted = true;
  }
  let scrollable = false;
  while (parameters.next()) {
    const { body } = parameters;
    switch (parameters.codePoint) {
      case cp.SVRCOD:
        if (body.u16be() >= SEVERITY_ERROR) onSevere(request, codePoint);
        break;
      case cp.SECCHKCD:
        onSecurityVerdict(request, body.u8());
        break;
      case cp.QRYATTSCR:
        scrollable = body.u8() === TRUE;
        break;
      case cp.UOWDISP:
        request.committed = true;
        endUnitOfWork(s, body.u8() === DISPOSITION_COMMIT, sink);
        break;
      case cp.XARETVAL:
        onXaReturn(request, body.i32be());
        break;
      case cp.PKGSNLST:
        onResultSections(s, request, new DdmReader().reset(body.bytes, body.pos, body.end));
        break;
    }
  }
  if (codePoint === cp.OPNQRYRM) openCursor(s, request, scrollable, sink);
  else if (codePoint === cp.ABNUOWRM) endUnitOfWork(s, false, sink);
  else if (codePoint === cp.ENDQRYRM && request.cursor?.walker) request.cursor.walker.ended = true;
}

/** TRUE of the DDM architecture. */
const TRUE = 0xf1;

function onSevere(request: Request, codePoint: number): void {
  request.failed = true;
  request.accepted = false;
  request.replyName ??= cp.REPLY_NAMES.get(codePoint);
}

function onXaReturn(request: Request, value: number): void {
  const code = xaError(value);
  if (code === undefined) return;
  request.failed = true;
  request.errorCode = code;
  request.errorText = `XARETVAL ${code}`;
}

function onResultSections(s: Session, request: Request, list: DdmReader): void {
  while (list.next() && request.resultKeys.length < OUTCOMES_MAX) {
    const { bytes, pos, end } = list.body;
    if (list.codePoint !== cp.PKGNAMCSN) continue;
    const key = sectionKey(bytes, pos, end);
    request.resultKeys.push(key);
    addWeight(s, request, key.length);
  }
}

/** A query's own result set, or the next one of a call. */
function openCursor(s: Session, request: Request, scrollable: boolean, sink: EventSink): void {
  const execution = request.execution;
  if (execution === undefined) return;
  const isCall = request.codePoint !== cp.OPNQRY;
  const key = isCall ? request.resultKeys[request.resultSets] : request.key;
  request.resultSets++;
  if (key === undefined || key === '') return;
  const earlier = s.cursors.get(key);
  if (earlier) endCursor(s, earlier, sink);
  const previous = request.cursor;
  if (previous?.walker?.ended && !previous.scrollable) endCursor(s, previous, sink);
  const own = isCall && execution.event.outcomes.length < OUTCOMES_MAX;
  const outcome = own ? new Outcome() : outcomeOf(request);
  if (own) {
    outcomeOf(request);
    execution.event.outcomes.push(outcome);
  }
  const cursor = new QueryCursor(key, execution, outcome);
  cursor.scrollable = scrollable;
  cursor.hold = request.hold;
  request.cursor = cursor;
  keepCursor(s, cursor, sink);
}

/** What a column takes in the memory of an open result set. */
const COLUMN_BYTES = 64;

function onDescriptor(s: Session, request: Request, reader: DdmReader): void {
  const { bytes, pos, end } = reader.body;
  const descriptor = reader.cut ? undefined : readDescriptor(bytes, pos, end);
  if (request.cursor === undefined || descriptor === undefined) return;
  request.cursor.walker = new RowWalker(descriptor, typdefOf(s, request), s.sqlam);
  weighCursor(s, request.cursor, COLUMN_BYTES * descriptor.columns.length);
}

/**
 * SQLDTARD: what a statement returns that opens no cursor, its descriptor and one row behind an SQLCA. That is the row of
 * a singleton SELECT, or the output parameters of a call; its values are not kept, like those of any result.
 */
function onOutputData(s: Session, request: Request, objects: DdmReader): void {
  let descriptor: Descriptor | undefined;
  while (objects.next()) {
    const { codePoint, body } = objects;
    if (codePoint === cp.FDODSC) descriptor = readDescriptor(body.bytes, body.pos, body.end);
    if (codePoint !== cp.FDODTA) continue;
    const { bytes, pos, end } = body;
    onSqlca(s, request, readSqlca(body, typdefOf(s, request), s.sqlam));
    if (descriptor === undefined) continue;
    const walker = new RowWalker({ ...descriptor, rowsHaveSqlca: true }, typdefOf(s, request), s.sqlam);
    walker.feed(bytes, pos, end);
    const outcome = outcomeOf(request);
    if (request.isCall || isCallText(request.events[0]?.text)) outcome.tag = 'OUT PARAMETERS';
    else outcome.returnedRows = walker.rows;
  }
}

/** No two runs of spaces stand side by side in it: the time would grow with their square. */
const CALL = /^\s*(?:\{\s*)?(?:\?\s*=\s*)?CALL\b/i;

function isCallText(text: string | undefined): boolean {
  return text !== undefined && CALL.test(text);
}

function onSqlca(s: Session, request: Request, sqlca: Sqlca | undefined): void {
  if (sqlca === undefined) return;
  recogniseProduct(s, sqlca.product);
  if (isError(sqlca)) {
    fail(request, sqlca);
  } else if (request.codePoint === cp.EXCSQLSTT || request.codePoint === cp.EXCSQLIMM) {
    const outcome = outcomeOf(request);
    if (!request.cursor && sqlca.rows >= 0) outcome.affectedRows = sqlca.rows;
  }
}

function fail(request: Request, sqlca: Sqlca): void {
  request.failed = true;
  request.errorCode ??= sqlca.state || String(sqlca.code);
  request.errorText ??= `SQLCODE ${sqlca.code}${sqlca.tokens ? `: ${sqlca.tokens}` : ''}`;
}

/** Result rows are counted as they come. */
export function openReplyStream(s: Session, correlation: number, codePoint: number): ByteStream | undefined {
  if (codePoint !== cp.QRYDTA) return undefined;
  const walker = oldest(s, correlation)?.cursor?.walker;
  if (walker === undefined) return undefined;
  return {
    feed: (bytes, start, end) => walker.feed(bytes, start, end),
    close: (whole) => {
      if (!whole) walker.lose();
    },
  };
}
