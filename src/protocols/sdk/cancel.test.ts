import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlimitedMemory } from '../../base/memory-budget.ts';
import type { ConnectionInfo } from '../../contracts/protocol.ts';
import { CancelKeys } from './cancel.ts';
import { ClientSession } from './session.ts';

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
  keys.register(first, 'k');
  keys.register(second, 'k');
  assert.equal(keys.find(session(1).connection, 'k'), first);
  assert.equal(keys.find(session(2).connection, 'k'), second);
  assert.equal(keys.find(session(3).connection, 'k'), undefined);
});

test('a session has one key: a new one voids the old one, the end voids both', () => {
  const keys = new CancelKeys<ClientSession>('test.renewal', 10);
  const victim = session(1);
  keys.register(victim, 'old');
  keys.register(victim, 'new');
  assert.equal(keys.find(victim.connection, 'old'), undefined);
  assert.equal(keys.find(victim.connection, 'new'), victim);
  keys.forget(victim);
  keys.forget(victim);
  assert.equal(keys.find(victim.connection, 'new'), undefined);
});

test('a key that another session has taken over is not forgotten with the first', () => {
  const keys = new CancelKeys<ClientSession>('test.takeover', 10);
  const [first, second] = [session(1), session(1)];
  keys.register(first, 'k');
  keys.register(second, 'k');
  keys.forget(first);
  assert.equal(keys.find(first.connection, 'k'), second);
});

test('keys are bounded: the oldest is forgotten', () => {
  const keys = new CancelKeys<ClientSession>('test.bound', 2);
  const sessions = [session(1), session(1), session(1)];
  for (const [index, each] of sessions.entries()) keys.register(each, `k${index}`);
  assert.deepEqual(
    sessions.map((each, index) => keys.find(each.connection, `k${index}`) === each),
    [false, true, true],
  );
});
