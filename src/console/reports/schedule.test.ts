import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextRun, type Period, periodBefore } from './schedule.ts';

const at = (time: string): number => Date.parse(time);

test('reports are due once a period, and cover the whole one before', () => {
  const table: readonly [Period, number, string, string, string, string][] = [
    ['day', 6, '2026-11-22T05:59Z', '2026-11-22T06:00Z', '2026-11-21T00:00Z', '2026-11-22T00:00Z'],
    ['day', 6, '2026-11-22T06:00Z', '2026-11-23T06:00Z', '2026-11-22T00:00Z', '2026-11-23T00:00Z'],
    // 2026-11-22 is a Sunday.
    ['week', 0, '2026-11-22T12:00Z', '2026-11-23T00:00Z', '2026-11-16T00:00Z', '2026-11-23T00:00Z'],
    ['week', 23, '2026-11-23T00:00Z', '2026-11-23T23:00Z', '2026-11-16T00:00Z', '2026-11-23T00:00Z'],
    ['month', 2, '2026-12-31T12:00Z', '2027-01-01T02:00Z', '2026-12-01T00:00Z', '2027-01-01T00:00Z'],
    ['month', 2, '2028-02-01T01:59Z', '2028-02-01T02:00Z', '2028-01-01T00:00Z', '2028-02-01T00:00Z'],
  ];
  for (const [every, hour, now, next, from, to] of table) {
    const due = nextRun(every, hour, at(now));
    assert.equal(due, at(next), `${every} ${now}`);
    assert.deepEqual(periodBefore(every, due), { fromMs: at(from), toMs: at(to) });
  }
});
