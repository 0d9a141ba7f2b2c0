/**
 * A request for text that was answered is used again, with its event and its outcome, by whichever connection asks next.
 *
 * Sessions live long. When a new object is put into one of their fields, the engine notes the place, and visits it at its
 * next collection, whatever it holds by then: with 10,000 connections a twentieth of all time. For the same few objects,
 * old themselves, nothing is noted, and none of them is garbage.
 */
import { Outcome, StatementEvent } from '../../contracts/event.ts';
import type { ClientSession } from '../sdk/session.ts';
import { clearOutcome, clearStatement } from '../sdk/spare.ts';
import { clearPending, KIND_RESULT, Pending } from './pending.ts';

/** `audit.call` of a request that is a text. */
const CALL = 'simple';
const REPLY_SEQUENCE = 1;

export class Spare {
  private pending: Pending | undefined = undefined;
  private event: StatementEvent | undefined = undefined;
  private ofReply: Outcome | undefined = undefined;

  /** A statement that begins now. */
  statement(session: ClientSession, startUs: number): StatementEvent {
    const { event } = this;
    if (event === undefined) return session.statement(startUs, CALL);
    this.event = undefined;
    session.restate(event, startUs);
    return event;
  }

  request(event: StatementEvent): Pending {
    const { pending } = this;
    if (pending === undefined) return new Pending(KIND_RESULT, event, REPLY_SEQUENCE);
    this.pending = undefined;
    pending.event = event;
    pending.replySequence = REPLY_SEQUENCE;
    return pending;
  }

  outcome(): Outcome {
    const outcome = this.ofReply;
    if (outcome === undefined) return new Outcome();
    this.ofReply = undefined;
    return outcome;
  }

  /** Takes a request that was answered and whose event nobody keeps; what is no text is left to the engine. */
  giveBack(pending: Pending): void {
    const { kind, event } = pending;
    if (kind !== KIND_RESULT || !(event instanceof StatementEvent) || event.call !== CALL) return;
    const { outcomes } = event;
    const [outcome] = outcomes;
    if (outcome !== undefined && outcomes.length === 1) {
      clearOutcome(outcome);
      this.ofReply = outcome;
    }
    clearStatement(event);
    this.event = event;
    clearPending(pending);
    this.pending = pending;
  }
}

/** Of all connections of a thread: between two calls of a driver nobody has what lies here. */
export const SPARE: Spare = new Spare();
