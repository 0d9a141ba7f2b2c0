/**
 * State of one TNS connection: what was negotiated, who logged in, the cursors, and the calls that wait for their
 * reply. TTC is half duplex: a client's next call means that the reply before is over. Only where END_OF_RESPONSE was
 * agreed (23ai) may calls run ahead of replies, whose ends are then marked.
 */
import type { TextEncodingName } from '../../base/text.ts';
import {
  type AuditEvent,
  type LoginEvent,
  MARK_GAP,
  MARK_NO_REPLY,
  type StatementEvent,
} from '../../contracts/event.ts';
import type { ConnectionInfo, EndReason, EventSink } from '../../contracts/protocol.ts';
import { ClientSession } from '../sdk/session.ts';
import { TlsObserver } from '../sdk/tls.ts';
import { ReplyBuffer, RequestBuffer } from './buffers.ts';
import { encodingOf } from './charset.ts';
import { type CursorEntry, type CursorTable, cursorTable } from './cursors.ts';
import { LIMITS } from './limits.ts';
import type { LongText } from './long-text.ts';
import { Negotiation } from './negotiate.ts';
import { DIALECT_U, DIALECT_UNKNOWN, type Dialect } from './reader.ts';
import { sinkOf } from './redirect.ts';
import type { RequestContext } from './request.ts';

export const KIND_PROTOCOL = 0;
export const KIND_DATA_TYPES = 1;
export const KIND_LOGIN = 2;
export const KIND_EXECUTE = 3;
export const KIND_FETCH = 4;
export const KIND_COMMAND = 5;
/** Answered, but not recorded (ping, version, LOB lengths). */
export const KIND_SILENT = 6;
export const KIND_LOGOFF = 7;

const SDU_DEFAULT = 8192;
const BINDS_MAX = 65_536;
/** Bytes of requests that may wait for a reply. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024;

/** A call whose reply is awaited. */
export class Pending {
  readonly kind: number;
  readonly sequence: number;
  readonly event: StatementEvent | LoginEvent | undefined;
  entry: CursorEntry | undefined = undefined;
  cursorId = 0;
  /** Login: the first of the two calls. */
  firstPhase = false;
  /** Login: negotiation is part of the exchange. */
  fast = false;
  /** Recorded only when it fails (parse without execution). */
  silent = false;
  /** A call of clients before version 10, whose replies need not have a status. */
  old = false;
  /** Bytes of data that the call sent beside its arguments. */
  bulkBytes = 0;
  /** Bytes of its request. */
  weight = 0;
  constructor(kind: number, sequence: number, event: StatementEvent | LoginEvent | undefined) {
    this.kind = kind;
    this.sequence = sequence;
    this.event = event;
  }
}

export class TnsSession extends ClientSession {
  readonly negotiation: Negotiation = new Negotiation();
  readonly tls: TlsObserver;
  tlsSeen = false;
  tlsStartUs = 0;

  /** Packets have four-byte lengths. */
  large = false;
  sduBytes: number = SDU_DEFAULT;
  endOfResponse = false;
  /** Bytes that integrity protection appends to each DATA packet. */
  macBytes = 0;
  connectStartUs = -1;
  /** The connect descriptor follows CONNECT in a DATA packet. */
  descriptorFollows = false;
  refusalStartUs = -1;
  /** The new address of a REDIRECT follows in a DATA packet. */
  redirectFollows = false;

  /** The connection continues a redirected one, of which other threads may know under this key. */
  redirectKey: string | undefined = undefined;

  /** Settled by negotiation or by the first call that tells. */
  dialect: Dialect = DIALECT_UNKNOWN;
  /** Field version found by trial; -1 without. */
  triedVersion = -1;

  readonly request: RequestBuffer;
  readonly reply: ReplyBuffer;
  /** The packets that follow belong to a request of which a part was lost: they are passed over. */
  skipsRest = false;
  /** The text of a request that is longer than what is kept of it. */
  longText: LongText | undefined = undefined;
  /** Table of the direct path load that was prepared. */
  loadTable: string | undefined = undefined;
  readonly pending: Pending[] = [];
  readonly cursors: CursorTable;
  /** Failed first attempt of a privileged login, which the client repeats on its own. */
  heldLogin: LoginEvent | undefined = undefined;
  loginMode = 0;
  schema: string | undefined = undefined;

  /** Sequence of the reset after an error: the client's markers answer the server's. */
  serverBroke = false;
  /** Calls may have been lost since the latest one: only a status with its number answers it. */
  doubt = false;
  /** Replies may have been lost whole: where ends are marked, a status must name the call that it answers. */
  repliesLost = false;
  quitUs = -1;
  private pendingBytes = 0;
  /** Messages that belong to no call, or are none. */
  strayMessages = 0;
  pendingOverflows = 0;

  constructor(connection: ConnectionInfo) {
    super(connection, 'oracle.db');
    const { memory } = connection;
    this.tls = new TlsObserver(memory);
    this.request = new RequestBuffer(memory);
    this.reply = new ReplyBuffer(memory);
    this.cursors = cursorTable(memory);
  }

  encoding(): TextEncodingName {
    return encodingOf(this.negotiation.charset);
  }

  /** How requests are to be read now. */
  context(): RequestContext {
    const { negotiation } = this;
    const dialect = this.dialect === DIALECT_UNKNOWN ? negotiation.dialect : this.dialect;
    const version = negotiation.fieldVersion >= 0 ? negotiation.fieldVersion : this.triedVersion;
    return {
      fieldVersion: version,
      rawText: negotiation.rawText,
      encoding: this.encoding(),
      stringBytesMax: negotiation.stringBytesMax,
      filled: true,
      bindsMax: BINDS_MAX,
      dialect: dialect === DIALECT_UNKNOWN ? DIALECT_U : dialect,
      bigChunks: negotiation.bigChunks,
      sure: version >= 0,
      cursor: (id) => this.cursors.peek(id),
    };
  }

  push(pending: Pending, sink: EventSink): void {
    this.doubt = false;
    // The client goes on: what it waited for may have come in what was lost.
    if (this.endOfResponse && this.reply.holed && this.reply.length === 0) this.flush(MARK_GAP, sink);
    this.pending.push(pending);
    pending.weight = this.request.length;
    this.hold(pending.weight);
    if (this.pending.length <= LIMITS.pendingMax && this.pendingBytes <= PENDING_BYTES_MAX) return;
    this.pendingOverflows++;
    this.flush(MARK_GAP, sink);
  }

  /** Takes the first call out of the queue. */
  takePending(): Pending | undefined {
    const pending = this.pending.shift();
    if (pending !== undefined) this.hold(-pending.weight);
    return pending;
  }

  private hold(bytes: number): void {
    this.pendingBytes += bytes;
    this.connection.memory.add(bytes);
  }

  /** Memory is short: emits what waits and what is being fetched, and forgets the cursors. */
  relieve(sink: EventSink): void {
    if (this.pending.length > 0) {
      this.pendingOverflows++;
      // Replies to what was given up must not be taken for those of later calls.
      this.doubt = true;
      this.repliesLost = true;
      this.flush(MARK_GAP, sink);
    }
    this.reply.free();
    this.cursors.evictAll((entry) => this.closeCursor(entry, sink));
  }

  /** Emits everything that waits, without further outcomes. */
  flush(marks: number, sink: EventSink): void {
    for (let pending = this.takePending(); pending !== undefined; pending = this.takePending()) {
      this.release(pending, marks, sink);
    }
    this.reply.clear();
  }

  /** Gives a call up whose reply was not seen to its end. */
  release(pending: Pending, marks: number, sink: EventSink): void {
    const { event } = pending;
    if (event === undefined || pending.silent) return;
    if (pending.kind === KIND_FETCH) {
      // Its event is the query's, which is emitted when the cursor closes, or was.
      if (pending.entry?.open !== event) return;
      event.marks |= event.kind === 'statement' && event.outcomes.length === 0 ? marks | MARK_NO_REPLY : marks;
      return;
    }
    event.marks |= marks | MARK_NO_REPLY;
    this.emit(event, sink);
  }

  /** The cursor's query is over: emits what it fetched. */
  closeCursor(entry: CursorEntry | undefined, sink: EventSink): void {
    const event = entry?.open;
    if (entry === undefined || event === undefined) return;
    entry.open = undefined;
    this.emit(event, sink);
  }

  /** Rows of `event` are still to be fetched through the cursor. */
  openCursor(id: number, entry: CursorEntry, event: StatementEvent, sink: EventSink): void {
    const open = (): void => {
      entry.open = event;
    };
    this.cursors.reweigh(id, entry, open, (gone) => this.closeCursor(gone, sink));
  }

  keepCursor(id: number, entry: CursorEntry, sink: EventSink): void {
    this.cursors.set(id, entry, (gone) => this.closeCursor(gone, sink));
  }

  closeCursors(sink: EventSink): void {
    for (const entry of this.cursors.values()) this.closeCursor(entry, sink);
  }

  /** Lost bytes may have been anyone's: they mark the next statement that is recorded. */
  override emit(event: AuditEvent, sink: EventSink): void {
    if (this.lostBytes > 0 && event.kind === 'statement') event.marks |= MARK_GAP;
    super.emit(event, this.redirectKey === undefined ? sink : sinkOf(this, sink));
  }

  releaseHeldLogin(sink: EventSink): void {
    const held = this.heldLogin;
    this.heldLogin = undefined;
    if (held === undefined) return;
    // Its second call was not answered: whether it succeeded is not known.
    if (held.errorCode === undefined) held.marks |= MARK_NO_REPLY;
    this.emit(held, sink);
  }

  override logout(reason: string, tsUs: number, sink: EventSink): void {
    this.closeCursors(sink);
    super.logout(reason, tsUs, sink);
  }

  end(reason: EndReason, tsUs: number, sink: EventSink): void {
    this.flush(0, sink);
    this.closeCursors(sink);
    this.releaseHeldLogin(sink);
    if (this.quitUs >= 0) this.logout('quit', this.quitUs, sink);
    else this.logoutAtEnd(reason, tsUs, sink);
  }
}
