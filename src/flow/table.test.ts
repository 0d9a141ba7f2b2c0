import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress } from '../base/address.ts';
import { PacketView } from '../contracts/view.ts';
import { HASH_SEED_DEFAULT } from './hash.ts';
import { FLOW_NONE, FlowTable } from './table.ts';

/** A view from one endpoint to the other; `[last address word, port]`. */
function viewOf(from: readonly [number, number], to: readonly [number, number], word0 = 0): PacketView {
  const view = new PacketView();
  view.src0 = view.dst0 = word0;
  view.src2 = view.dst2 = word0 === 0 ? 0xffff : 0;
  [view.src3, view.srcPort] = from;
  [view.dst3, view.dstPort] = to;
  return view;
}

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

test('the hash spreads neighbours, and depends on its seed', () => {
  const buckets = new Set<number>();
  const table = new FlowTable(1, 1);
  for (let port = 0; port < 4096; port++) {
    table.find(viewOf([0x0a000001, port], [0x0a000002, 5432]));
    buckets.add(table.lastHash & 4095);
  }
  // A random function hits 63 % of the buckets.
  assert.ok(buckets.size > 2300, `${buckets.size} buckets of 4096`);
  const other = new FlowTable(1, 2);
  other.find(viewOf([0x0a000001, 1], [0x0a000002, 5432]));
  table.find(viewOf([0x0a000001, 1], [0x0a000002, 5432]));
  assert.notEqual(other.lastHash, table.lastHash);
});

/** Most flows of a family that share one hash; `words` makes `view` its flow `i`. */
function crowd(seed: number, flows: number, words: (view: PacketView, i: number) => void): number {
  const table = new FlowTable(1, seed);
  const view = viewOf([1, 40_000], [2, 5432]);
  const counts = new Map<number, number>();
  for (let i = 0; i < flows; i++) {
    words(view, i);
    table.find(view);
    counts.set(table.lastHash, (counts.get(table.lastHash) ?? 0) + 1);
  }
  return Math.max(...counts.values());
}

test('no family of addresses shares a hash, whatever the seed', () => {
  for (let seed = 0; seed < 20; seed++) {
    const third = crowd(seed, 4096, (view, i) => {
      view.src2 = i;
    });
    assert.equal(third, 1, 'IPv6 addresses that begin with 64 zero bits');
    // The top bits of one word and the middle ones of the next: where a chain of multiplications and turns cancels out.
    const turned = crowd(seed, 65_536, (view, i) => {
      view.src3 = (i & 0xff) << 24;
      view.dst3 = 1 + ((i >> 8) << 5);
    });
    assert.ok(turned < 10, `${turned} flows with one hash`);
  }
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
