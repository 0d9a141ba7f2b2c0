/** Cells of heat maps as conditions: the hours they name are those that the map counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFilter } from '#src/query/language.js';
import { hourTerm } from './hours.ts';

const from = Date.parse('2026-11-20T10:30:00Z');

test('an hour of every day in the range', () => {
  assert.equal(hourTerm(from, Date.parse('2026-11-22T10:30:00Z'), 14), 'time:2026-11-20T14Z,2026-11-21T14Z');
  assert.equal(hourTerm(from, Date.parse('2026-11-20T11:00:00Z'), 10), 'time:2026-11-20T10Z');
  assert.equal(hourTerm(from, Date.parse('2026-11-20T11:00:00Z'), 14), undefined);
});

test('of one weekday only', () => {
  assert.equal(hourTerm(from, from + 14 * 86_400_000, 0, 0), 'time:2026-11-23T00Z,2026-11-30T00Z');
});

test('the server reads each as one hour', () => {
  const filter = parseFilter(hourTerm(from, from + 3_600_000, 10) ?? '', 0);
  assert.ok(filter?.kind === 'time');
  assert.deepEqual(filter.ranges, [
    { fromUs: Date.parse('2026-11-20T10:00Z') * 1000, toUs: Date.parse('2026-11-20T11:00Z') * 1000 },
  ]);
});

test('too long a condition is not written', () => {
  assert.equal(hourTerm(0, 400 * 86_400_000, 3), undefined);
});
