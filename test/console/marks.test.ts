/** Marks of a result's scroll bar: where gaps and pins stand is where paging through the whole result finds them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordMarks } from '#src/console/api/marks.js';
import type { Records, Row } from '#src/console/api/records.js';
import type { AuditRecord } from '#src/contracts/record.js';
import { statement, TEST_TIME_US } from '#src/store/fixture.js';
import { API, type TestConsole, withConsole } from './console.js';

const SECOND_US = 1_000_000;
const MINUTE_US = 60 * SECOND_US;
const COUNT = 900;

/** Three of each moment, ten seconds apart; losses are written at the end of the minute that they speak of. */
function records(): AuditRecord[] {
  const statements = Array.from({ length: COUNT }, (_, n) =>
    statement(n + 1, {
      timeUs: TEST_TIME_US + Math.floor(n / 3) * 10 * SECOND_US,
      user: ['alice', 'bob'][n % 2],
      namespace: ['hr', 'crm', undefined][n % 3],
    }),
  );
  const losses = [3, 4, 5, 20, 20, 45].map((minute, n) =>
    statement(5000 + n, {
      timeUs: TEST_TIME_US + minute * MINUTE_US,
      kind: 'loss',
      reason: 'ring full',
      namespace: undefined,
      user: undefined,
    }),
  );
  return [...statements, ...losses];
}

const at = (minute: number): string => new Date((TEST_TIME_US + minute * MINUTE_US) / 1000).toISOString();

async function json<T>(console: TestConsole, path: string): Promise<T> {
  const response = await console.get('auditor', path);
  assert.equal(response.statusCode, 200, `${path}: ${response.body}`);
  return response.json() as T;
}

test('gaps and pins stand where the rows do, in either order, of every question', () =>
  withConsole(records(), async (console) => {
    const pinned = [1, 2, 3, 4, 450, 451, 452, COUNT].map((n) => n.toString(16).padStart(32, '0'));
    for (const id of pinned)
      assert.equal((await console.as('auditor', { method: 'PUT', url: `${API}/pins/${id}` })).statusCode, 200);
    const questions = ['', 'q=user:alice', 'q=kind:statement', `t=${at(4)}/${at(30)}`, 'db=hr', 'q=user:nobody'];
    for (const question of questions) {
      for (const dir of ['newest', 'oldest']) {
        const { rows } = await json<Records>(console, `/records?limit=1000&dir=${dir}&${question}`);
        const marks = await json<RecordMarks>(console, `/records/marks?dir=${dir}&${question}`);
        assert.equal(marks.total, rows.length, question);
        const expected = pinned.map((id) => rows.findIndex((row) => row.id === id)).filter((index) => index >= 0);
        assert.deepEqual(
          marks.pins.map(({ position }) => position),
          expected.sort((a, b) => a - b),
          `${question} ${dir}`,
        );
        assert.ok(marks.pins.every(({ id, position }) => rows[position]?.id === id));
        assert.ok(marks.gaps.length > 0);
        for (const gap of marks.gaps) assertGap(gap, rows, `${question} ${dir} ${gap.from}`);
      }
    }
    const all = await json<RecordMarks>(console, '/records/marks');
    const stretches = all.gaps.map(({ kind, from, to }) => `${kind} ${from} ${to}`);
    const expected = [
      [44, 45],
      [19, 20],
      [2, 5],
    ].map(([from = 0, to = 0]) => `loss ${at(from).slice(0, -1)}000Z ${at(to).slice(0, -1)}000Z`);
    assert.deepEqual(stretches, expected, 'minutes that touch are one stretch');
    assert.deepEqual([all.moreGaps, all.pins.length], [false, pinned.length]);
    const others = (await console.get('viewer', '/records/marks')).json() as RecordMarks;
    assert.deepEqual([others.pins, others.gaps], [[], all.gaps], 'losses are told to everybody, pins are one’s own');
  }));

test('of many gaps, those nearest to each other are told as one, and none is left out', () => {
  // Every ten minutes one, and in the end one that is far from all others.
  const minutes = [...Array.from({ length: 60 }, (_, n) => 10 * n + (n % 2)), 2000];
  const losses = minutes.map((minute, n) =>
    statement(n + 1, { timeUs: TEST_TIME_US + minute * MINUTE_US, kind: 'loss', reason: 'ring full', user: undefined }),
  );
  return withConsole(losses, async (console) => {
    const { gaps, moreGaps } = await json<RecordMarks>(console, `/records/marks?dir=oldest&t=${at(-9)}/${at(2100)}`);
    assert.equal(gaps.length, 24);
    assert.deepEqual([gaps.reduce((sum, { parts }) => sum + parts, 0), moreGaps], [minutes.length, false]);
    assert.deepEqual([gaps.at(-1)?.parts, gaps.at(-1)?.to], [1, `${at(2000).slice(0, -1)}000Z`]);
    for (const minute of minutes) {
      const time = at(minute - 0.5);
      assert.ok(
        gaps.some(({ from, to }) => from < time && time < to),
        time,
      );
    }
  });
});

/** The rows of its positions are those of its time. */
function assertGap({ from, to, first, end }: RecordMarks['gaps'][number], rows: readonly Row[], message: string): void {
  const inside = rows.flatMap(({ time }, index) => (time >= from && time < to ? [index] : []));
  assert.equal(end - first, inside.length, message);
  if (inside.length > 0) assert.equal(first, inside[0], message);
  // Where it has no rows it stands between those before and those after it.
  const side = (row: Row | undefined): boolean | undefined => row && row.time >= to;
  if (inside.length === 0 && first > 0 && first < rows.length)
    assert.notEqual(side(rows[first - 1]), side(rows[first]), message);
}
