import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionNotice } from '../audit/sessions-elsewhere.ts';
import { AuditRecord } from '../contracts/record.ts';
import { nobody } from '../protocols/sdk/session.ts';
import type { CrewRecord } from './messages.ts';
import { WaitingRequests } from './waiting-requests.ts';

function request(target: string): CrewRecord {
  return { record: new AuditRecord(), deferred: true, statement: undefined, ticket: 1, target };
}

function notice(key: string, user: string): SessionNotice {
  return { kind: 'speaker', key, session: 's', isNew: true, identity: { ...nobody('postgresql'), user } };
}

function rig(): { requests: WaitingRequests; out: (string | undefined)[] } {
  const out: (string | undefined)[] = [];
  const requests = new WaitingRequests(({ record }) => out.push(record.user));
  return { requests, out };
}

test('a request whose session is known is handed on at once', () => {
  const { requests, out } = rig();
  requests.hear([notice('k', 'ann')], 0);
  requests.add(request('k'), 'k', 0, 0);
  assert.deepEqual(out, ['ann']);
  assert.equal(requests.has(0), false);
});

test('a request that comes before word of its session waits for it', () => {
  const { requests, out } = rig();
  requests.add(request('k'), 'k', 1, 0);
  assert.deepEqual([requests.has(0), requests.has(1)], [false, true]);
  requests.release(999);
  assert.deepEqual(out, []);
  requests.hear([notice('other', 'eve'), notice('k', 'ann')], 999);
  assert.deepEqual(out, ['ann']);
  assert.equal(requests.has(1), false);
});

test('a request whose session nobody knows is handed on without its user, after a second', () => {
  const { requests, out } = rig();
  requests.add(request('k'), 'k', 0, 0);
  requests.release(1000);
  assert.deepEqual(out, [undefined]);
});

test('what is taken over may be announced later, too', () => {
  const { requests, out } = rig();
  const taken: SessionNotice = { kind: 'takeover', keys: ['a', 'b'], own: 'own', session: 't' };
  requests.hear([taken], 0);
  requests.add(request('own'), 'own', 0, 0);
  requests.hear([notice('b', 'ann')], 500);
  assert.deepEqual(out, ['ann']);
  requests.hear([taken], 600);
  requests.add(request('b'), 'b', 0, 600);
  requests.release(1600);
  assert.deepEqual(out, ['ann', undefined], 'it is used up');
});

test('a session that has ended is known for a while to requests that come late', () => {
  const { requests, out } = rig();
  requests.hear(
    [notice('k', 'ann'), { kind: 'speaker', key: 'k', session: 's', isNew: false, identity: undefined }],
    0,
  );
  requests.add(request('k'), 'k', 0, 500);
  assert.deepEqual(out, ['ann']);
  requests.release(1000);
  requests.add(request('k'), 'k', 0, 1000);
  requests.release(2000);
  assert.deepEqual(out, ['ann', undefined]);
});

test('not more wait than there is room for', () => {
  const { requests, out } = rig();
  for (let n = 0; n < 1025; n++) requests.add(request('k'), 'k', 0, 0);
  assert.equal(out.length, 1);
  requests.hear([notice('k', 'ann')], 1);
  assert.deepEqual(new Set(out.slice(1)), new Set(['ann']));
  assert.equal(out.length, 1025);
});
