/**
 * One conversation of requests and replies: a connection, or a MARS session of it. Puts messages together from packets,
 * keeps the requests that wait for their reply, and gives each reply to its request.
 *
 * A TDS client sends the next request when it has the whole reply. So where bytes are missing, a new request closes all
 * that is before it, and a reply that begins in the dark is given to nobody.
 */
import type { Cursor } from '../../base/cursor.ts';
import {
  MARK_CANCELLED,
  MARK_GAP,
  MARK_NO_REPLY,
  MARK_TRUNCATED,
  Outcome,
  StatementEvent,
} from '../../contracts/event.ts';
import {
  type Direction,
  type EventSink,
  type Frame,
  SHORT_BYTES,
  SHORTEST_BYTES,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { Assembly } from './assembly.ts';
import { HEADER_BYTES, PACKET_ATTENTION, PACKET_PRELOGIN, STATUS_EOM, STATUS_IGNORE } from './constants.ts';
import { LIMITS, PENDING_BYTES_MAX } from './limits.ts';
import { KIND_PRELOGIN, KIND_STATEMENT, Pending } from './pending.ts';
import { beginReply, endReply, ReplyReader } from './replies.ts';
import { onRequest } from './requests.ts';
import type { TdsSession } from './session.ts';
import { TokenWalker } from './walker.ts';

export class Channel {
  readonly session: TdsSession;
  readonly pending: Pending[] = [];
  readonly reader: ReplyReader;
  readonly walker: TokenWalker;
  outcome: Outcome | undefined = undefined;
  /** INSERT BULK that waits for its data. */
  bulk: StatementEvent | undefined = undefined;
  /** The attention that was sent while a request was being executed. */
  private cancel: StatementEvent | undefined = undefined;
  private readonly assembly: Assembly;
  private requests = 0;
  private pendingBytes = 0;
  /** Requests that waited were recorded without their replies, and nothing was heard of the server since. */
  private gaveUp = false;
  private replyOpen = false;
  /** Bytes of the reply, or whole replies, are missing. */
  private replyDoubt: boolean;
  /** Requests or replies may be missing before the next request. */
  private doubt: boolean;
  /** The client's next packet may be the middle of a message. */
  private clientDoubt: boolean;

  constructor(session: TdsSession) {
    this.session = session;
    this.reader = new ReplyReader(this);
    const { midstream, memory } = session.connection;
    this.walker = new TokenWalker(session.dialect, this.reader, memory);
    this.assembly = new Assembly(memory);
    this.replyDoubt = midstream;
    this.doubt = midstream;
    this.clientDoubt = midstream;
  }

  /** A packet; the cursor stands at its header. */
  packet(direction: Direction, frame: Frame, cursor: Cursor, sink: EventSink): void {
    if (direction === TO_SERVER) this.clientPacket(frame, cursor, sink);
    else this.serverPacket(frame, cursor, sink);
  }

  // Requests

  private clientPacket(frame: Frame, cursor: Cursor, sink: EventSink): void {
    const type = cursor.u8();
    const status = cursor.u8();
    cursor.skip(4);
    const packetId = cursor.u8();
    cursor.skip(1);
    const { assembly } = this;
    if (type === PACKET_ATTENTION) {
      this.attention(frame.startUs);
      return;
    }
    const middle = packetId > 1;
    if (assembly.type !== type) {
      assembly.begin(type, status, frame.startUs);
      if (this.clientDoubt && middle) assembly.headless = true;
    }
    this.clientDoubt = false;
    assembly.add(cursor.bytes, cursor.pos, cursor.end, frame);
    if ((status & STATUS_EOM) === 0) {
      assembly.own();
      return;
    }
    assembly.take((message) => {
      if ((status & STATUS_IGNORE) === 0) onRequest(this, message, sink);
    });
  }

  /**
   * The client wants no more of what it asked for. A request that is not complete yet is taken back by it, without a
   * trace; when nothing is being executed there is nothing to cancel.
   */
  private attention(startUs: number): void {
    this.assembly.clear();
    const isExecuting = this.gaveUp || this.pending[0]?.event instanceof StatementEvent;
    if (this.cancel !== undefined || !isExecuting) return;
    this.cancel = this.session.statement(startUs, 'cancel', 'CANCEL');
  }

  /** An attention was sent, and is not acknowledged yet. The reply that it cuts short may end before. */
  get isCancelling(): boolean {
    return this.cancel !== undefined;
  }

  /** The server obeyed an attention: what it was doing, if it had not ended before, has ended early. */
  acknowledge(): void {
    const event = this.pending[0]?.event;
    if (event instanceof StatementEvent) event.marks |= MARK_CANCELLED;
    const outcome = new Outcome();
    outcome.firstByteUs = this.reader.startUs;
    outcome.endUs = this.reader.endUs;
    this.cancel?.outcomes.push(outcome);
  }

  /** Records an attention behind what it cancelled: once it was obeyed, or with `marks` when that will not be seen. */
  private endCancel(marks: number, sink: EventSink): void {
    const { cancel } = this;
    if (cancel === undefined || (cancel.outcomes.length === 0 && marks === 0)) return;
    this.cancel = undefined;
    if (cancel.outcomes.length === 0) cancel.marks |= marks;
    this.session.emit(cancel, sink);
  }

  /** Calls of the request that is being read are added after this. Makes room first. `isBulk`: it is announced data. */
  beginRequest(isBulk: boolean, sink: EventSink): void {
    if (this.doubt) {
      const { bulk } = this;
      if (isBulk) this.bulk = undefined;
      this.flush(MARK_GAP, sink);
      if (isBulk) this.bulk = bulk;
      this.doubt = false;
      this.replyDoubt = false;
      this.replyOpen = false;
    }
    this.endCancel(MARK_NO_REPLY, sink);
    this.requests++;
  }

  /** The client makes its first request: it has logged in, whatever was seen of it. */
  passLogin(sink: EventSink): void {
    while (this.pending[0] !== undefined && this.pending[0].kind !== KIND_STATEMENT) {
      if (this.pending[0].kind === KIND_PRELOGIN) this.drop();
      else this.finish(MARK_NO_REPLY, sink);
    }
  }

  push(pending: Pending, sink: EventSink): void {
    if (this.pending.length >= LIMITS.pendingMax || this.pendingBytes > PENDING_BYTES_MAX) this.overflow(sink);
    pending.request = this.requests;
    this.hold(pending.weigh());
    this.pending.push(pending);
  }

  /** The reply goes on behind what was kept of its request: there was a further call, of which nothing else is known. */
  supposeCall(previous: Pending, { startUs, marks }: StatementEvent): void {
    const event = this.session.statement(startUs, 'rpc');
    event.marks |= MARK_TRUNCATED | (marks & MARK_GAP);
    const pending = new Pending(KIND_STATEMENT, event);
    pending.request = previous.request;
    pending.started = true;
    pending.callsBeyond = previous.callsBeyond - 1;
    this.pending.unshift(pending);
  }

  private hold(bytes: number): void {
    this.pendingBytes += bytes;
    this.session.connection.memory.add(bytes);
  }

  private overflow(sink: EventSink): void {
    this.session.pendingOverflows++;
    this.session.gapSeen = true;
    this.gaveUp = true;
    this.flush(MARK_GAP, sink);
    this.walker.lost = true;
  }

  /** Memory is short: keeps the beginning of the request that is coming in; and, of `all`, nothing that waits. */
  relieve(all: boolean, sink: EventSink): void {
    this.assembly.shorten(all ? SHORTEST_BYTES : SHORT_BYTES);
    if (!all) return;
    this.walker.free();
    if (this.pending.length > 0) this.overflow(sink);
  }

  // Replies

  private serverPacket(frame: Frame, cursor: Cursor, sink: EventSink): void {
    const type = cursor.u8();
    const status = cursor.u8();
    cursor.skip(4);
    const packetId = cursor.u8();
    cursor.skip(1);
    const { reader, walker } = this;
    reader.at(frame, sink);
    const head = this.pending[0];
    if (head?.kind === KIND_PRELOGIN || type === PACKET_PRELOGIN) {
      reader.prelogin(cursor);
      if (head?.kind === KIND_PRELOGIN) this.drop();
      return;
    }
    if (!this.replyOpen) {
      this.replyOpen = true;
      walker.reset();
      beginReply(this);
      if (this.replyDoubt && packetId > 1) walker.lost = true;
      else this.replyDoubt = false;
    }
    if (head !== undefined) head.started = true;
    walker.taken += HEADER_BYTES;
    walker.feed(cursor.bytes, cursor.pos, cursor.end);
    if (frame.lostBytes > 0 || frame.truncated) this.loseReply(frame.lostBytes);
    if ((status & STATUS_EOM) === 0) {
      walker.shapes.count();
      return;
    }
    const whole = walker.finish();
    this.replyOpen = false;
    this.gaveUp = false;
    if (head === undefined) this.session.strayMessages++;
    endReply(this, whole, sink);
    this.endCancel(0, sink);
  }

  /** A part of the reply is missing. */
  private loseReply(lostBytes: number): void {
    this.walker.lost = true;
    this.session.gapSeen = true;
    this.doubt = true;
    const event = this.pending[0]?.event;
    if (event === undefined) {
      this.session.lostBytes += lostBytes;
      return;
    }
    event.marks |= MARK_GAP;
    event.lostBytes += lostBytes;
  }

  gap(direction: Direction, lostBytes: number, synced: boolean, sink: EventSink): void {
    this.session.gapSeen = true;
    this.doubt = true;
    if (direction !== TO_SERVER) {
      this.loseReply(lostBytes);
      if (!synced) this.replyDoubt = true;
      return;
    }
    const { assembly } = this;
    if (assembly.type < 0) {
      this.session.lostBytes += lostBytes;
    } else {
      assembly.lose(lostBytes);
      // Its end may be among what was lost: what came is all that will come.
      if (!synced) assembly.take((message) => onRequest(this, message, sink));
    }
    if (synced) return;
    this.clientDoubt = true;
    // Again, for the next request: the one that was cut has cleared it.
    this.doubt = true;
    // The data that it announced may be what was lost.
    if (this.bulk !== undefined) this.bulk.marks |= MARK_GAP;
  }

  /** Takes the first request out of the queue without recording it. */
  drop(): Pending | undefined {
    const pending = this.pending.shift();
    if (pending !== undefined) this.hold(-pending.weight);
    this.outcome = undefined;
    return pending;
  }

  /** Ends the first request of the queue: its event is emitted with the outcomes it has. */
  finish(marks: number, sink: EventSink): void {
    const pending = this.drop();
    const event = pending?.event;
    if (pending === undefined || event === undefined) return;
    event.marks |= marks;
    if (!(event instanceof StatementEvent)) {
      this.session.emit(event, sink);
      return;
    }
    event.transaction = this.session.transaction;
    const failed = event.outcomes.some((outcome) => outcome.errorCode !== undefined);
    if (pending.opensBulk && !failed && marks === 0) {
      this.bulk = event;
      return;
    }
    if (!pending.silent || failed) this.session.emit(event, sink);
  }

  /** INSERT BULK without data after all. */
  endBulk(marks: number, sink: EventSink): void {
    const { bulk } = this;
    this.bulk = undefined;
    if (bulk === undefined) return;
    bulk.marks |= marks;
    this.session.emit(bulk, sink);
  }

  /** Emits all that waits, without further outcomes. */
  private flush(marks: number, sink: EventSink): void {
    this.endBulk(marks, sink);
    while (this.pending.length > 0) {
      const { kind, silent } = this.pending[0] as Pending;
      if (kind === KIND_PRELOGIN || silent) this.drop();
      else this.finish(marks | MARK_NO_REPLY, sink);
    }
    this.endCancel(marks | MARK_NO_REPLY, sink);
  }

  end(sink: EventSink): void {
    if (this.assembly.type >= 0) this.assembly.take((message) => onRequest(this, message, sink));
    this.flush(0, sink);
    this.endBulk(0, sink);
    this.walker.free();
  }
}
