import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlimitedMemory } from '../../base/memory-budget.ts';
import type { ConnectionInfo, EventSink } from '../../contracts/protocol.ts';
import { CancelKeys } from './cancel.ts';
import { ClientSession } from './session.ts';

const NOBODY: EventSink = { emit: () => undefined };

const shared = new Map<string, unknown>();

function session(serverPort: number): ClientSession {
  const connection: ConnectionInfo = {
    protocol: 'test',
    clientAddress: '192.0.2.1',
    clientPort: 40_000,
    serverAddress: '192.0.2.2',
    serverPort,
    firstTsUs: 0,
    midstream: false,
    vlanId: -1,
    tunnel: '',
    shared,
    memory: unlimitedMemory(),
  };
  return new ClientSession(connection, 'postgresql');
}

test('a key finds the session that has it, on its own server only', () => {
  const keys = new CancelKeys<ClientSession>('test.scope', 10);
  const [first, second] = [session(1), session(2)];
  keys.register(first, 'k', NOBODY);
  keys.register(second, 'k', NOBODY);
  assert.equal(keys.find(session(1).connection, 'k'), first);
  assert.equal(keys.find(session(2).connection, 'k'), second);
  assert.equal(keys.find(session(3).connection, 'k'), undefined);
});

test('a session has one key: a new one voids the old one, the end voids both', () => {
  const keys = new CancelKeys<ClientSession>('test.renewal', 10);
  const victim = session(1);
  keys.register(victim, 'old', NOBODY);
  keys.register(victim, 'new', NOBODY);
  assert.equal(keys.find(victim.connection, 'old'), undefined);
  assert.equal(keys.find(victim.connection, 'new'), victim);
  keys.forget(victim, NOBODY);
  keys.forget(victim, NOBODY);
  assert.equal(keys.find(victim.connection, 'new'), undefined);
});

test('a key that another session has taken over is not forgotten with the first', () => {
  const keys = new CancelKeys<ClientSession>('test.takeover', 10);
  const [first, second] = [session(1), session(1)];
  keys.register(first, 'k', NOBODY);
  keys.register(second, 'k', NOBODY);
  keys.forget(first, NOBODY);
  assert.equal(keys.find(first.connection, 'k'), second);
});

test('keys are bounded: the oldest is forgotten', () => {
  const keys = new CancelKeys<ClientSession>('test.bound', 2);
  const sessions = [session(1), session(1), session(1)];
  for (const [index, each] of sessions.entries()) keys.register(each, `k${index}`, NOBODY);
  assert.deepEqual(
    sessions.map((each, index) => keys.find(each.connection, `k${index}`) === each),
    [false, true, true],
  );
});

test('who has a key is announced: when it gets it, when its speaker changes, and when it is over', () => {
  const keys = new CancelKeys<ClientSession>('test.announce', 10);
  const told: [string | undefined, boolean][] = [];
  const sink: EventSink = {
    emit: () => undefined,
    announce: (_key, identity, isNew) => told.push([identity?.user, isNew]),
  };
  const each = session(1);
  each.identify({ user: 'ann' });
  keys.register(each, 'k', sink);
  each.emit(each.statement(1, 'simple'), sink);
  each.identify({ user: 'bob' });
  each.emit(each.statement(2, 'simple'), sink);
  keys.register(each, 'other', sink);
  keys.forget(each, sink);
  each.emit(each.statement(3, 'simple'), sink);
  assert.deepEqual(told, [
    ['ann', true],
    ['bob', false],
    [undefined, false],
    ['bob', true],
    [undefined, false],
  ]);
});

test('a request that means nobody here goes to whoever may know', () => {
  const keys = new CancelKeys<ClientSession>('test.elsewhere', 10);
  const requester = session(1);
  const event = requester.statement(1, 'cancel', 'CANCEL');
  const out: string[] = [];
  keys.emitFor(requester.connection, 'k', event, { emit: () => out.push('emitted') });
  keys.emitFor(requester.connection, 'k', event, {
    emit: () => out.push('never'),
    emitFor: (key) => out.push(key),
  });
  assert.deepEqual(out, ['emitted', '192.0.2.2|1|k']);
});
