import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCount, parseDurationUs, parseMinutes, parsePorts } from '../conditions/units.ts';
import { NameMatcher } from './names.ts';
import { SeenTable, WindowTable } from './windows.ts';

test('dotted names match by their last parts', () => {
  const matcher = new NameMatcher(['orders', 'hr.emp*'], true);
  for (const name of ['orders', 'SHOP.Orders', 'db.shop.orders', 'hr.employees', 'db.HR.emp'])
    assert.ok(matcher.test(name), name);
  for (const name of ['orders.x', 'xorders', 'hr.x.employees', 'employees', '', '.'])
    assert.ok(!matcher.test(name), name);
  assert.ok(new NameMatcher(['syslogins'], true).test('master..syslogins'));
});

test('more distinct names than are remembered', () => {
  const matcher = new NameMatcher(['n5', 'n20*'], false);
  const hits = Array.from({ length: 3000 }, (_, i) => `n${i}`).filter((name) => matcher.test(name));
  assert.equal(hits.length, 1 + 1 + 10 + 100);
  assert.ok(matcher.test('n5'));
});

test('numbers with units', () => {
  assert.deepEqual(['250ms', '1.5s', '2h', '1d', '5', 's', '1w', '-1s'].map(parseDurationUs), [
    250e3,
    1.5e6,
    7200e6,
    86_400e6,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(['10', '10k', '1MiB', '2G', '1.5k', '', '9999999999999G'].map(parseCount), [
    10,
    10_000,
    1_048_576,
    2e9,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(['22', '1-2', '0', '2-1', '65536', 'x'].map(parsePorts), [
    { first: 22, last: 22 },
    { first: 1, last: 2 },
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(['00:00', '8:05', '24:00', '24:01', '12:60', '12'].map(parseMinutes), [
    0,
    485,
    1440,
    undefined,
    undefined,
    undefined,
  ]);
});

test('a window sums what lies within it: at least 63/64 of its length, never more than all of it', () => {
  const event = fc.record({ waitUs: fc.nat(400), amount: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const windowUs = 640;
      const table = new WindowTable(windowUs, 10);
      const seen: { timeUs: number; amount: number }[] = [];
      const since = (fromUs: number): number =>
        seen.reduce((sum, { timeUs, amount }) => (timeUs > fromUs ? sum + amount : sum), 0);
      let timeUs = 1e15;
      for (const { waitUs, amount } of events) {
        timeUs += waitUs;
        seen.push({ timeUs, amount });
        const sum = table.add('k', timeUs, amount);
        assert.ok(sum <= since(timeUs - windowUs), 'too long');
        assert.ok(sum >= since(timeUs - (windowUs * 63) / 64), 'too short');
      }
    }),
    { seed: 42, numRuns: 500 },
  );
});

test('a window takes what is late for now, and a jump of time', () => {
  const table = new WindowTable(64, 10);
  assert.deepEqual(
    [table.add('k', 1000, 1), table.add('k', 10, 1), table.add('k', 1e15, 1), table.add('k', 1e15 - 3600e6, 1)],
    [1, 2, 1, 2],
  );
});

test('a window begins anew when the clock was set back by more than a day, and slides again', () => {
  const table = new WindowTable(64, 10);
  table.add('k', 1e15, 5);
  assert.equal(table.add('k', 1e15 - 2 * 86_400e6, 1), 1);
  assert.equal(table.add('k', 1e15 - 2 * 86_400e6 + 10, 1), 2);
  assert.equal(table.add('k', 1e15 - 2 * 86_400e6 + 100, 1), 1);
});

test('seen keys are forgotten by least recent use, and counted', () => {
  const table = new SeenTable(2);
  assert.deepEqual(
    ['a', 'b', 'a', 'c', 'a', 'b'].map((key) => table.isNew(key)),
    [true, true, false, true, false, true],
  );
  assert.equal(table.evicted, 2);
});
