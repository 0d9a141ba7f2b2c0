/** State of one connection: who logged in, and the statements that wait for their reply. */
import type { Cursor } from '../../../base/cursor.ts';
import { LoginEvent, MARK_GAP, MARK_NO_REPLY, Outcome, type StatementEvent } from '../../../contracts/event.ts';
import {
  type ConnectionInfo,
  type Direction,
  type EndReason,
  type EventSink,
  type Frame,
  type FrameWish,
  NEXT,
} from '../../../contracts/protocol.ts';
import { ClientSession } from '../session.ts';
import { FRAME_HEADER_BYTES, TYPE_DONE, TYPE_HELLO, TYPE_QUERY, TYPE_ROW } from './frame.ts';

const PENDING_MAX = 4096;

export class Session extends ClientSession {
  private readonly pending: StatementEvent[] = [];

  constructor(connection: ConnectionInfo) {
    super(connection, 'template');
  }

  onFrame(_direction: Direction, frame: Frame, cursor: Cursor, sink: EventSink): FrameWish {
    cursor.skip(FRAME_HEADER_BYTES);
    switch (frame.type) {
      case TYPE_HELLO:
        this.onHello(frame, cursor, sink);
        break;
      case TYPE_QUERY:
        this.onQuery(frame, cursor, sink);
        break;
      case TYPE_ROW:
      case TYPE_DONE:
        this.onReply(frame, sink);
        break;
    }
    return NEXT;
  }

  onGap(lostBytes: number, synced: boolean, sink: EventSink): void {
    for (const statement of this.pending) {
      statement.marks |= MARK_GAP;
      statement.lostBytes += lostBytes;
    }
    // Where replies may be missing, later ones must not be given to the wrong statement.
    if (!synced) this.close(sink);
  }

  onEnd(reason: EndReason, tsUs: number, sink: EventSink): void {
    this.close(sink);
    this.logoutAtEnd(reason, tsUs, sink);
  }

  /** Emits what still waits for its reply. */
  private close(sink: EventSink): void {
    for (const statement of this.pending) {
      if (statement.outcomes.length === 0) statement.marks |= MARK_NO_REPLY;
      this.emit(statement, sink);
    }
    this.pending.length = 0;
  }

  private onHello(frame: Frame, cursor: Cursor, sink: EventSink): void {
    cursor.skip(1);
    const user = cursor.text(cursor.remaining(), 'utf8');
    if (cursor.failed) return;
    this.identify({ user });
    this.loggedIn = true;
    this.userUnknown = false;
    this.emit(new LoginEvent(this.identity, frame.startUs), sink);
  }

  private onQuery(frame: Frame, cursor: Cursor, sink: EventSink): void {
    const statement = this.statement(frame.startUs, 'simple');
    statement.text = cursor.text(cursor.remaining(), 'utf8');
    if (frame.lostBytes > 0) statement.marks |= MARK_GAP;
    statement.lostBytes = frame.lostBytes;
    if (this.pending.length < PENDING_MAX) {
      this.pending.push(statement);
      return;
    }
    statement.marks |= MARK_NO_REPLY;
    this.emit(statement, sink);
  }

  private onReply(frame: Frame, sink: EventSink): void {
    const statement = this.pending[0];
    if (!statement) return;
    let outcome = statement.outcomes[0];
    if (!outcome) {
      outcome = new Outcome();
      outcome.firstByteUs = frame.startUs;
      statement.outcomes.push(outcome);
    }
    outcome.responseBytes += frame.length;
    outcome.endUs = frame.endUs;
    if (frame.type === TYPE_ROW) outcome.returnedRows = (outcome.returnedRows ?? 0) + 1;
    else this.emit(this.pending.shift() as StatementEvent, sink);
  }
}
