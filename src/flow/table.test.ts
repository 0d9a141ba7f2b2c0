import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress } from '../base/address.ts';
import { HASH_SEED_DEFAULT } from './hash.ts';
import { FLOW_NONE, FlowTable } from './table.ts';
import { viewOf } from './testing.ts';

test('both directions are one slot, the lower endpoint is side 0, whatever the sign of its words', () => {
  const table = new FlowTable(16, HASH_SEED_DEFAULT);
  const low: [number, number] = [0x0a000001, 5432];
  const high: [number, number] = [0xc0a80001 | 0, 99];
  assert.equal(table.find(viewOf(high, low)), FLOW_NONE);
  const flow = table.insert(viewOf(high, low));
  assert.equal(flow & 1, 1);
  assert.equal(table.find(viewOf(low, high)), (flow >> 1) << 1);
  assert.equal(table.find(viewOf(high, low)), flow);
  assert.deepEqual([table.port(flow >> 1, 0), table.port(flow >> 1, 1)], [5432, 99]);
  assert.equal(table.addressWord(flow >> 1, 1, 3), 0xc0a80001 | 0);
});

test('one address at both ends: the lower port is side 0', () => {
  const table = new FlowTable(16, HASH_SEED_DEFAULT);
  const a: [number, number] = [0x7f000001, 5432];
  const b: [number, number] = [0x7f000001, 50_000];
  table.find(viewOf(b, a));
  assert.equal(table.insert(viewOf(b, a)) & 1, 1);
  assert.equal(table.find(viewOf(a, b)) & 1, 0);
});

test('an IPv4 and an IPv6 flow with the same last words differ', () => {
  const table = new FlowTable(16, HASH_SEED_DEFAULT);
  table.find(viewOf([1, 1], [2, 2]));
  table.insert(viewOf([1, 1], [2, 2]));
  assert.equal(table.find(viewOf([1, 1], [2, 2], 0x20010db8)), FLOW_NONE);
});

test('a full table takes nothing more, until something is removed', () => {
  const table = new FlowTable(3, HASH_SEED_DEFAULT);
  const flows = [1, 2, 3].map((port) => {
    const view = viewOf([1, port], [2, 1]);
    table.find(view);
    return table.insert(view) >> 1;
  });
  const extra = viewOf([1, 4], [2, 1]);
  table.find(extra);
  assert.equal(table.insert(extra), FLOW_NONE);
  table.remove(flows[1] as number);
  assert.equal(table.insert(extra) >> 1, flows[1]);
  assert.equal(table.size, 3);
});

test('against a map: insert, find and remove in any order', () => {
  const steps = fc.array(fc.tuple(fc.nat(60), fc.boolean()), { maxLength: 400 });
  fc.assert(
    fc.property(steps, fc.integer(), (list, seed) => {
      const table = new FlowTable(32, seed);
      const known = new Map<number, number>();
      for (const [port, remove] of list) {
        const view = viewOf([7, port], [9, 5432]);
        const found = table.find(view);
        assert.equal(found === FLOW_NONE ? undefined : found >> 1, known.get(port));
        if (found === FLOW_NONE) {
          const flow = table.insert(view);
          if (flow === FLOW_NONE) assert.equal(known.size, 32);
          else known.set(port, flow >> 1);
        } else if (remove) {
          table.remove(found >> 1);
          known.delete(port);
        }
        assert.equal(table.size, known.size);
      }
      for (const [port, slot] of known) assert.equal(table.find(viewOf([9, 5432], [7, port])) >> 1, slot);
    }),
    { seed: 42, numRuns: 200 },
  );
});

test('the capacity has limits', () => {
  for (const capacity of [0, -1, Number.NaN, 2 ** 27]) {
    assert.throws(() => new FlowTable(capacity, 0), RangeError);
  }
});

test('addresses as text', () => {
  const cases: readonly (readonly [readonly [number, number, number, number], string])[] = [
    [[0, 0, 0xffff, 0xc0a80105 | 0], '192.168.1.5'],
    [[0x20010db8, 0, 0, 1], '2001:db8::1'],
    [[0, 0, 0, 0], '::'],
    [[0, 0, 0, 1], '::1'],
    [[0x20010db8, 0x00000001, 0x00010001, 0x00010001], '2001:db8:0:1:1:1:1:1'],
    [[0x20010db8, 0, 0x00010000, 0x00000001], '2001:db8::1:0:0:1'],
    [[0xfe800000 | 0, 0, 0, 0], 'fe80::'],
    [[0x20010000, 0x00000001, 0, 1], '2001:0:0:1::1'],
  ];
  for (const [words, text] of cases) assert.equal(formatAddress(...words), text);
});

test('the index grows with the flows, and finds all of them at every size', () => {
  const table = new FlowTable(80_000, HASH_SEED_DEFAULT);
  const flows: number[] = [];
  const client = (i: number): [number, number] => [0x0a000001 + (i >> 8), 1024 + (i & 255) * 7];
  const server: [number, number] = [0x0b000001, 5432];
  const check = (): void => {
    for (const [i, flow] of flows.entries()) assert.equal(table.find(viewOf(client(i), server)), flow);
  };
  for (let i = 0; i < 80_000; i++) {
    const view = viewOf(client(i), server);
    assert.equal(table.find(view), FLOW_NONE);
    flows.push(table.insert(view));
    if ((i & (i - 1)) === 0 || i === 20_000) check();
  }
  check();
  // Deleting moves entries of the grown index, too.
  for (const flow of flows.splice(40_000)) table.remove(flow >> 1);
  check();
  assert.equal(table.size, 40_000);
});
