/**
 * The sensor against a real DRDA server: every statement in Derby's own log is recorded, and nothing else, with its
 * text, its parameters and whether it failed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonRecord, replayToRecords } from '../support/replay.ts';
import { derbyObstacle, type LoggedStatement, readLog, runDerby } from './derby.ts';

const ROUNDS = 5000;
const STATEMENTS_MIN = 5000;

const obstacle = derbyObstacle();
const options = obstacle === undefined ? { timeout: 90_000 } : { skip: `NOT RUN: ${obstacle}` };

test('derby: recall and precision over its own statement log', options, async () => {
  const run = await runDerby('all', ROUNDS);
  try {
    const records = replayToRecords([run.capture]);
    const logged = readLog(run.log);
    const statements = records.filter((record) => record['db.query.text'] !== undefined);
    assert.ok(logged.length >= STATEMENTS_MIN, `only ${logged.length} statements were logged`);
    assert.deepEqual(difference(logged.map(textOf), statements.map(recordedText)), { missed: [], invented: [] });
    assert.ok(records.every((record) => record['db.system.name'] === 'derby'));
    assertValues(logged, statements);
    assertSessions(records);
  } finally {
    run.dispose();
  }
});

/** A text that Derby cut or the sensor did is compared by its beginning. */
const COMPARED_CHARACTERS = 200;

function textOf({ text }: LoggedStatement): string {
  return text.slice(0, COMPARED_CHARACTERS);
}

function recordedText(record: JsonRecord): string {
  return (record['db.query.text'] ?? '').slice(0, COMPARED_CHARACTERS);
}

function difference(expected: readonly string[], found: readonly string[]) {
  const left = new Map<string, number>();
  for (const text of expected) left.set(text, (left.get(text) ?? 0) + 1);
  const invented: string[] = [];
  for (const text of found) {
    const count = left.get(text) ?? 0;
    if (count === 0) invented.push(text);
    else left.set(text, count - 1);
  }
  return { missed: [...left].filter(([, count]) => count > 0).map(([text]) => text), invented };
}

/** Bind values of the volume's inserts and queries, one by one. */
function assertValues(logged: readonly LoggedStatement[], statements: readonly JsonRecord[]): void {
  const isCompared = (text: string) => /^(insert into orders|select item, price)/.test(text);
  const expected = logged
    .filter(({ text }) => isCompared(text))
    .map(({ parameters }) => parameters.map(plain).join('|'));
  const found = statements
    .filter((record) => isCompared(recordedText(record)))
    .map((record) => (record['db.query.parameters'] ?? []).map((value) => plain(String(value))).join('|'));
  assert.ok(expected.length > ROUNDS);
  assert.deepEqual(found, expected);
}

/** Numbers as numbers: Derby prints `4.0` where the wire has 4. */
function plain(value: string): string {
  return /^-?\d+\.\d+$/.test(value) ? String(Number(value)) : value;
}

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
  const rows = records.find((record) => recordedText(record) === 'select n, word from numbers order by n');
  assert.equal(rows?.['db.response.returned_rows'], 500);
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
