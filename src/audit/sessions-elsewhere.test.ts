import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../contracts/event.ts';
import { AuditRecord } from '../contracts/record.ts';
import { noticeKey, type SessionNotice, SessionsElsewhere } from './sessions-elsewhere.ts';

function identity(user: string): Identity {
  return {
    system: 'postgresql',
    user,
    effectiveUser: user,
    osUser: 'os',
    clientHost: 'desk',
    program: `till;user=of-${user}`,
    endUser: undefined,
    database: 'shop',
  };
}

function notice(session: string, isNew: boolean, user: string | undefined, key = 'k'): SessionNotice {
  return { kind: 'speaker', key, session, isNew, identity: user === undefined ? undefined : identity(user) };
}

function meant(sessions: SessionsElsewhere, key = 'k'): string | undefined {
  const record = new AuditRecord();
  return sessions.describe(record, key) ? record.user : undefined;
}

test('a request is described by the one whom it means, as a session of its own would be', () => {
  const sessions = new SessionsElsewhere();
  sessions.hear(notice('a', true, 'ann'));
  const record = new AuditRecord();
  assert.ok(sessions.describe(record, 'k'));
  const { user, effectiveUser, osUser, clientHost, program, endUser, namespace, system } = record;
  assert.deepEqual(
    [user, effectiveUser, osUser, clientHost, program, endUser, namespace, system],
    ['ann', undefined, 'os', 'desk', 'till;user=of-ann', 'of-ann', 'shop', 'postgresql'],
  );
});

test('a session speaks for a key while it has it', () => {
  const sessions = new SessionsElsewhere();
  assert.equal(meant(sessions), undefined);
  sessions.hear(notice('a', true, 'ann'));
  sessions.hear(notice('a', false, 'bob'));
  assert.equal(meant(sessions), 'bob');
  sessions.hear(notice('b', true, 'eve'));
  sessions.hear(notice('a', false, 'late'));
  sessions.hear(notice('a', false, undefined));
  assert.equal(meant(sessions), 'eve');
  sessions.hear(notice('b', false, undefined));
  assert.equal(meant(sessions), undefined);
});

test('what a session said goes to the one that takes over, once', () => {
  const sessions = new SessionsElsewhere();
  const taken: SessionNotice = { kind: 'takeover', keys: ['first', 'k'], own: 'own', session: 't' };
  assert.equal(sessions.hear(taken), false);
  sessions.hear(notice('a', true, 'ann'));
  assert.equal(sessions.hear(taken), true);
  assert.deepEqual([meant(sessions, 'own'), meant(sessions, 'k')], ['ann', undefined]);
  sessions.hear({ kind: 'speaker', key: 'own', session: 't', isNew: false, identity: undefined });
  assert.equal(meant(sessions, 'own'), undefined);
});

test('a record keeps what it says itself', () => {
  const sessions = new SessionsElsewhere();
  sessions.hear(notice('a', true, 'ann'));
  const record = Object.assign(new AuditRecord(), { user: 'scott', program: 'sqlplus', namespace: 'orcl' });
  sessions.describe(record, 'k');
  assert.deepEqual(
    [record.user, record.program, record.namespace, record.osUser, record.endUser],
    ['scott', 'sqlplus', 'orcl', 'os', undefined],
  );
});

test('sessions are bounded: the oldest is forgotten', () => {
  const sessions = new SessionsElsewhere();
  const count = 131_073;
  for (let n = 0; n < count; n++) sessions.hear(notice(`s${n}`, true, 'ann', `k${n}`));
  assert.equal(meant(sessions, 'k0'), undefined);
  assert.equal(meant(sessions, 'k1'), 'ann');
  assert.equal(meant(sessions, `k${count - 1}`), 'ann');
});

test('what leaves the thread is no key', () => {
  assert.ok(!noticeKey('192.0.2.1|5432|0000002a00c0ffee').includes('c0ffee'));
  assert.equal(noticeKey('k'), noticeKey('k'));
});
