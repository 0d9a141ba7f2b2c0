/** What the tokens of a reply mean for the request that it answers, and for the session. MS-TDS §2.2.7. */
import type { Cursor } from '../../base/cursor.ts';
import {
  MARK_CANCELLED,
  MARK_GAP,
  MARK_MALFORMED,
  MARK_TRUNCATED,
  Outcome,
  StatementEvent,
} from '../../contracts/event.ts';
import type { EventSink, Frame } from '../../contracts/protocol.ts';
import { contextInfo } from './actor.ts';
import type { Channel } from './channel.ts';
import { encodingOfCharset, readChars } from './collation.ts';
import * as c from './constants.ts';
import { FAMILY_SYBASE } from './dialect.ts';
import { OUTCOMES_MAX, SHAPE_COLUMNS_MAX } from './limits.ts';
import { endLogin, onLoginAck, onPreloginReply } from './login.ts';
import { readMessage } from './messages.ts';
import { KIND_LOGIN, type Pending } from './pending.ts';
import { onHandle } from './procedures.ts';
import type { RowShape } from './shape.ts';
import { setShape } from './statements.ts';
import { onCursorNumber } from './sybase-requests.ts';
import type { TokenHandler } from './walker.ts';

/** DONE's current command (§2.2.7.6), where it says what the statement was. */
const COMMANDS: ReadonlyMap<number, string> = new Map([
  [0xc1, 'SELECT'],
  [0xc3, 'INSERT'],
  [0xc4, 'DELETE'],
  [0xc5, 'UPDATE'],
  [0x117, 'MERGE'],
]);
const COMMAND_SELECT = 0xc1;

/** Transaction states of TDS 5.0's TDS_DONE. */
const SYBASE_TRANSACTION_OPEN = 2;

const NO_FRAME = {} as Frame;
const NO_SINK: EventSink = { emit: () => undefined };

export class ReplyReader implements TokenHandler {
  private readonly channel: Channel;
  private frame: Frame = NO_FRAME;
  private sink: EventSink = NO_SINK;
  /** Bytes of the message that earlier outcomes have. */
  private counted = 0;
  /** Of the last DONE in this message. */
  private lastStatus = 0;
  /** Columns were described in this message. */
  private described = false;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** The frame that is read now. */
  at(frame: Frame, sink: EventSink): void {
    this.frame = frame;
    this.sink = sink;
  }

  begin(): void {
    this.counted = 0;
    this.lastStatus = 0;
    this.described = false;
  }

  get startUs(): number {
    return this.frame.startUs;
  }

  get endUs(): number {
    return this.frame.endUs;
  }

  prelogin(cursor: Cursor): void {
    onPreloginReply(this.channel.session, cursor);
  }

  onToken(token: number, cursor: Cursor): void {
    const { channel } = this;
    const { session } = channel;
    switch (token) {
      case c.TOKEN_ERROR:
      case c.TOKEN_INFO:
      case c.TOKEN5_EXTENDED_ERROR:
        this.onMessage(token, cursor);
        return;
      case c.TOKEN_ENV_CHANGE:
        onEnvironment(channel, cursor);
        return;
      case c.TOKEN_LOGIN_ACK:
        onLoginAck(channel, cursor);
        return;
      case c.TOKEN5_CURSOR_INFO:
      case c.TOKEN5_CURSOR_INFO2:
      case c.TOKEN5_CURSOR_INFO3:
        if (session.dialect.family !== FAMILY_SYBASE) return;
        onCursorNumber(channel, cursor);
        this.open();
        return;
      case c.TOKEN5_DYNAMIC:
        if (session.dialect.family === FAMILY_SYBASE) this.open();
        return;
      default:
        return;
    }
  }

  private onMessage(token: number, cursor: Cursor): void {
    const { channel } = this;
    const message = readMessage(token, cursor, channel.session.dialect);
    const head = channel.pending[0];
    if (message === undefined || !message.isError || head === undefined) return;
    if (head.kind === KIND_LOGIN) {
      const event = head.event;
      if (event?.kind === 'login' && event.errorCode === undefined) {
        event.errorCode = message.code;
        event.errorText = message.text;
      }
      return;
    }
    const outcome = this.open();
    if (outcome === undefined || outcome.errorCode !== undefined) return;
    outcome.errorCode = message.code;
    outcome.errorText = message.text;
  }

  onColumns(): void {
    const outcome = this.open();
    if (outcome !== undefined) outcome.returnedRows ??= 0;
  }

  /** The first result's columns are those of the statement or cursor. */
  onShape(shape: RowShape): void {
    const prepared = this.channel.pending[0]?.prepared;
    if (prepared === undefined || this.described || shape.columns > SHAPE_COLUMNS_MAX) return;
    this.described = true;
    setShape(this.channel.session.handles, prepared, shape);
  }

  rememberedShape(): RowShape | undefined {
    return this.channel.pending[0]?.prepared?.shape;
  }

  onRow(): void {
    const outcome = this.open();
    if (outcome !== undefined) outcome.returnedRows = (outcome.returnedRows ?? 0) + 1;
  }

  onReturnValue(value: number): void {
    const head = this.channel.pending[0];
    if (head !== undefined) onHandle(this.channel, head, value);
  }

  onDone(token: number, status: number, command: number, rows: number): void {
    const { channel } = this;
    const { dialect } = channel.session;
    const head = channel.pending[0];
    this.lastStatus = status;
    if (dialect.family === FAMILY_SYBASE) {
      channel.session.transaction =
        command === SYBASE_TRANSACTION_OPEN || (status & c.DONE_IN_TRANSACTION) !== 0 ? 'open' : 'idle';
    }
    if ((status & c.DONE_ATTENTION) !== 0) channel.acknowledge();
    if (head === undefined || !(head.event instanceof StatementEvent)) return;
    const isEnd = token === c.TOKEN_DONE_PROC || (status & c.DONE_ATTENTION) !== 0;
    if (!isEnd || channel.outcome !== undefined || head.event.outcomes.length === 0) {
      const outcome = this.open();
      if (outcome !== undefined) {
        const microsoft = dialect.family !== FAMILY_SYBASE;
        const tag = microsoft ? COMMANDS.get(command) : undefined;
        if (tag !== undefined) outcome.tag ??= tag;
        const selects = microsoft ? command === COMMAND_SELECT : outcome.returnedRows !== undefined;
        if ((status & c.DONE_SERVER_ERROR) !== 0 && !head.event.outcomes.some(isFailed)) {
          outcome.errorCode = 'SRVERROR';
          outcome.errorText = 'the server discarded the result after a severe error';
        }
        if ((status & c.DONE_COUNT) !== 0 && !selects) outcome.affectedRows = (outcome.affectedRows ?? 0) + rows;
      }
    }
    this.close();
    const isKnown = channel.pending[1]?.request === head.request;
    if (token !== c.TOKEN_DONE_PROC || !(isKnown || (head.callsBeyond > 0 && (status & c.DONE_MORE) !== 0))) return;
    succeed(channel, head);
    channel.finish(0, this.sink);
    if (!isKnown) channel.supposeCall(head, head.event);
  }

  /** The outcome being received, begun unless it is. */
  private open(): Outcome | undefined {
    const { channel } = this;
    if (channel.outcome !== undefined) return channel.outcome;
    const event = channel.pending[0]?.event;
    if (!(event instanceof StatementEvent)) return undefined;
    const last = event.outcomes.at(-1);
    if (last !== undefined && event.outcomes.length >= OUTCOMES_MAX) {
      event.marks |= MARK_TRUNCATED;
      channel.outcome = last;
      return last;
    }
    const outcome = new Outcome();
    outcome.firstByteUs = this.frame.startUs;
    event.outcomes.push(outcome);
    channel.outcome = outcome;
    return outcome;
  }

  /** A DONE was read: what came since the last one belongs to its outcome. */
  private close(): void {
    const { channel } = this;
    const taken = channel.walker.taken;
    const event = channel.pending[0]?.event;
    const outcome = channel.outcome ?? (event instanceof StatementEvent ? event.outcomes.at(-1) : undefined);
    if (outcome !== undefined) {
      outcome.responseBytes += taken - this.counted;
      outcome.endUs = this.frame.endUs;
    }
    this.counted = taken;
    channel.outcome = undefined;
  }

  /** The message is over. What was begun stays as it is. */
  finish(whole: boolean): void {
    const { channel } = this;
    const event = channel.pending[0]?.event;
    if (event === undefined) return;
    if (!whole && (event.marks & MARK_GAP) === 0) event.marks |= MARK_MALFORMED;
    if (event instanceof StatementEvent) {
      if (channel.outcome === undefined && event.outcomes.length === 0 && !whole) return;
      this.close();
      const isCut = (this.lastStatus & c.DONE_ERROR) !== 0 && !event.outcomes.some(isFailed);
      if (isCut && channel.isCancelling) event.marks |= MARK_CANCELLED;
      for (const outcome of event.outcomes) if (outcome.endUs === 0) outcome.endUs = this.frame.endUs;
    }
  }
}

function isFailed(outcome: Outcome): boolean {
  return outcome.errorCode !== undefined;
}

export function beginReply(channel: Channel): void {
  channel.reader.begin();
  channel.outcome = undefined;
  const head = channel.pending[0];
  if (head?.event instanceof StatementEvent && head.bulkBytes > 0) {
    // The data go with the outcome of INSERT BULK's second reply: that of the load itself.
    head.event.outcomes = [];
    head.event.outcomes.push(bulkOutcome(channel, head.bulkBytes));
    channel.outcome = head.event.outcomes[0];
  }
}

function bulkOutcome(channel: Channel, bytes: number): Outcome {
  const outcome = new Outcome();
  outcome.bulkBytes = bytes;
  outcome.firstByteUs = channel.reader.startUs;
  return outcome;
}

/** The reply is over, and with it every call of the request that it answered. */
export function endReply(channel: Channel, whole: boolean, sink: EventSink): void {
  channel.reader.finish(whole);
  const head = channel.pending[0];
  if (head === undefined) return;
  if (head.kind === KIND_LOGIN) {
    endLogin(channel, head, whole, sink);
    return;
  }
  const { request } = head;
  while (channel.pending[0]?.request === request) {
    succeed(channel, channel.pending[0]);
    channel.finish(0, sink);
  }
}

/** What a request changes of the session once it has succeeded. */
function succeed(channel: Channel, pending: Pending): void {
  const { event, role } = pending;
  if (!(event instanceof StatementEvent)) return;
  if (event.outcomes.some(isFailed)) return;
  if (role !== undefined) channel.session.identify({ effectiveUser: role });
  const endUser = contextInfo(event.text, event.parameters);
  if (endUser !== undefined) channel.session.identify({ endUser: endUser === '' ? undefined : endUser });
}

// ENVCHANGE (§2.2.7.9)

function onEnvironment(channel: Channel, cursor: Cursor): void {
  const { session } = channel;
  const type = cursor.u8();
  switch (type) {
    case c.ENV_DATABASE: {
      const { dialect } = session;
      const database = readChars(cursor, cursor.u8() * (dialect.encoding === 'utf16le' ? 2 : 1), dialect.encoding);
      if (!cursor.failed && database !== '') session.identify({ database });
      return;
    }
    case c.ENV_CHARSET:
      if (session.dialect.family === FAMILY_SYBASE) {
        session.dialect.encoding = encodingOfCharset(cursor.text(cursor.u8(), 'latin1'));
      }
      return;
    case c.ENV_BEGIN:
    case c.ENV_ENLIST:
      session.transaction = 'open';
      return;
    case c.ENV_COMMIT:
    case c.ENV_ROLLBACK:
    case c.ENV_DEFECT:
    case c.ENV_TRANSACTION_ENDED:
      session.transaction = 'idle';
      return;
    case c.ENV_RESET:
      session.handles.clear();
      session.identify({ effectiveUser: undefined, endUser: undefined });
      return;
    case c.ENV_ROUTING:
      onRouting(channel, cursor);
      return;
    default:
      return;
  }
}

/** The server sends the client elsewhere: the login says where. */
function onRouting(channel: Channel, cursor: Cursor): void {
  cursor.skip(2 + 1);
  const port = cursor.u16le();
  const host = cursor.text(cursor.u16le() * 2, 'utf16le');
  const event = channel.pending[0]?.event;
  if (!cursor.failed && event?.kind === 'login') event.errorText = `routed to ${host},${port}`;
}
