/** Requests of a MySQL connection that wait for their reply, and what reply each gets. */
import type { TextEncodingName } from '../../base/text.ts';
import type { LoginEvent, StatementEvent } from '../../contracts/event.ts';
import type { Body } from './bodies.ts';
import type { Prepared } from './statements.ts';

// What reply a request gets.
export const KIND_RESULT = 0;
/** One packet of any content. */
export const KIND_STRING = 1;
export const KIND_PREPARE = 2;
/** Column definitions up to an EOF. */
export const KIND_FIELDS = 3;
/** Rows, without column definitions. */
export const KIND_FETCH = 4;
/** Packets without end. */
export const KIND_STREAM = 5;
export const KIND_AUTH = 6;
export const KIND_CLONE = 7;
/** No reply: stands in the queue so that it takes effect in order. */
export const KIND_NONE = 8;

/** A request whose reply is awaited. */
export class Pending {
  readonly kind: number;
  event: StatementEvent | LoginEvent | undefined;
  /** The statement being prepared or executed. */
  prepared: Prepared | undefined = undefined;
  /** Sequence number of the reply's first packet. */
  replySequence: number;
  /** Payload that names a statement whose prepare is not answered yet. */
  deferred: Uint8Array | undefined = undefined;
  deferredCommand = 0;
  /** The part of the request that is still to come. */
  body: Body | undefined = undefined;
  /** Recorded only when it fails. */
  silent = false;
  /** Database the session is in when the server agrees. */
  database: string | undefined = undefined;
  /** Encoding of the client's texts when the server agrees. */
  encoding: TextEncodingName | undefined = undefined;
  /** COM_CHANGE_USER, not the connection's login. */
  changesUser = false;
  /** COM_RESET_CONNECTION. */
  dropsStatements = false;
  /** COM_STMT_RESET. */
  closesCursor = false;
  /** The reply has begun. */
  started = false;
  /** Estimate of the memory it holds. */
  bytes = 0;
  /** Queued behind it. */
  next: Pending | undefined = undefined;
  constructor(kind: number, event: StatementEvent | LoginEvent | undefined, replySequence: number) {
    this.kind = kind;
    this.event = event;
    this.replySequence = replySequence;
  }
}

/** All but its kind as in one that is about nothing. */
export function clearPending(pending: Pending): void {
  pending.event = undefined;
  pending.prepared = undefined;
  pending.replySequence = 0;
  pending.deferred = undefined;
  pending.deferredCommand = 0;
  pending.body = undefined;
  pending.silent = false;
  pending.database = undefined;
  pending.encoding = undefined;
  pending.changesUser = false;
  pending.dropsStatements = false;
  pending.closesCursor = false;
  pending.started = false;
  pending.bytes = 0;
  pending.next = undefined;
}
