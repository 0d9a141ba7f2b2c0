/**
 * State of one MySQL connection, and the queue of requests that wait for their reply. What a request means is in
 * `requests.ts`, a reply in `replies.ts`, the login in `login.ts`.
 *
 * After a gap the queue may lack requests or hold requests whose reply is lost. A client that was never seen
 * pipelining has, when it sends a request, received all earlier replies: the request closes what is before it. With a
 * pipelining client nothing can be told apart: statements are emitted without outcome until both sides paused.
 */
import type { TextEncodingName } from '../../base/text.ts';
import {
  type AuditEvent,
  MARK_GAP,
  MARK_NO_REPLY,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  type Outcome,
  StatementEvent,
} from '../../contracts/event.ts';
import type { ConnectionInfo, EndReason, EventSink } from '../../contracts/protocol.ts';
import { ClientSession } from '../sdk/session.ts';
import type { TlsObserver } from '../sdk/tls.ts';
import type { Body } from './bodies.ts';
import type { CompressedLayer } from './compress.ts';
import { CLIENT_COMPRESS, CLIENT_ZSTD_COMPRESSION } from './constants.ts';
import { LIMITS } from './limits.ts';
import { KIND_AUTH, KIND_NONE, KIND_PREPARE, type Pending } from './pending.ts';
import { SPARE } from './spare.ts';
import { type Prepared, StatementTable } from './statements.ts';

// Phases of a connection.
export const PHASE_GREETING = 0;
/** The server has greeted; the client logs in, or asks for TLS. */
export const PHASE_RESPONSE = 1;
export const PHASE_COMMAND = 2;
export const PHASE_TLS = 3;
/** Another protocol in MySQL packets (CLONE): followed no further. */
export const PHASE_FOREIGN = 4;

// How packets are framed.
export const FRAMING_PLAIN = 0;
export const FRAMING_COMPRESSED = 1;
/** Mid-stream: the first believable frame tells. */
export const FRAMING_UNKNOWN = 2;

// Where the reply being received stands.
export const REPLY_FIRST = 0;
export const REPLY_COLUMNS = 1;
/** All column definitions are there: an EOF or the first row is next. */
export const REPLY_COLUMNS_END = 2;
export const REPLY_ROWS = 3;
export const REPLY_PREPARE_DEFINITIONS = 4;
/** The client sends a file; then comes an OK or ERR. */
export const REPLY_INFILE = 5;
/** A gap took the part that tells what is being received. */
export const REPLY_LOST = 6;

/** Memory that waiting statements may hold, text and values; and as much those whose cursors are open. */
const PENDING_BYTES_MAX = 8 * 1024 * 1024;
/** Silence of both sides after which a pipelining client is believed to have no reply outstanding. */
const QUIET_US = 1_000_000;

/**
 * A time before all others. No small integer: a field that begins as one and becomes a time later makes the engine
 * change the layout of all sessions that exist by then.
 */
const NEVER_US = Number.NEGATIVE_INFINITY;

export class MysqlSession extends ClientSession {
  // Fields that every statement asks for come first: they lie side by side.
  phase: number;
  framing: number;
  layer: CompressedLayer | undefined = undefined;
  /** Encoding of the client's texts. */
  encoding: TextEncodingName = 'utf8';
  greeted = false;
  /** Capabilities both sides have; meaningful when `capabilitiesKnown`. */
  capabilities = 0;
  capabilitiesKnown = false;

  /** First and last request of the queue. */
  head: Pending | undefined = undefined;
  last: Pending | undefined = undefined;
  private pendingCount = 0;
  private pendingBytes = 0;
  /** Of executions whose cursor is open. */
  private cursorBytes = 0;
  /** The client packet being received is continued by the next one. */
  clientContinues = false;
  /** Sequence number of the latest command, or of the latest piece of a file. */
  clientSequence = 0;
  body: Body | undefined = undefined;

  replyState: number = REPLY_FIRST;
  /** Definitions still to come, of columns and parameters. */
  definitionsLeft = 0;
  /** Prepare: definitions of columns that follow those of parameters. */
  columnsAfter = 0;
  /** The row being received is continued by the next packet. */
  serverContinues = false;
  outcome: Outcome | undefined = undefined;

  /** Frames may have been lost since the connection began: sequence numbers decide what a reply answers. */
  gapSeen: boolean;
  /** Requests or replies may be missing before the next request. */
  doubt: boolean;
  /** Replies cannot be told apart. */
  adrift = false;
  pipelines = false;
  quitUs: number = NEVER_US;
  lastClientUs: number = NEVER_US;
  lastServerUs: number = NEVER_US;

  /** While the framing is unknown: one command was read as a plain packet. */
  plainCommandSeen = false;
  /** Made when the client asks for TLS. */
  tls: TlsObserver | undefined = undefined;
  tlsStartUs: number = NEVER_US;
  serverCapabilities = 0;
  serverExtendedCapabilities = 0;
  extendedCapabilities = 0;

  /** Prepares in the queue: until they are answered, statement ids cannot be resolved. */
  preparesPending = 0;
  readonly statements: StatementTable;
  /** Prepared by the latest COM_STMT_PREPARE, answered or not. */
  lastPrepared: Prepared | undefined = undefined;
  /** Prepare: EOF packets that are to come. */
  eofsLeft = 0;
  /** The client has sent the empty packet that ends a file. */
  infileEnded = false;
  /** Server packets that answer nothing known, client packets that are no command. */
  strayFrames = 0;
  /** Requests dropped from the queue because it was full. */
  pendingOverflows = 0;

  constructor(connection: ConnectionInfo) {
    super(connection, 'mysql');
    this.statements = new StatementTable(LIMITS.handlesMax, connection.memory);
    this.phase = connection.midstream ? PHASE_COMMAND : PHASE_GREETING;
    this.framing = connection.midstream ? FRAMING_UNKNOWN : FRAMING_PLAIN;
    this.gapSeen = connection.midstream;
    this.doubt = connection.midstream;
  }

  /** A greeting came after all: the connection begins here. */
  restart(): void {
    this.phase = PHASE_GREETING;
    this.framing = FRAMING_PLAIN;
    this.gapSeen = false;
    this.doubt = false;
  }

  /** The login was lost: who speaks and what was agreed is not known. */
  loginUnseen(): void {
    this.userUnknown = true;
    this.framing = FRAMING_UNKNOWN;
  }

  has(capability: number): boolean {
    return (this.capabilities & capability) !== 0;
  }

  /** The two sides agreed on compression, which begins once the login has succeeded. */
  willCompress(): boolean {
    return this.has(CLIENT_COMPRESS) || this.has(CLIENT_ZSTD_COMPRESSION);
  }

  /** Waits for a command, and the next one is queued behind nothing and emits nothing. */
  isIdle(): boolean {
    return (
      this.phase === PHASE_COMMAND &&
      this.framing === FRAMING_PLAIN &&
      this.head === undefined &&
      !this.clientContinues &&
      !this.doubt &&
      !this.adrift &&
      this.quitUs < 0
    );
  }

  /**
   * The client's packet is a piece of the file that the server asked for. Its sequence numbers run on from the request,
   * past 255 to 0 again, with which otherwise a command begins.
   */
  sendsFile(sequence: number): boolean {
    if (this.replyState !== REPLY_INFILE) return false;
    return sequence !== 0 || (this.clientSequence === 0xff && !this.infileEnded);
  }

  /** Queues a request. Makes room first: see the policy above for doubt, and the README for a full queue. */
  push(pending: Pending, bytes: number, startUs: number, sink: EventSink): void {
    const asks = pending.kind !== KIND_NONE;
    if (this.doubt && asks) this.settleDoubt(startUs, sink);
    const first = this.head;
    if (asks && first !== undefined && first.kind !== KIND_AUTH) this.pipelines = true;
    pending.bytes = bytes;
    this.hold(bytes);
    this.append(pending);
    if (pending.kind === KIND_PREPARE) this.preparesPending++;
    if (this.pendingCount > LIMITS.pendingMax || this.pendingBytes > PENDING_BYTES_MAX) this.overflow(sink);
    else if (this.adrift) this.flush(MARK_GAP, sink);
  }

  private overflow(sink: EventSink): void {
    this.pendingOverflows++;
    this.doubt = true;
    this.goAdrift(sink);
  }

  /**
   * Memory is short: emits what waits, and forgets what was prepared. A login that waits alone stays: what comes of it
   * decides who speaks, and whether what follows is compressed.
   */
  relieve(sink: EventSink): void {
    const isLogin = this.pendingCount === 1 && this.head?.kind === KIND_AUTH;
    if (this.head !== undefined && !isLogin) this.overflow(sink);
    this.statements.evictAll((gone) => this.closeCursor(gone, sink));
    this.lastPrepared = undefined;
  }

  /** A request in the queue holds more than it did. False when there is no room for that. */
  grow(pending: Pending, bytes: number): boolean {
    if (this.pendingBytes + bytes > PENDING_BYTES_MAX) return false;
    pending.bytes += bytes;
    this.hold(bytes);
    return true;
  }

  private append(pending: Pending): void {
    if (this.last === undefined) this.head = pending;
    else this.last.next = pending;
    this.last = pending;
    this.pendingCount++;
  }

  private shift(): Pending | undefined {
    const { head } = this;
    if (head === undefined) return undefined;
    this.head = head.next;
    if (head.next === undefined) this.last = undefined;
    this.pendingCount--;
    this.hold(-head.bytes);
    return head;
  }

  private hold(bytes: number): void {
    this.pendingBytes += bytes;
    this.connection.memory.add(bytes);
  }

  private settleDoubt(startUs: number, sink: EventSink): void {
    const quiet = startUs - Math.max(this.lastClientUs, this.lastServerUs) >= QUIET_US;
    if (this.pipelines && !quiet) {
      this.goAdrift(sink);
      return;
    }
    this.flush(MARK_GAP, sink);
    this.adrift = false;
    this.doubt = false;
  }

  /** Gives up telling which reply answers which request. */
  goAdrift(sink: EventSink): void {
    this.flush(MARK_GAP, sink);
    this.adrift = true;
  }

  /** Emits all that waits, without further outcomes. */
  flush(marks: number, sink: EventSink): void {
    while (this.head !== undefined) this.finish(marks | MARK_NO_REPLY, sink);
  }

  /** Ends the first request of the queue: its event is emitted with the outcomes it has. */
  finish(marks: number, sink: EventSink): void {
    const pending = this.shift();
    this.resetReply();
    if (pending === undefined) return;
    if (pending.kind === KIND_PREPARE) this.preparesPending--;
    this.emitPending(pending, marks, sink);
    while (this.head?.kind === KIND_NONE) {
      const done = this.shift();
      if (done?.prepared) this.closeCursor(done.prepared, sink);
    }
    if (this.head === undefined && this.quitUs >= 0) this.logout('quit', this.quitUs, sink);
  }

  private emitPending(pending: Pending, marks: number, sink: EventSink): void {
    const { body, event, prepared } = pending;
    if (body !== undefined) {
      body.finish(body !== this.body || !this.clientContinues);
      if (body === this.body) this.body = undefined;
    }
    if (pending.kind === KIND_NONE && prepared) this.closeCursor(prepared, sink);
    if (event === undefined || pending.silent) return;
    event.marks |= marks;
    if (event instanceof StatementEvent) {
      if (!pending.started) event.identity = this.identity;
      if (pending.deferred !== undefined) event.marks |= event.text === undefined ? MARK_UNKNOWN_HANDLE : MARK_GAP;
      const last = event.outcomes.at(-1);
      if (last && last.endUs === 0) last.endUs = this.lastServerUs;
      if (prepared?.cursor === event) return;
    }
    this.emit(event, sink);
    if (sink.keepsNoEvents === true) SPARE.giveBack(pending);
  }

  /** A command begins: nothing more belongs to the one before. */
  endBody(): void {
    this.body?.finish(true);
    this.body = undefined;
  }

  /** Rows of `event`, the request at the head of the queue, are still to be fetched: it is emitted when they are. */
  openCursor(prepared: Prepared, event: StatementEvent): void {
    const bytes = this.head?.bytes ?? 0;
    if (this.cursorBytes + bytes > PENDING_BYTES_MAX) {
      // Emitted now; the rows that are fetched later are not counted.
      event.marks |= MARK_TRUNCATED;
      this.pendingOverflows++;
      return;
    }
    this.cursorBytes += bytes;
    this.connection.memory.add(bytes);
    prepared.cursorBytes = bytes;
    prepared.cursor = event;
  }

  /** The client is done with a cursor, or the server has sent its last row. */
  closeCursor(prepared: Prepared, sink: EventSink): void {
    const event = prepared.cursor;
    if (event === undefined) return;
    prepared.cursor = undefined;
    this.cursorBytes -= prepared.cursorBytes;
    this.connection.memory.add(-prepared.cursorBytes);
    this.emit(event, sink);
  }

  private closeCursors(sink: EventSink): void {
    for (const prepared of this.statements.values()) this.closeCursor(prepared, sink);
  }

  dropStatements(sink: EventSink): void {
    this.closeCursors(sink);
    this.statements.clear();
    this.lastPrepared = undefined;
  }

  resetReply(): void {
    this.replyState = REPLY_FIRST;
    this.definitionsLeft = 0;
    this.columnsAfter = 0;
    this.serverContinues = false;
    this.outcome = undefined;
  }

  override emit(event: AuditEvent, sink: EventSink): void {
    if (event.kind === 'statement') {
      // Bytes that the driver held back while it looked for a frame have the time at which they came.
      for (const outcome of event.outcomes) outcome.endUs = Math.max(outcome.endUs, outcome.firstByteUs);
    }
    super.emit(event, sink);
  }

  /** COM_QUIT: the session ends once the replies before it are in. */
  quit(tsUs: number, sink: EventSink): void {
    this.quitUs = tsUs;
    if (this.head === undefined) this.logout('quit', tsUs, sink);
  }

  /** The connection is over. */
  end(reason: EndReason, tsUs: number, sink: EventSink): void {
    this.flush(0, sink);
    this.closeCursors(sink);
    this.logoutAtEnd(reason, tsUs, sink);
  }

  override logout(reason: string, tsUs: number, sink: EventSink): void {
    this.closeCursors(sink);
    super.logout(reason, tsUs, sink);
  }
}
