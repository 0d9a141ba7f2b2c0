/**
 * What the client sends in the command phase. MySQL Internals "Command Phase"; MariaDB knowledge base "2 - Text
 * Protocol", "3 - Binary Protocol". Prepared statements are in `execute.ts`.
 */
import type { Cursor } from '../../base/cursor.ts';
import { type BindValue, MARK_GAP, MARK_TRUNCATED, type StatementEvent } from '../../contracts/event.ts';
import { type EventSink, type Frame, TO_SERVER } from '../../contracts/protocol.ts';
import type { TextHolder } from '../sdk/handles.ts';
import { takeText } from './bodies.ts';
import * as c from './constants.ts';
import { onBulkExecute, onClose, onExecute, onFetch, onLongData, onReset } from './execute.ts';
import { loseRequests } from './gaps.ts';
import { LIMITS } from './limits.ts';
import { onChangeUser, onClientLogin } from './login.ts';
import { looksLikeOpening } from './opening.ts';
import { readAttributes } from './parameters.ts';
import {
  KIND_AUTH,
  KIND_CLONE,
  KIND_FIELDS,
  KIND_PREPARE,
  KIND_RESULT,
  KIND_STREAM,
  KIND_STRING,
  Pending,
} from './pending.ts';
import { type MysqlSession, PHASE_COMMAND, PHASE_GREETING, PHASE_RESPONSE } from './session.ts';
import { SPARE } from './spare.ts';
import { Prepared } from './statements.ts';

/** Memory a queued command is taken to hold beside its text. */
const PENDING_BYTES = 512;

/** One packet of the client; the cursor stands at its header. */
export function onClientPacket(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const length = cursor.u24le();
  const sequence = cursor.u8();
  if (session.clientContinues) {
    onContinuation(session, frame, length, sequence);
  } else if (session.phase === PHASE_GREETING || session.phase === PHASE_RESPONSE) {
    onClientLogin(session, frame, cursor, sequence, sink);
  } else if (session.sendsFile(sequence)) {
    session.clientSequence = sequence;
    if (session.outcome) session.outcome.bulkBytes += length;
    if (length === 0) session.infileEnded = true;
  } else if (sequence === 0 || goesOnCounting(session)) {
    session.endBody();
    session.clientSequence = sequence;
    session.clientContinues = length === c.PAYLOAD_MAX;
    // A command of which not even the code is there may have a reply or none.
    if (cursor.remaining() === 0 && frame.lostBytes > 0) loseRequests(session, frame.lostBytes);
    else if (session.phase === PHASE_COMMAND) onCommand(session, frame, cursor, sink);
    if (frame.available === frame.length && !session.clientContinues) session.endBody();
  } else if (
    session.userUnknown &&
    looksLikeOpening(TO_SERVER, sequence, cursor.bytes, cursor.pos, cursor.end, length)
  ) {
    // The greeting was not seen, but this is the login.
    onClientLogin(session, frame, cursor, sequence, sink);
  } else {
    const login = session.head;
    if (login?.kind === KIND_AUTH) login.replySequence = (sequence + 1) & 0xff;
    else session.strayFrames++;
  }
  session.lastClientUs = frame.endUs;
}

/** MariaDB's Java connector numbers a command inside a compressed packet as it likes: there only the order tells. */
function goesOnCounting(session: MysqlSession): boolean {
  return session.layer !== undefined && !session.gapSeen && session.head?.kind !== KIND_AUTH;
}

function onContinuation(session: MysqlSession, frame: Frame, length: number, sequence: number): void {
  session.clientContinues = length === c.PAYLOAD_MAX;
  session.body?.expect(length);
  const last = session.last;
  if (last) {
    last.replySequence = (sequence + 1) & 0xff;
    if (frame.lostBytes > 0 && last.event) last.event.marks |= MARK_GAP;
  }
  if (length === 0) session.endBody();
}

function onCommand(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const command = cursor.u8();
  if (cursor.failed) return;
  switch (command) {
    case c.COM_QUERY:
      onQuery(session, frame, cursor, sink);
      break;
    case c.COM_STMT_PREPARE:
      onPrepare(session, frame, cursor, sink);
      break;
    case c.COM_STMT_EXECUTE:
      onExecute(session, frame, cursor, sink);
      break;
    case c.MARIADB_COM_STMT_BULK_EXECUTE:
      onBulkExecute(session, frame, cursor, sink);
      break;
    case c.COM_STMT_SEND_LONG_DATA:
      onLongData(session, frame, cursor, sink);
      break;
    case c.COM_STMT_FETCH:
      onFetch(session, frame, cursor, sink);
      break;
    case c.COM_STMT_CLOSE:
      onClose(session, frame, cursor, sink);
      break;
    case c.COM_STMT_RESET:
      onReset(session, frame, cursor, sink);
      break;
    case c.COM_CHANGE_USER:
      onChangeUser(session, frame, cursor, sink);
      break;
    case c.COM_QUIT:
      session.quit(frame.startUs, sink);
      break;
    case c.COM_PING:
      session.push(new Pending(KIND_RESULT, undefined, 1), 0, frame.startUs, sink);
      break;
    default:
      onPlainCommand(session, command, frame, cursor, sink);
      break;
  }
}

function onQuery(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const event = SPARE.statement(session, frame.startUs);
  event.tags = readAttributes(session, cursor);
  const pending = SPARE.request(event);
  if (cursor.failed) event.marks |= MARK_TRUNCATED;
  else takeBody(session, pending, event, frame, cursor);
  push(session, pending, event, frame, sink);
}

function onPrepare(session: MysqlSession, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const prepared = new Prepared();
  const event = session.statement(frame.startUs, 'prepare');
  const pending = new Pending(KIND_PREPARE, event, 1);
  pending.silent = true;
  pending.prepared = prepared;
  takeBody(session, pending, prepared, frame, cursor);
  session.lastPrepared = prepared;
  push(session, pending, event, frame, sink);
}

/** The rest of the command is text. */
function takeBody(session: MysqlSession, pending: Pending, holder: TextHolder, frame: Frame, cursor: Cursor): void {
  const lengthBytes = frame.length - (cursor.pos - cursor.end + frame.available);
  const { bytes, pos, end } = cursor;
  const continues = session.clientContinues;
  pending.body = takeText(holder, bytes, pos, end, lengthBytes, continues, session.encoding, LIMITS.sqlBytesMax);
  session.body = pending.body;
}

function push(session: MysqlSession, pending: Pending, event: StatementEvent, frame: Frame, sink: EventSink): void {
  if (frame.lostBytes > 0) {
    event.marks |= MARK_GAP;
    event.lostBytes += frame.lostBytes;
  }
  const bytes = PENDING_BYTES + Math.min(frame.available, LIMITS.sqlBytesMax);
  session.push(pending, bytes, frame.startUs, sink);
}

interface PlainCommand {
  readonly operation: string;
  readonly call: string;
  readonly kind: number;
  readonly read: (cursor: Cursor, session: MysqlSession) => BindValue[] | undefined;
}

const none = (): undefined => undefined;
const text = (cursor: Cursor, session: MysqlSession): BindValue[] => [restText(cursor, session)];
const number =
  (bytes: number) =>
  (cursor: Cursor): BindValue[] | undefined =>
    cursor.remaining() < bytes
      ? undefined
      : [bytes === 1 ? cursor.u8() : bytes === 2 ? cursor.u16le() : cursor.u32le()];

/** Names in MySQL are at most 64 characters; hostile ones are cut here. */
const NAME_BYTES_MAX = 1024;

function restText(cursor: Cursor, session: MysqlSession): string {
  return cursor.text(Math.min(cursor.remaining(), NAME_BYTES_MAX), session.encoding);
}

/** Commands that are no SQL, with what they mean and what their arguments are. */
const PLAIN_COMMANDS: ReadonlyMap<number, PlainCommand> = new Map([
  [c.COM_INIT_DB, { operation: 'USE', call: 'command', kind: KIND_RESULT, read: text }],
  [c.COM_FIELD_LIST, { operation: 'FIELD LIST', call: 'command', kind: KIND_FIELDS, read: readFieldList }],
  [c.COM_CREATE_DB, { operation: 'CREATE DATABASE', call: 'command', kind: KIND_RESULT, read: text }],
  [c.COM_DROP_DB, { operation: 'DROP DATABASE', call: 'command', kind: KIND_RESULT, read: text }],
  [c.COM_REFRESH, { operation: 'REFRESH', call: 'command', kind: KIND_RESULT, read: number(1) }],
  [c.COM_SHUTDOWN, { operation: 'SHUTDOWN', call: 'command', kind: KIND_RESULT, read: number(1) }],
  [c.COM_STATISTICS, { operation: 'STATISTICS', call: 'command', kind: KIND_STRING, read: none }],
  [c.COM_PROCESS_INFO, { operation: 'PROCESS INFO', call: 'command', kind: KIND_RESULT, read: none }],
  [c.COM_PROCESS_KILL, { operation: 'KILL', call: 'command', kind: KIND_RESULT, read: number(4) }],
  [c.COM_DEBUG, { operation: 'DEBUG', call: 'command', kind: KIND_RESULT, read: none }],
  [c.COM_SET_OPTION, { operation: 'SET OPTION', call: 'command', kind: KIND_RESULT, read: number(2) }],
  [c.COM_RESET_CONNECTION, { operation: 'RESET CONNECTION', call: 'command', kind: KIND_RESULT, read: none }],
  [c.COM_TABLE_DUMP, { operation: 'TABLE DUMP', call: 'replication', kind: KIND_STREAM, read: none }],
  [c.COM_BINLOG_DUMP, { operation: 'BINLOG DUMP', call: 'replication', kind: KIND_STREAM, read: readBinlogDump }],
  [c.COM_BINLOG_DUMP_GTID, { operation: 'BINLOG DUMP', call: 'replication', kind: KIND_STREAM, read: readGtidDump }],
  [c.COM_REGISTER_SLAVE, { operation: 'REGISTER REPLICA', call: 'replication', kind: KIND_RESULT, read: readReplica }],
  [c.COM_CLONE, { operation: 'CLONE', call: 'replication', kind: KIND_CLONE, read: none }],
]);

function onPlainCommand(session: MysqlSession, command: number, frame: Frame, cursor: Cursor, sink: EventSink): void {
  const known = PLAIN_COMMANDS.get(command);
  const operation = known?.operation ?? `COMMAND 0x${command.toString(16).padStart(2, '0')}`;
  const event = session.statement(frame.startUs, known?.call ?? 'command', operation);
  const parameters = known?.read(cursor, session);
  if (parameters && !cursor.failed) event.parameters = parameters;
  const pending = new Pending(known?.kind ?? KIND_RESULT, event, 1);
  if (command === c.COM_INIT_DB && typeof parameters?.[0] === 'string') pending.database = parameters[0];
  pending.dropsStatements = command === c.COM_RESET_CONNECTION;
  push(session, pending, event, frame, sink);
}

/** Table, and a pattern for its columns. */
function readFieldList(cursor: Cursor, session: MysqlSession): BindValue[] {
  const table = cursor.cstring(session.encoding);
  const pattern = restText(cursor, session);
  return pattern === '' ? [table] : [table, pattern];
}

/** Position, the replica's server id, file. */
function readBinlogDump(cursor: Cursor, session: MysqlSession): BindValue[] {
  const position = cursor.u32le();
  cursor.skip(2);
  const serverId = cursor.u32le();
  return [restText(cursor, session), position, serverId];
}

/** As above, with the file's length before its name and a wider position; the set of transactions is left out. */
function readGtidDump(cursor: Cursor, session: MysqlSession): BindValue[] {
  cursor.skip(2);
  const serverId = cursor.u32le();
  const file = cursor.text(Math.min(cursor.u32le(), NAME_BYTES_MAX), session.encoding);
  return [file, Number(cursor.u64le()), serverId];
}

/** The replica's server id, host, user and port; its password is passed over. */
function readReplica(cursor: Cursor, session: MysqlSession): BindValue[] {
  const serverId = cursor.u32le();
  const host = cursor.text(cursor.u8(), session.encoding);
  const user = cursor.text(cursor.u8(), session.encoding);
  cursor.skip(cursor.u8());
  return [serverId, host, user, cursor.u16le()];
}

/** Later bytes of a client packet. */
export function onClientRest(
  session: MysqlSession,
  bytes: Uint8Array,
  start: number,
  end: number,
  done: boolean,
): void {
  session.body?.add(bytes, start, end);
  if (done && !session.clientContinues) session.endBody();
}
