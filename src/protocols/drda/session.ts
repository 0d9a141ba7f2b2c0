/**
 * The state of one DRDA conversation, and the few operations every part of it uses.
 *
 * A request and its replies carry the same correlation identifier, which starts again with every chain of requests. A
 * reply therefore belongs to the oldest waiting request of its number; loss can leave a request unanswered, but gives
 * no reply to a wrong one.
 */

import type { HeldMemory } from '../../base/memory-budget.ts';
import {
  type AuditEvent,
  type BindValue,
  type LoginEvent,
  MARK_MIDSTREAM,
  type Outcome,
  type StatementEvent,
} from '../../contracts/event.ts';
import type { ConnectionInfo, EventSink } from '../../contracts/protocol.ts';
import type { Digest } from '../sdk/long.ts';
import { ClientSession } from '../sdk/session.ts';
import type { TlsObserver } from '../sdk/tls.ts';
import { eventWeight } from '../sdk/weight.ts';
import { sinkOf } from './cancel.ts';
import { CCSID_EBCDIC } from './ccsid.ts';
import { type PreparedTable, preparedTable } from './handles.ts';
import { CURSORS_MAX, OBJECT_BYTES_MAX, PENDING_BYTES_MAX } from './limits.ts';
import type { RowWalker } from './rows.ts';
import type { StatementText, TextSpan } from './text.ts';
import { Typdef } from './typdef.ts';
import type { Placeholder } from './values.ts';

/** Takes the content of an object as it comes in. */
export interface ByteStream {
  feed(bytes: Uint8Array, start: number, end: number): void;
  /** `whole`: nothing of it is missing. */
  close(whole: boolean): void;
}

/** A structure as the two sides' readers see it; `bytes` are borrowed. */
export interface Structure {
  readonly format: number;
  readonly correlation: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly wireBytes: number;
  readonly lostBytes: number;
  /** Bytes of it are missing. */
  readonly damaged: boolean;
  /** Its content went to a stream, or was too long to be put together. */
  readonly cut: boolean;
  /** SHA-256 of the whole text of a statement that was too long. */
  readonly sha256: string | undefined;
}

/** One direction: the data stream structure whose segments are coming in. */
export class Lane {
  /** The next segment continues this structure. */
  continued = false;
  format = 0;
  correlation = 0;
  startUs = 0;
  wireBytes = 0;
  lostBytes = 0;
  damaged = false;
  /** What was put together of it: `bytes[0, length)`. */
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;
  /** Receives the content instead, when that is not to be put together. */
  stream: ByteStream | undefined = undefined;
  /** A statement text that is longer than what is put together. */
  span: TextSpan | undefined = undefined;
  digest: Digest | undefined = undefined;
  /** How much of it is put together: less when memory is short. */
  bytesMax: number = OBJECT_BYTES_MAX;
  private readonly memory: HeldMemory;

  constructor(memory: HeldMemory) {
    this.memory = memory;
  }

  replace(bytes: Uint8Array): void {
    this.memory.add(bytes.length - this.bytes.length);
    this.bytes = bytes;
  }
}

/** An executed statement with its open result sets. It is emitted when the last of them is closed. */
export class Execution {
  readonly event: StatementEvent;
  openCursors = 0;
  answered = false;
  /** Nothing changes its event any more, whatever the client still asks of its cursors. */
  emitted = false;
  constructor(event: StatementEvent) {
    this.event = event;
  }

  emit(s: Session, sink: EventSink): void {
    this.emitted = true;
    s.emit(this.event, sink);
  }
}

/** An open result set, known by its section. */
export class QueryCursor {
  readonly key: string;
  readonly execution: Execution;
  readonly outcome: Outcome;
  walker: RowWalker | undefined = undefined;
  /** The end of data does not end it: the client may go back. */
  scrollable = false;
  hold = false;
  ended = false;
  /** What it costs to keep, roughly in bytes. */
  weight = 0;
  constructor(key: string, execution: Execution, outcome: Outcome) {
    this.key = key;
    this.execution = execution;
    this.outcome = outcome;
  }
}

/** A command that waits for its replies. */
export class Request {
  readonly codePoint: number;
  readonly correlation: number;
  readonly startUs: number;
  /** Which chain of requests it is in. */
  readonly chain: number;
  /** The client wants no reply (RQSDSS of type 5). */
  silent = false;
  /** Section it names; empty: none. */
  key = '';
  /** `collection.package` it names; empty: none. */
  package = '';
  /** What it costs to keep, roughly in bytes. */
  weight = 0;
  /** It waits in the queue, which counts its weight. */
  queued = false;
  events: StatementEvent[] = [];
  execution: Execution | undefined = undefined;
  text: StatementText | undefined = undefined;
  hold = false;
  cursor: QueryCursor | undefined = undefined;
  outcome: Outcome | undefined = undefined;
  /** It calls the procedure that PRCNAM names. */
  isCall = false;
  /** Sections of the result sets a call returns, and how many of them have been opened. */
  resultKeys: string[] = [];
  resultSets = 0;
  /** The event's parameters, for the large objects still to come. */
  parameters: BindValue[] = [];
  placeholders: Placeholder[] = [];
  /** Data representation of its objects, where it differs from the session's. */
  requestTypdef: Typdef | undefined = undefined;
  replyTypdef: Typdef | undefined = undefined;
  answered = false;
  /** Login: the database was opened. */
  accepted = false;
  failed = false;
  errorCode: string | undefined = undefined;
  errorText: string | undefined = undefined;
  /** A reply message of error severity; an SQLCARD says it better. */
  replyName: string | undefined = undefined;
  committed = false;
  marks = 0;
  lostBytes = 0;
  constructor(codePoint: number, correlation: number, startUs: number, chain: number) {
    this.codePoint = codePoint;
    this.correlation = correlation;
    this.startUs = startUs;
    this.chain = chain;
  }
}

export class Session extends ClientSession {
  readonly lanes: readonly [Lane, Lane];
  /** A data stream structure was seen: the connection does not begin with TLS. */
  started = false;
  tls: TlsObserver | undefined = undefined;
  /** CCSID of names and parameters; 0: not known. It changes with the chain after EXCSATRD. */
  ccsid: number;
  nextCcsid = 0;
  sqlam = 7;
  client: Typdef = new Typdef();
  server: Typdef = new Typdef();

  login: LoginEvent | undefined = undefined;
  firstUs = 0;
  opaqueSaid = false;
  /** A cancel request, and the token of the session that it means, which is not known here. */
  interrupt: { readonly event: StatementEvent; readonly token: string } | undefined = undefined;

  queue: Request[] = [];
  queueBytes = 0;
  /** Requests given up because too many waited for their reply. */
  pendingOverflows = 0;
  /** The request that objects from the client belong to. */
  current: Request | undefined = undefined;
  chain = 0;
  /** The client's next structure begins a chain. */
  chainEnded = true;
  /** A request of this chain failed: those behind it are not executed. */
  failedChain = -1;
  /** Section whose preparation failed in that chain: executing it is refused, and no record of its own. */
  failedKey = '';
  /** Prepared, by package and section. */
  readonly statements: PreparedTable;
  readonly cursors: Map<string, QueryCursor> = new Map();
  cursorBytes = 0;
  /** Package of the last section named in full. */
  package = '';
  /** Sections may have been prepared without being seen. */
  uncertain: boolean;
  repliesLost = false;

  constructor(connection: ConnectionInfo) {
    super(connection, 'ibm.db2');
    const { memory } = connection;
    this.lanes = [new Lane(memory), new Lane(memory)];
    this.statements = preparedTable(memory);
    // Until SECCHK names the user.
    this.userUnknown = true;
    this.uncertain = connection.midstream;
    this.ccsid = connection.midstream ? 0 : CCSID_EBCDIC;
  }

  /** What began before the login, and may end behind it, is nobody known. */
  override statement(startUs: number, call: string, operation?: string): StatementEvent {
    const event = super.statement(startUs, call, operation);
    if (this.userUnknown) event.marks |= MARK_MIDSTREAM;
    return event;
  }

  override emit(event: AuditEvent, sink: EventSink): void {
    // The server may have named itself since the request.
    const { system } = this.identity;
    if (event.kind === 'statement' && event.identity.system !== system) event.identity = { ...event.identity, system };
    super.emit(event, this.interrupt === undefined ? sink : sinkOf(this, event, sink));
  }
}

/** Which system speaks, by the product identifier it signs with. */
export function recogniseProduct(s: Session, product: string): void {
  const system = SYSTEMS.get(product.slice(0, 3));
  if (system !== undefined && system !== s.identity.system) s.identify({ system });
}

const SYSTEMS: ReadonlyMap<string, string> = new Map([
  ['CSS', 'derby'],
  ['DNC', 'derby'],
  ['SQL', 'ibm.db2'],
  ['DSN', 'ibm.db2'],
  ['QSQ', 'ibm.db2'],
  ['ARI', 'ibm.db2'],
]);

/** A result set was opened, or found open. Of too many the oldest are taken for closed. */
export function keepCursor(s: Session, cursor: QueryCursor, sink: EventSink): void {
  const { execution } = cursor;
  s.cursors.set(cursor.key, cursor);
  // All result sets of a call share its statement.
  if (execution.openCursors++ === 0) weighCursor(s, cursor, eventWeight(execution.event));
  while (s.cursors.size > CURSORS_MAX || s.cursorBytes > PENDING_BYTES_MAX) {
    const [oldest] = s.cursors.values();
    if (oldest === undefined) return;
    endCursor(s, oldest, sink);
  }
}

/** An open result set weighs so much more. */
export function weighCursor(s: Session, cursor: QueryCursor, bytes: number): void {
  if (s.cursors.get(cursor.key) !== cursor) return;
  cursor.weight += bytes;
  s.cursorBytes += bytes;
  s.connection.memory.add(bytes);
}

/** What a request and its reply change: the statement whose cursor it is about, while that is not emitted, or its own. */
export function eventsOf({ cursor, events }: Request): readonly StatementEvent[] {
  if (cursor === undefined) return events;
  return cursor.execution.emitted ? [] : [cursor.execution.event];
}

/** The result set is closed. Its statement is emitted with the last one of it. */
export function endCursor(s: Session, cursor: QueryCursor, sink: EventSink): void {
  weighCursor(s, cursor, -cursor.weight);
  if (s.cursors.get(cursor.key) === cursor) s.cursors.delete(cursor.key);
  if (cursor.ended) return;
  cursor.ended = true;
  const execution = cursor.execution;
  execution.openCursors--;
  if (execution.openCursors === 0 && execution.answered) execution.emit(s, sink);
}

export function endCursors(s: Session, sink: EventSink, marks: number, keepHeld: boolean): void {
  for (const cursor of [...s.cursors.values()]) {
    if (keepHeld && cursor.hold) continue;
    cursor.execution.event.marks |= marks;
    endCursor(s, cursor, sink);
  }
}
