/**
 * The sensor against a real DRDA server: every statement in Derby's own log is recorded, and nothing else, with its
 * text, its parameters and whether it failed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, verdict } from '../lab/compare.ts';
import { type JsonRecord, replayToRecords } from '../support/replay.ts';
import { derbyObstacle, runDerby } from './derby.ts';

const ROUNDS = 5000;
const STATEMENTS_MIN = 5000;

const obstacle = derbyObstacle();
const options = obstacle === undefined ? { timeout: 90_000 } : { skip: `NOT RUN: ${obstacle}` };

test(
  'derby: recall and precision over its own statement log, with values, users, databases and errors',
  options,
  async () => {
    const run = await runDerby('all', ROUNDS);
    try {
      const records = replayToRecords([run.capture]);
      const { ok, text } = verdict(compare(run.truth, records));
      assert.ok(ok, text);
      const logged = run.truth.filter((entry) => entry.kind === 'statement');
      assert.ok(logged.length >= STATEMENTS_MIN, `only ${logged.length} statements were logged`);
      assert.ok(logged.filter((entry) => entry.parameters !== undefined).length > ROUNDS, 'few values were logged');
      assert.ok(records.every((record) => record['db.system.name'] === 'derby'));
      assertSessions(records);
    } finally {
      run.dispose();
    }
  },
);

function assertSessions(records: readonly JsonRecord[]): void {
  const logins = records.filter((record) => record['audit.kind'] === 'login');
  const users = new Set(logins.map((record) => record['user.name']));
  for (const user of ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'mallory']) {
    assert.ok(users.has(user), `no login of ${user}`);
  }
  const failed = logins.filter((record) => record['db.response.status_code'] !== undefined);
  assert.deepEqual(
    failed.map((record) => record['user.name']),
    ['mallory'],
  );
  assert.ok(!JSON.stringify(records).includes('s3cret-'), 'a password was recorded');
  const rows = records.find((record) => record['db.query.text'] === 'select n, word from numbers order by n');
  assert.equal(rows?.['db.response.returned_rows'], 40);
  const operations = new Set(records.map((record) => record['db.operation.name']));
  for (const word of [
    'COMMIT',
    'ROLLBACK',
    'XA START',
    'XA END',
    'XA PREPARE',
    'XA COMMIT',
    'XA ROLLBACK',
    'XA RECOVER',
  ]) {
    assert.ok(operations.has(word), `no ${word}`);
  }
  const codes = new Set(records.map((record) => record['db.response.status_code']));
  for (const code of ['42X05', '23505', '42X14', '42X01', '22012']) assert.ok(codes.has(code), `no ${code}`);
}
