/** Evidence as a user gets it: packets behind an alert are kept, and a session is cut out of them or of the capture. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { evidenceFiles } from '#src/capture/evidence/evidence-files.js';
import { commentOf, pcapngBlocks } from '#src/capture/files/pcapng-blocks.js';
import { type JsonRecord, replayToRecords, wiretrail } from '../support/replay.ts';

const CAPTURES = ['mysql/prepared-types', 'postgres/extended-types', 'postgres/cancel'].map((name) =>
  join(import.meta.dirname, '../../../pcaps', name, 'capture.pcap'),
);
const POLICY = `
version: 1
title: Logins
rules:
  - id: login
    title: A login
    reason: The test wants one packet trail a session.
    severity: high
    when: { kind: login }
    action: alert
`;

const directory = mkdtempSync(join(tmpdir(), 'wiretrail-evidence-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const folder = join(directory, 'evidence');
const policies = join(directory, 'policy.yaml');
writeFileSync(policies, POLICY);

const withoutPolicy = ({ 'audit.policy': _policy, ...rest }: JsonRecord): unknown => rest;
const hasAlert = (record: JsonRecord): boolean => JSON.stringify(record['audit.policy'] ?? []).includes('alert');

test('the packets of alerting records are kept under their sessions, and no others', () => {
  const records = replayToRecords(CAPTURES, ['--evidence', folder, '--policies', policies]);
  const alerting = new Set(records.filter(hasAlert).map((record) => record['audit.session']));
  assert.ok(alerting.size > 0);
  const comments = evidenceFiles(folder).flatMap((file) => [...pcapngBlocks(readFileSync(file))].map(commentOf));
  const sessions = new Set(comments.flatMap((comment) => comment?.replace('wiretrail session ', '') ?? []));
  assert.deepEqual([...sessions].sort(), [...alerting].sort());
  // The login can be read again from its evidence, on its own.
  for (const session of alerting) {
    const out = join(directory, 'login.pcapng');
    assert.equal(wiretrail(['extract', String(session), '--evidence', folder, '-o', out]).status, 0);
    const original = records.find((record) => record['audit.session'] === session && hasAlert(record));
    const logins = replayToRecords([out]).filter((record) => record['audit.kind'] === 'login');
    assert.deepEqual(
      logins.map((record) => [record['user.name'], record['db.namespace'], record.time]),
      [[original?.['user.name'], original?.['db.namespace'], original?.time]],
    );
  }
});

/** Fires for every second login of all connections together: only the main thread can tell. */
const REMEMBERING = POLICY.replace('when: { kind: login }', 'when: { kind: login, count: { over: 1, within: 3650d } }');

/** Packets kept of each session. */
function keptBySession(path: string): Map<string, number> {
  const kept = new Map<string, number>();
  for (const file of evidenceFiles(path)) {
    for (const block of pcapngBlocks(readFileSync(file))) {
      const session = commentOf(block)?.replace('wiretrail session ', '');
      if (session !== undefined) kept.set(session, (kept.get(session) ?? 0) + 1);
    }
  }
  return kept;
}

test('several workers keep what one keeps, also when a record is judged on the main thread', () => {
  for (const [name, policy] of Object.entries({ plain: POLICY, remembering: REMEMBERING })) {
    const file = join(directory, `${name}.yaml`);
    writeFileSync(file, policy);
    const [one = new Map(), two = new Map()] = [1, 2].map((workers) => {
      const own = join(directory, `${name}-${workers}`);
      const more = ['--evidence', own, '--policies', file, '--workers', String(workers)];
      const records = replayToRecords(CAPTURES, more);
      const kept = keptBySession(own);
      const alerting = new Set(records.filter(hasAlert).map((record) => String(record['audit.session'])));
      assert.ok(alerting.size > 0);
      assert.deepEqual([...kept.keys()].sort(), [...alerting].sort());
      return kept;
    });
    assert.deepEqual([...two.keys()].sort(), [...one.keys()].sort());
    // Word from the main thread comes later, and the packets of the meantime are kept as well.
    for (const [session, packets] of one) {
      const more = (two.get(session) ?? 0) - packets;
      assert.ok(name === 'plain' ? more === 0 : more >= 0, `${name} ${session}: ${more} more`);
    }
  }
});

test('a session cut out of captures gives its records again, ids included', () => {
  const records = replayToRecords(CAPTURES);
  const sessions = [...new Set(records.flatMap((record) => record['audit.session'] ?? []))];
  assert.ok(sessions.length >= 3);
  for (const session of sessions.slice(0, 4)) {
    const out = join(directory, 'session.pcapng');
    assert.equal(wiretrail(['extract', session, '--from', ...CAPTURES, '-o', out]).status, 0);
    const own = records.filter((record) => record['audit.session'] === session);
    assert.deepEqual(replayToRecords([out]).map(withoutPolicy), own.map(withoutPolicy));
  }
});

test('what cannot be extracted is said in one line, and nothing is written', () => {
  const out = join(directory, 'nothing.pcapng');
  const [capture = ''] = CAPTURES;
  for (const args of [
    ['extract', 'abc', '--from', capture],
    ['extract', '0'.repeat(24), '--from', capture],
    ['extract', '0'.repeat(24), '--evidence', folder],
    ['extract', '0'.repeat(24)],
    ['extract', '0'.repeat(24), '--evidence', join(directory, 'missing')],
  ]) {
    const { status, stderr } = wiretrail([...args, '-o', out]);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^wiretrail: .+\n$/);
    assert.equal(existsSync(out), false);
  }
});
