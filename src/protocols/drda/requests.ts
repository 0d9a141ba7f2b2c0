/** What the client sends: commands, and the objects that belong to them. */
import {
  MARK_GAP,
  MARK_MALFORMED,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  Outcome,
  type StatementEvent,
} from '../../contracts/event.ts';
import type { EventSink } from '../../contracts/protocol.ts';
import { onInterrupt } from './cancel.ts';
import { decodeCcsid } from './ccsid.ts';
import * as cp from './codepoints.ts';
import { DdmReader } from './ddm.ts';
import { readDescriptor } from './descriptor.ts';
import { LobReader } from './lobs.ts';
import { onAccessDatabase, onAccessSecurity, onExchangeAttributes, onSecurityCheck } from './login.ts';
import { addWeight, enqueue, flushUnanswered, makeRoom } from './pending.ts';
import { readSection, resolve } from './resolve.ts';
import {
  type ByteStream,
  Execution,
  keepCursor,
  QueryCursor,
  Request,
  type Session,
  type Structure,
} from './session.ts';
import { beginning, findText, keepText, lostText, type StatementText, setText } from './text.ts';
import type { Typdef } from './typdef.ts';
import { readRows } from './values.ts';
import { onSyncControl } from './xa.ts';

export function onRequestStructure(
  s: Session,
  dss: Structure,
  bytes: Uint8Array,
  start: number,
  end: number,
  sink: EventSink,
): void {
  const type = dss.format & 0x0f;
  if (type === cp.DSS_ENCRYPTED_OBJECT) onEncrypted(s, dss, sink);
  const reader = new DdmReader().reset(bytes, start, end);
  if (type === cp.DSS_REQUEST || type === cp.DSS_REQUEST_NO_REPLY) {
    emitSilent(s, sink);
    beginChain(s, sink);
    s.current = undefined;
    if (reader.next()) onCommand(s, dss, type === cp.DSS_REQUEST_NO_REPLY, reader, sink);
    else if (dss.damaged) loseCommand(s, dss.lostBytes);
  } else if (type === cp.DSS_OBJECT && s.current?.correlation === dss.correlation) {
    const request = s.current;
    markDamage(request, dss);
    while (reader.next()) onObject(s, request, dss, reader);
    if (dss.damaged && request.text === undefined && PREPARES.has(request.codePoint)) loseText(s, request);
    makeRoom(s, sink);
  }
  // A request without reply is complete with its last object.
  if (s.current?.silent && (dss.format & cp.SAME_CORRELATOR) === 0) emitSilent(s, sink);
  if ((dss.format & cp.CHAINED) === 0) s.chainEnded = true;
}

/** A command of which not even the kind came: sections may stand for other statements now. */
export function loseCommand(s: Session, lostBytes: number): void {
  s.loseRequests(lostBytes);
  s.uncertain = true;
  s.statements.clear();
  // Before the login it may have been the one by which encodings are agreed on.
  if (s.userUnknown) s.ccsid = 0;
}

/** Commands that give a section its text. */
const PREPARES: ReadonlySet<number> = new Set([cp.PRPSQLSTT, cp.BNDSQLSTT]);

/** Of what the section stands for from now on nothing came; it may be in an object that is still to come. */
function loseText(s: Session, request: Request): void {
  request.text = lostText(MARK_GAP | MARK_TRUNCATED);
  keepPrepared(s, request, request.text);
}

function keepPrepared(s: Session, { codePoint, key, hold }: Request, text: StatementText): void {
  // What is bound is known once the server has agreed.
  if (key !== '' && codePoint === cp.PRPSQLSTT) s.statements.set(key, { text, hold });
}

/** Emits the request in hand when the client wants no reply to it. */
export function emitSilent(s: Session, sink: EventSink): void {
  if (s.current?.silent !== true) return;
  for (const event of s.current.events) s.emit(event, sink);
  s.current = undefined;
}

/** The client speaks first in a chain: encodings agreed on in the last one hold from here on. */
function beginChain(s: Session, sink: EventSink): void {
  if (!s.chainEnded) return;
  s.chainEnded = false;
  s.chain++;
  if (s.nextCcsid !== 0) s.ccsid = s.nextCcsid;
  s.nextCcsid = 0;
  // A client waits for its replies: what is open while some are lost will not be answered.
  if (s.repliesLost) flushUnanswered(s, MARK_GAP, sink);
  s.repliesLost = false;
}

function onEncrypted(s: Session, dss: Structure, sink: EventSink): void {
  if (s.opaqueSaid) return;
  s.opaqueSaid = true;
  s.emitOpaque('native-encryption', dss.startUs, undefined, sink);
}

function markDamage(request: Request, dss: Structure): void {
  if (!dss.damaged) return;
  request.lostBytes += dss.lostBytes;
  request.marks |= MARK_GAP;
  for (const event of request.events) {
    event.marks |= MARK_GAP;
    event.lostBytes += dss.lostBytes;
  }
}

function onCommand(s: Session, dss: Structure, silent: boolean, reader: DdmReader, sink: EventSink): void {
  const request = new Request(reader.codePoint, dss.correlation, dss.startUs, s.chain);
  const { bytes, pos, end } = reader.body;
  const parameters = new DdmReader().reset(bytes, pos, end);
  switch (request.codePoint) {
    case cp.EXCSAT:
      onExchangeAttributes(s, request, parameters);
      break;
    case cp.ACCSEC:
      onAccessSecurity(s, request, parameters);
      break;
    case cp.SECCHK:
      onSecurityCheck(s, request, parameters);
      break;
    case cp.ACCRDB:
      onAccessDatabase(s, request, parameters);
      break;
    case cp.SYNCCTL:
      execute(s, request, 'command');
      onSyncControl(request, parameters);
      break;
    case cp.INTRDBRQS:
      onInterrupt(s, execute(s, request, 'cancel'), parameters);
      break;
    default:
      onStatementCommand(s, request, parameters, sink);
  }
  markDamage(request, dss);
  // It may have been about any section.
  if (dss.damaged && PREPARES.has(request.codePoint) && request.key === '') loseCommand(s, 0);
  s.current = request;
  request.silent = silent;
  if (!silent) enqueue(s, request, sink);
}

function onStatementCommand(s: Session, request: Request, parameters: DdmReader, sink: EventSink): void {
  let procedure: string | undefined;
  while (parameters.next()) {
    const { codePoint, body, cut } = parameters;
    // A part of a name is another one's.
    if (cut) break;
    if (NAMES.has(codePoint)) {
      readSection(s, request, codePoint, body.bytes, body.pos, body.end);
    } else if (codePoint === cp.PRCNAM) {
      procedure = decodeCcsid(body.bytes, body.pos, body.end, s.ccsid).trim();
    }
  }
  switch (request.codePoint) {
    case cp.EXCSQLIMM:
      execute(s, request, 'simple');
      break;
    case cp.EXCSQLSTT:
    case cp.OPNQRY: {
      const event = execute(s, request, 'prepared');
      if (procedure === undefined) resolve(s, request, event);
      else onNamedCall(s, request, event, procedure);
      break;
    }
    case cp.CNTQRY:
    case cp.CLSQRY:
      onCursorCommand(s, request, sink);
      break;
    default: {
      const operation = OPERATIONS.get(request.codePoint);
      if (operation === undefined) return;
      const event = execute(s, request, 'command');
      event.operation = operation;
      if (request.package !== '') event.procedure = request.package;
    }
  }
}

/** A call by PRCNAM. Its section may be just a place for the call; what was prepared there says more. */
function onNamedCall(s: Session, request: Request, event: StatementEvent, procedure: string): void {
  request.isCall = true;
  if (s.statements.get(request.key) !== undefined) resolve(s, request, event);
  if (event.text === undefined) {
    event.call = 'rpc';
    event.operation = 'CALL';
  }
  event.procedure = procedure;
}

const OPERATIONS: ReadonlyMap<number, string> = new Map([
  [cp.RDBCMM, 'COMMIT'],
  [cp.RDBRLLBCK, 'ROLLBACK'],
  [cp.BGNBND, 'BIND'],
  [cp.REBIND, 'REBIND'],
  [cp.DRPPKG, 'DROP PACKAGE'],
]);

/** Parameters that name a package or a section of one. */
const NAMES: ReadonlySet<number> = new Set([cp.PKGNAMCSN, cp.PKGNAMCT, cp.PKGSN, cp.PKGNAM]);

function execute(s: Session, request: Request, call: string): StatementEvent {
  const event = s.statement(request.startUs, call);
  request.events.push(event);
  request.execution = new Execution(event);
  return event;
}

/** CNTQRY and CLSQRY speak of a result set that is open. */
function onCursorCommand(s: Session, request: Request, sink: EventSink): void {
  let cursor = s.cursors.get(request.key);
  if (cursor === undefined && request.codePoint === cp.CNTQRY && s.userUnknown && request.key !== '') {
    // Opened before the capture began: what is fetched now is all that is known of it.
    const event = s.statement(request.startUs, 'prepared');
    event.marks |= MARK_UNKNOWN_HANDLE;
    const execution = new Execution(event);
    execution.answered = true;
    const outcome = new Outcome();
    event.outcomes.push(outcome);
    cursor = new QueryCursor(request.key, execution, outcome);
    keepCursor(s, cursor, sink);
  }
  request.cursor = cursor;
  request.outcome = cursor?.outcome;
}

function onObject(s: Session, request: Request, dss: Structure, reader: DdmReader): void {
  const { codePoint, body } = reader;
  switch (codePoint) {
    case cp.TYPDEFNAM:
    case cp.TYPDEFOVR:
      request.requestTypdef ??= s.client.copy();
      if (codePoint === cp.TYPDEFOVR) request.requestTypdef.override(body);
      else request.requestTypdef.setName(body.text(body.remaining(), 'latin1'));
      break;
    case cp.SQLATTR:
      onAttributes(request, body.bytes, body.pos, body.end, typdefOf(s, request));
      break;
    case cp.SQLSTT:
      onText(s, request, dss, reader);
      break;
    case cp.SQLDTA:
      onData(s, request, dss, reader);
      break;
    case cp.EXTDTA: {
      const stream = openRequestStream(s, dss.correlation, codePoint);
      stream?.feed(body.bytes, body.pos, body.end);
      stream?.close(!dss.damaged);
      break;
    }
  }
}

function typdefOf(s: Session, request: Request): Typdef {
  return request.requestTypdef ?? s.client;
}

function onAttributes(request: Request, bytes: Uint8Array, start: number, end: number, typdef: Typdef): void {
  const span = findText(bytes, start, end, false, typdef);
  if (span && /\bWITH HOLD\b/i.test(keepText(bytes, span).text ?? '')) request.hold = true;
}

function onText(s: Session, request: Request, dss: Structure, reader: DdmReader): void {
  const text = readText(s, request, dss, reader);
  addWeight(s, request, text.text?.length ?? 0);
  if (PREPARES.has(request.codePoint)) {
    request.text = text;
    if (text.text !== undefined && /\bWITH\s+HOLD\b/i.test(text.text)) request.hold = true;
    keepPrepared(s, request, text);
    return;
  }
  if (request.codePoint === cp.EXCSQLSET) request.events.push(s.statement(request.startUs, 'simple'));
  const event = request.events.at(-1);
  if (event !== undefined) setText(event, text);
}

/** The text of an SQLSTT, as far as it came. */
function readText(s: Session, request: Request, dss: Structure, reader: DdmReader): StatementText {
  const { bytes, pos, end } = reader.body;
  const isCut = dss.cut || dss.damaged || reader.cut;
  const span = findText(bytes, pos, end, isCut, typdefOf(s, request));
  const marks = dss.damaged ? MARK_GAP : 0;
  if (span === undefined) return lostText(isCut ? MARK_TRUNCATED | marks : MARK_MALFORMED);
  return span.start + span.length <= end ? keepText(bytes, span) : beginning(bytes, span, end, dss.sha256, marks);
}

/** FDODSC, then the rows it describes in FDODTA. */
function onData(s: Session, request: Request, dss: Structure, reader: DdmReader): void {
  const event = request.events[0];
  if (event === undefined || dss.damaged) return;
  if (dss.cut) event.marks |= MARK_TRUNCATED;
  const objects = new DdmReader().reset(reader.body.bytes, reader.body.pos, reader.body.end);
  let descriptor: ReturnType<typeof readDescriptor>;
  while (objects.next()) {
    const { body } = objects;
    if (objects.codePoint === cp.FDODSC) descriptor = readDescriptor(body.bytes, body.pos, body.end);
    if (objects.codePoint !== cp.FDODTA || descriptor === undefined) continue;
    const row = readRows(body, descriptor, typdefOf(s, request));
    if (body.failed || objects.cut) event.marks |= MARK_TRUNCATED;
    if (row.values.length === 0) continue;
    event.parameters = row.values;
    request.parameters = row.values;
    request.placeholders = row.placeholders;
    addWeight(s, request, 16 * row.values.length + (body.end - reader.body.pos));
  }
}

/** A large object that belongs to a parameter. */
export function openRequestStream(s: Session, correlation: number, codePoint: number): ByteStream | undefined {
  const request = s.current;
  if (request === undefined || request.correlation !== correlation || codePoint !== cp.EXTDTA) return undefined;
  const place = request.placeholders.shift();
  if (place === undefined) return undefined;
  const lob = new LobReader(place, typdefOf(s, request), s.identity.system === 'derby');
  return {
    feed: (bytes, start, end) => lob.feed(bytes, start, end),
    close: (whole) => {
      if (whole) {
        request.parameters[place.index] = lob.value();
        addWeight(s, request, lob.heldBytes);
      } else for (const event of request.events) event.marks |= MARK_GAP;
    },
  };
}
