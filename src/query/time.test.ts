import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatTime } from '../base/time.ts';
import { QueryError } from './errors.ts';
import { parseMoment, parseRanges, type TimeRange } from './time.ts';

const NOW_US = Date.UTC(2026, 10, 21, 19, 56, 7) * 1000;

/** `2026-11-21 19:47` → microseconds. */
function at(text: string): number {
  return Date.parse(`${text.replace(' ', 'T')}:00Z`) * 1000;
}

describe('time expressions of Argus', () => {
  const today = '2026-11-21';
  const table: readonly (readonly [expression: string, from: string, to: string])[] = [
    ['-10m', `${today} 19:47`, `${today} 19:57`],
    ['-1h', `${today} 19:00`, `${today} 20:00`],
    ['-1d', `${today} 00:00`, '2026-11-22 00:00'],
    ['-3d', '2026-11-19 00:00', '2026-11-22 00:00'],
    ['-2d+20m', '2026-11-20 00:00', '2026-11-20 00:20'],
    ['-20d+25m', '2026-11-02 00:00', '2026-11-02 00:25'],
    ['-1M+1d', '2026-11-01 00:00', '2026-11-02 00:00'],
    ['-2h5m+5m', `${today} 18:05`, `${today} 18:10`],
    ['-30m-5m', `${today} 19:22`, `${today} 19:27`],
    ['-1d-1h', '2026-11-20 23:00', `${today} 00:00`],
    ['14', `${today} 14:00`, `${today} 15:00`],
    ['15-23', `${today} 15:00`, `${today} 23:00`],
    ['2026/11/20', '2026-11-20 00:00', '2026-11-21 00:00'],
    ['2026/11/20.10', '2026-11-20 10:00', '2026-11-20 11:00'],
    ['2026/11/20.10:15', '2026-11-20 10:15', '2026-11-20 10:16'],
    ['2026/11/20.10:15-10:20', '2026-11-20 10:15', '2026-11-20 10:20'],
    ['2026/11/20.10:15+30m', '2026-11-20 10:15', '2026-11-20 10:45'],
    ['2026y11m20d10h', '2026-11-20 10:00', '2026-11-20 11:00'],
    ['20.11:10-14', '2026-11-20 11:10', '2026-11-20 14:00'],
    ['2026/10-2026/11', '2026-10-01 00:00', '2026-11-01 00:00'],
    ['2024/02', '2024-02-01 00:00', '2024-03-01 00:00'],
    ['2024/02/29', '2024-02-29 00:00', '2024-03-01 00:00'],
    ['2026/12/31.23:59', '2026-12-31 23:59', '2027-01-01 00:00'],
    ['-12M', '2025-12-01 00:00', '2026-12-01 00:00'],
    ['-1y', '2026-01-01 00:00', '2027-01-01 00:00'],
    ['-3y', '2024-01-01 00:00', '2027-01-01 00:00'],
  ];
  for (const [expression, from, to] of table) {
    test(expression, () => {
      assert.deepEqual(parseRanges(expression, NOW_US), [{ fromUs: at(from), toUs: at(to) }]);
    });
  }

  test('**.14 is that hour of every day of the month', () => {
    const ranges = parseRanges('**.14', NOW_US);
    assert.equal(ranges.length, 30);
    assert.deepEqual(ranges[29], { fromUs: at('2026-11-30 14:00'), toUs: at('2026-11-30 15:00') });
    assert.equal(parseRanges('2026/02/**.14-16', NOW_US).length, 28);
  });

  for (const wrong of [
    '+1h',
    '-1w',
    '2026/11/*',
    '',
    '25',
    '2026/13/01',
    '15-14',
    '-',
    'tomorrow',
    '2026-02-30',
    '2026/02/29',
  ]) {
    test(`${JSON.stringify(wrong)} is refused`, () => {
      assert.throws(() => parseRanges(wrong, NOW_US), QueryError);
    });
  }
});

test('a range that nobody can write is refused, not passed on', () => {
  for (const far of ['-5000y', '-999999999M', '-999999999d', 'P9999999999W/2026-01-01', '2026-01-01/P99999999999D']) {
    assert.throws(() => parseRanges(far, NOW_US), /out of range/, far);
  }
  assert.equal(parseRanges('-1950y', NOW_US)[0]?.fromUs, Date.parse('0077-01-01T00:00:00Z') * 1000);
  assert.throws(() => parseMoment('-999999999w', NOW_US), /out of range/);
  assert.throws(() => parseMoment('2026-01-01T00:00+99:99', NOW_US), QueryError);
});

test('what is read can be written, and read again as the same', () => {
  const expression = fc.oneof(
    fc.tuple(fc.nat(1e9 - 1), fc.constantFrom(...'smhdMy')).map(([count, unit]) => `-${count}${unit}`),
    fc.string({ unit: fc.constantFrom(...'0123456789-/.:+*TPZMDWmhdy'), maxLength: 24 }),
  );
  fc.assert(
    fc.property(expression, (text) => {
      let ranges: readonly TimeRange[];
      try {
        ranges = parseRanges(text, NOW_US);
      } catch (error) {
        assert.ok(error instanceof QueryError, String(error));
        return;
      }
      for (const { fromUs, toUs } of ranges) {
        assert.ok(fromUs < toUs);
        if (toUs > Date.parse('9999-12-31T00:00:00Z') * 1000) continue;
        const written = `${formatTime(fromUs)}/${formatTime(toUs)}`;
        if (/^\d{4}/.test(written) && fromUs >= Date.parse('0100-01-01T00:00:00Z') * 1000) {
          assert.deepEqual(parseRanges(written, NOW_US), [{ fromUs, toUs }], text);
        }
      }
    }),
    { seed: 11, numRuns: 5000 },
  );
});

describe('ISO 8601', () => {
  const table: readonly (readonly [expression: string, from: string, to: string])[] = [
    ['2026-11-20', '2026-11-20 00:00', '2026-11-21 00:00'],
    ['2026-11-20T10', '2026-11-20 10:00', '2026-11-20 11:00'],
    ['2026-11-20T10:00Z/PT30M', '2026-11-20 10:00', '2026-11-20 10:30'],
    ['P1DT2H/2026-11-20T10:00Z', '2026-11-19 08:00', '2026-11-20 10:00'],
    ['2026-11-20T10:00+02:00/2026-11-21', '2026-11-20 08:00', '2026-11-21 00:00'],
  ];
  for (const [expression, from, to] of table) {
    test(expression, () => {
      assert.deepEqual(parseRanges(expression, NOW_US), [{ fromUs: at(from), toUs: at(to) }]);
    });
  }

  test('moments', () => {
    assert.equal(parseMoment('now', NOW_US), NOW_US);
    assert.equal(parseMoment('-1h', NOW_US), NOW_US - 3600e6);
    assert.equal(parseMoment('-2d12h', NOW_US), NOW_US - 60 * 3600e6);
    assert.equal(parseMoment('2026-11-20T10:00:00.000005Z', NOW_US), at('2026-11-20 10:00') + 5);
    assert.throws(() => parseMoment('yesterday', NOW_US), QueryError);
    assert.equal(formatTime(at('2026-11-20 10:00') + 5), '2026-11-20T10:00:00.000005Z');
  });
});
