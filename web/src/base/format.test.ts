/** Figures as the console writes them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatAgo,
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatMoment,
  formatShare,
  formatShort,
  microseconds,
  plural,
} from './format.ts';

test('counts keep all digits, short forms name their unit', () => {
  assert.equal(formatCount(41_203_118), '41,203,118');
  assert.equal(formatShort(999), '999');
  assert.equal(formatShort(41_203_118), '41.2 M');
  assert.equal(formatShort(12_480), '12,480');
  assert.equal(formatShort(1_000_000), '1 M');
  assert.equal(formatShort(0.25), '0.25');
  assert.equal(formatBytes(1536), '1.5 KiB');
  assert.equal(formatBytes(12), '12 B');
  assert.equal(plural(1, 'statement'), '1 statement');
  assert.equal(plural(1200, 'query', 'queries'), '1,200 queries');
});

test('a share is never rounded to nothing or to all', () => {
  assert.equal(formatShare(1, 100_000), '< 0.1 %');
  assert.equal(formatShare(99_999, 100_000), '> 99.9 %');
  assert.equal(formatShare(31, 100), '31 %');
  assert.equal(formatShare(0, 0), '–');
});

test('durations from microseconds to days', () => {
  assert.equal(formatDuration(412), '412 µs');
  assert.equal(formatDuration(2_100), '2.1 ms');
  assert.equal(formatDuration(3_400_000), '3.4 s');
  assert.equal(formatDuration(125e6), '2 min 5 s');
  assert.equal(formatDuration(10_920e6), '3 h 2 min');
  assert.equal(formatDuration(90_000e6), '1 d 1 h');
});

test('times keep their microseconds', () => {
  assert.equal(microseconds('1970-01-01T00:00:01.000250Z'), 1_000_250);
  assert.equal(microseconds('1970-01-01T00:00:01.5Z'), 1_500_000);
  assert.equal(microseconds('1970-01-01T00:00:02Z'), 2_000_000);
});

test('moments carry their offset and keep their microseconds', () => {
  const ms = Date.parse('2026-11-21T10:00:00.123Z');
  assert.equal(formatMoment(ms, 'UTC'), '2026-11-21 10:00:00.123Z');
  assert.equal(formatMoment(ms, 'UTC', 'minute'), '2026-11-21 10:00Z');
  assert.equal(formatClock('2026-11-21T10:00:00.123456Z', 'UTC'), '10:00:00.123456Z');
  assert.match(formatClock('2026-11-21T10:00:00Z', 'local'), /^\d\d:\d\d:\d\d[+-]\d\d:\d\d$/);
  assert.equal(formatAgo(ms, ms + 540_000), '9 min ago');
});
