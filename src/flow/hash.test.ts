import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PacketView } from '../contracts/view.ts';
import { HASH_SEED_DEFAULT } from './hash.ts';
import { FlowTable } from './table.ts';
import { viewOf } from './testing.ts';

/** Entries of a cache line of the index. */
const LINE = 16;
const SEEDS: readonly number[] = [HASH_SEED_DEFAULT, 1, 2, 3];

test('neighbours share a line of the index, each with a place of its own', () => {
  for (const seed of SEEDS) {
    const table = new FlowTable(1, seed);
    const hashes = Array.from({ length: LINE }, (_, i) => {
      table.find(viewOf([0x0a000001, 40_000 + i], [0x0a000002, 5432]));
      return table.lastHash;
    });
    const line = (hash: number): number => hash & 0x3ff_fff0;
    assert.equal(new Set(hashes.map(line)).size, 1);
    assert.equal(new Set(hashes.map((hash) => hash & (LINE - 1))).size, LINE);
    table.find(viewOf([0x0a000001, 40_000 + LINE], [0x0a000002, 5432]));
    assert.notEqual(line(table.lastHash), line(hashes[0] as number));
  }
});

test('both directions have one hash; its sign is the address family', () => {
  const word = fc.oneof(fc.integer(), fc.constantFrom(0, 0xffff, -1));
  const address = fc.oneof(
    fc.tuple(word, word, word, word),
    fc.tuple(fc.constant(0), fc.constant(0), fc.constant(0xffff), word),
  );
  const port = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(address, port, address, port, fc.integer(), (a, aPort, b, bPort, seed) => {
      const table = new FlowTable(1, seed);
      const view = viewOf([a[3], aPort], [b[3], bPort]);
      [view.src0, view.src1, view.src2] = a;
      [view.dst0, view.dst1, view.dst2] = b;
      table.find(view);
      const hash = table.lastHash;
      assert.equal(
        hash >= 0,
        [a, b].every(([w0, w1, w2]) => w0 === 0 && w1 === 0 && w2 === 0xffff),
      );
      const flow = table.insert(view);
      const back = viewOf([b[3], bPort], [a[3], aPort]);
      [back.src0, back.src1, back.src2] = b;
      [back.dst0, back.dst1, back.dst2] = a;
      const found = table.find(back);
      assert.equal(found >> 1, flow >> 1);
      assert.equal(table.lastHash, hash);
      const mirrored = aPort === bPort && a.every((w, i) => w === b[i]);
      assert.equal(found & 1, mirrored ? flow & 1 : 1 - (flow & 1));
    }),
    { seed: 42, numRuns: 500 },
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

/**
 * Entries that looking up flows takes, in a table that they fill: on the average and at most. The table's own search, for
 * the hashes it gives.
 */
function probes(seed: number, flows: number, words: Family[1]): readonly [number, number] {
  const table = new FlowTable(1, seed);
  const view = viewOf([1, 40_000], [2, 5432]);
  let entries = 2;
  while (entries < flows * 2) entries *= 2;
  const taken = new Uint8Array(entries);
  let total = 0;
  let longest = 0;
  for (let i = 0; i < flows; i++) {
    Object.assign(view, words(i));
    table.find(view);
    let count = 1;
    let at = table.lastHash & (entries - 1);
    for (; taken[at] !== 0; at = (at + 1) % entries) count++;
    taken[at] = 1;
    total += count;
    longest = Math.max(longest, count);
  }
  return [total / flows, longest];
}

const CHOSEN = 20_000;
type Family = readonly [string, (i: number) => Partial<PacketView>];

/** What somebody who knows all but the seed may try. None has neighbouring ports. */
const SCATTERED: readonly Family[] = [
  ...[0, 4, 8, 12, 17].map(
    (shift): Family => [`addresses that count from bit ${shift}`, (i) => ({ src3: i << shift })],
  ),
  ['ports that count in sixteens, of many clients', (i) => ({ srcPort: (i & 0xfff) << 4, src3: i >> 12 })],
  ['addresses whose sum is the same', (i) => ({ src3: i, dst3: 1_000_000 - i })],
  ['addresses that differ in the same bits', (i) => ({ src3: i, dst3: i ^ 0x5a5a5a5a })],
  ['address and port whose sum is the same', (i) => ({ src3: i, srcPort: 50_000 - i })],
  ['addresses that are multiples of a large prime', (i) => ({ src3: Math.imul(i, 0x9e3779b1) })],
  ['IPv6, last word', (i) => ({ src0: 0x20010db8, src3: i })],
  ['IPv6, network', (i) => ({ src0: 0x20010db8, src1: i })],
];
/** Families whose flows fill whole lines. */
const CROWDED: readonly Family[] = [
  ['all ports of one client', (i) => ({ srcPort: 1024 + i })],
  [
    'ports of both sides, sixteen by sixteen',
    (i) => ({ srcPort: 32_768 + (i & 15), dstPort: 5424 + ((i >> 4) & 15), src3: i >> 8 }),
  ],
  [
    'ports of both sides within one sixteen',
    (i) => ({ srcPort: 5424 + (i & 15), dstPort: 5424 + ((i >> 4) & 15), src3: i >> 8 }),
  ],
  ['IPv6, all ports of one client', (i) => ({ src0: 0x20010db8, srcPort: 1024 + i })],
];

test('no choice of tuples makes a search long', () => {
  for (const seed of SEEDS) {
    for (const [name, words] of SCATTERED) {
      const [average, longest] = probes(seed, CHOSEN, words);
      assert.ok(average < 1.5 && longest < 40, `${name}, seed ${seed}: ${average} entries, at most ${longest}`);
    }
    for (const [name, words] of CROWDED) {
      const [average, longest] = probes(seed, CHOSEN, words);
      assert.ok(average < 9 && longest < 400, `${name}, seed ${seed}: ${average} entries, at most ${longest}`);
    }
  }
});

test('a million flows from all ports of 16 clients are found in a line or two', () => {
  const [average, longest] = probes(HASH_SEED_DEFAULT, 16 * 65_535, (i) => ({
    src3: 0x0a000000 + (i >>> 16),
    srcPort: i & 0xffff,
  }));
  assert.ok(average < 12 && longest < 1000, `${average} entries, at most ${longest}`);
});
