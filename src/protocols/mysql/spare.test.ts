import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcome, StatementEvent } from '../../contracts/event.ts';
import { ClientSession } from '../sdk/session.ts';
import { connectionInfo } from '../sdk/testkit.ts';
import { KIND_PREPARE, KIND_RESULT, Pending } from './pending.ts';
import { Spare } from './spare.ts';

const START_US = 1_700_000_000_000_000;

function sessionOf(user: string): ClientSession {
  const session = new ClientSession(connectionInfo('mysql'), 'mysql');
  session.identify({ user });
  return session;
}

/** Something else in every field but those that never change. */
function use(object: object, ...fixed: readonly string[]): void {
  for (const field of Object.keys(object)) if (!fixed.includes(field)) Object.assign(object, { [field]: 'used' });
}

test('what was given back comes again as if it were new', () => {
  const spare = new Spare();
  const event = spare.statement(sessionOf('ann'), START_US);
  const pending = spare.request(event);
  const outcome = spare.outcome();
  use(outcome);
  use(event, 'kind', 'call');
  event.outcomes = [outcome];
  use(pending, 'kind', 'event');
  spare.giveBack(pending);

  const bob = sessionOf('bob');
  const again = spare.statement(bob, START_US + 1);
  assert.equal(again, event);
  assert.deepEqual(again, new StatementEvent(bob.identity, START_US + 1, 'simple'));
  const request = spare.request(again);
  assert.equal(request, pending);
  assert.deepEqual(request, new Pending(KIND_RESULT, again, 1));
  assert.equal(spare.outcome(), outcome);
  assert.deepEqual(outcome, new Outcome());
});

test('nothing is given out twice', () => {
  const spare = new Spare();
  const session = sessionOf('ann');
  spare.giveBack(spare.request(spare.statement(session, START_US)));
  const first = spare.statement(session, START_US);
  const second = spare.statement(session, START_US);
  assert.notEqual(first, second);
  assert.notEqual(spare.request(first), spare.request(second));
  assert.notEqual(spare.outcome(), spare.outcome());
});

test('a statement that is used again carries what was lost before it', () => {
  const spare = new Spare();
  const session = sessionOf('ann');
  spare.giveBack(spare.request(spare.statement(session, START_US)));
  session.loseRequests(7);
  assert.equal(spare.statement(session, START_US).lostBytes, 7);
  assert.equal(spare.statement(session, START_US).lostBytes, 0);
});

test('requests that are no text, and outcomes of several results, are not used again', () => {
  const spare = new Spare();
  const session = sessionOf('ann');
  const prepare = session.statement(START_US, 'prepare');
  spare.giveBack(new Pending(KIND_PREPARE, prepare, 1));
  spare.giveBack(new Pending(KIND_RESULT, undefined, 1));
  assert.notEqual(spare.statement(session, START_US), prepare);

  const event = spare.statement(session, START_US);
  const outcomes = [new Outcome(), new Outcome()];
  event.outcomes = outcomes;
  spare.giveBack(spare.request(event));
  assert.ok(!outcomes.includes(spare.outcome()));
});
