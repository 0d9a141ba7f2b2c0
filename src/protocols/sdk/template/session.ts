/** State of one connection: who logged in, and the statements that wait for their reply. */
import type { Cursor } from '../../../base/cursor.ts';
import {
  type Identity,
  LoginEvent,
  LogoutEvent,
  MARK_GAP,
  MARK_MIDSTREAM,
  MARK_NO_REPLY,
  Outcome,
  StatementEvent,
} from '../../../contracts/event.ts';
import {
  type ConnectionInfo,
  type Direction,
  END_FIN,
  END_UNSEEN,
  type EndReason,
  type EventSink,
  type Frame,
  type FrameWish,
  NEXT,
} from '../../../contracts/protocol.ts';
import { FRAME_HEADER_BYTES, TYPE_DONE, TYPE_HELLO, TYPE_QUERY, TYPE_ROW } from './frame.ts';

const PENDING_MAX = 4096;

export class Session {
  private identity: Identity;
  /** `MARK_MIDSTREAM` until a login was seen. */
  private unknown: number;
  private readonly pending: StatementEvent[] = [];

  constructor(connection: ConnectionInfo) {
    this.unknown = connection.midstream ? MARK_MIDSTREAM : 0;
    this.identity = {
      system: 'template',
      user: undefined,
      effectiveUser: undefined,
      osUser: undefined,
      clientHost: undefined,
      program: undefined,
      endUser: undefined,
      database: undefined,
    };
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
    if (reason !== END_UNSEEN) sink.emit(new LogoutEvent(this.identity, tsUs, reason === END_FIN ? 'fin' : 'rst'));
  }

  /** Emits what still waits for its reply. */
  private close(sink: EventSink): void {
    for (const statement of this.pending) {
      if (statement.outcomes.length === 0) statement.marks |= MARK_NO_REPLY;
      sink.emit(statement);
    }
    this.pending.length = 0;
  }

  private onHello(frame: Frame, cursor: Cursor, sink: EventSink): void {
    cursor.skip(1);
    const user = cursor.text(cursor.remaining(), 'utf8');
    if (cursor.failed) return;
    this.identity = { ...this.identity, user };
    this.unknown = 0;
    sink.emit(new LoginEvent(this.identity, frame.startUs));
  }

  private onQuery(frame: Frame, cursor: Cursor, sink: EventSink): void {
    const statement = new StatementEvent(this.identity, frame.startUs, 'simple');
    statement.text = cursor.text(cursor.remaining(), 'utf8');
    statement.marks = this.unknown | (frame.lostBytes > 0 ? MARK_GAP : 0);
    statement.lostBytes = frame.lostBytes;
    if (this.pending.length < PENDING_MAX) {
      this.pending.push(statement);
      return;
    }
    statement.marks |= MARK_NO_REPLY;
    sink.emit(statement);
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
    else sink.emit(this.pending.shift() as StatementEvent);
  }
}
