/** A request in the queue of those that wait for their reply. */
import { type LoginEvent, StatementEvent } from '../../contracts/event.ts';
import { eventWeight } from '../sdk/weight.ts';
import type { Prepared } from './statements.ts';

// What a reply answers.
export const KIND_STATEMENT = 0;
export const KIND_PRELOGIN = 1;
export const KIND_LOGIN = 2;
export type PendingKind = 0 | 1 | 2;

/** What the values that a call returns are. */
export type Returned = 'handle' | 'cursor';

/** A request, or one call of it, whose reply is awaited. */
export class Pending {
  readonly kind: PendingKind;
  readonly event: StatementEvent | LoginEvent | undefined;
  /** Calls of one request share it. */
  request = 0;
  /** Recorded only when it fails. */
  silent = false;
  /** The request was cut behind it: so many further calls are believed, if the reply tells of them. */
  callsBeyond = 0;
  /** INSERT BULK: recorded with the data that follow it. */
  opensBulk = false;
  /** Bytes of data that the client sent for it. */
  bulkBytes = 0;
  /** The statement that gets a handle, and what the returned values are, in order. */
  prepared: Prepared | undefined = undefined;
  returned: readonly Returned[] = [];
  returnedCount = 0;
  /** Role that becomes effective when the call succeeds. */
  role: string | undefined = undefined;
  /** A part of the reply was seen. */
  started = false;
  /** What it costs to keep, roughly in bytes; known once it is queued. */
  weight = 0;
  constructor(kind: PendingKind, event: StatementEvent | LoginEvent | undefined) {
    this.kind = kind;
    this.event = event;
  }

  weigh(): number {
    const { event } = this;
    if (event instanceof StatementEvent) this.weight = eventWeight(event);
    else if (event !== undefined) this.weight = identityWeight(event);
    return this.weight;
  }
}

function identityWeight({ identity }: LoginEvent): number {
  const { user, program, clientHost, database } = identity;
  return [user, program, clientHost, database].reduce((sum, name) => sum + (name?.length ?? 0), 0);
}
