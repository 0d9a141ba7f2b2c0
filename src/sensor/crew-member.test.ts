import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditRecord } from '../contracts/record.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { CrewOutbox, RECORDS_UNDER_WAY_MAX } from './crew-member.ts';
import type { CrewRecord } from './messages.ts';
import { ThreadQueue } from './thread-queue.ts';

test('records are sent in order and in batches; what finds no room is refused until some is taken', () => {
  const sent: CrewRecord[] = [];
  const queue = new ThreadQueue(RECORDS_UNDER_WAY_MAX);
  const outbox = new CrewOutbox(queue.shared, (records) => sent.push(...records));
  const record = (timeUs: number): AuditRecord => Object.assign(new AuditRecord(), { timeUs });
  for (let i = 0; i < RECORDS_UNDER_WAY_MAX; i++) assert.equal(outbox.write(record(i)), true);
  assert.equal(outbox.write(record(-1)), false);
  assert.equal(outbox.defer(record(-2), undefined), false);
  assert.equal(queue.dropped, 2);
  outbox.flush();
  assert.ok(sent.every((one, i) => one.record.timeUs === i && !one.deferred));
  assert.equal(sent.length, RECORDS_UNDER_WAY_MAX);
  queue.leave(2);
  assert.equal(outbox.write(record(1)), true);
  assert.equal(outbox.defer(record(2), undefined), true);
  assert.equal(outbox.write(record(3)), false);
  outbox.flush();
  assert.deepEqual(
    sent.slice(RECORDS_UNDER_WAY_MAX).map(({ record: { timeUs }, deferred }) => [timeUs, deferred]),
    [
      [1, false],
      [2, true],
    ],
  );
});

test('notices are sent before records are judged by them, and take room of the queue', () => {
  const sent: string[] = [];
  const queue = new ThreadQueue(RECORDS_UNDER_WAY_MAX);
  const outbox = new CrewOutbox(queue.shared, (records, notices) =>
    sent.push(
      ...notices.map((notice) => (notice.kind === 'speaker' ? notice.key : notice.own)),
      ...records.map(({ target }) => `means ${target}`),
    ),
  );
  outbox.announce({ kind: 'speaker', key: 'k', session: 's', isNew: true, identity: undefined });
  assert.equal(outbox.defer(new AuditRecord(), undefined, 'k'), true);
  outbox.flush();
  assert.deepEqual(sent, ['k', 'means k']);
  queue.leave(2);
  for (let i = 0; i < RECORDS_UNDER_WAY_MAX; i++) assert.equal(outbox.write(new AuditRecord()), true);
  outbox.announce({ kind: 'speaker', key: 'none', session: 's', isNew: true, identity: undefined });
  outbox.flush();
  assert.ok(!sent.includes('none'));
});

test('the analysis of a deferred record travels without its template, which is known by identity only', () => {
  const sent: CrewRecord[] = [];
  const outbox = new CrewOutbox(new ThreadQueue(10).shared, (records) => sent.push(...records));
  const analyzer = createAnalyzer();
  for (let i = 0; i < 3; i++) analyzer.analyze(`SELECT ${i} FROM t`, 'mysql');
  const [statement] = analyzer.analyze('SELECT 7 FROM t', 'mysql');
  assert.ok(statement?.template);
  outbox.defer(new AuditRecord(), statement);
  outbox.flush();
  assert.deepEqual(sent[0]?.statement, { ...statement, template: undefined });
});
