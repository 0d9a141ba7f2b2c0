import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeldMemory, MemoryBudget } from './memory-budget.ts';

/** A holder that gives back down to `floor` bytes when first asked, and all when asked for all. */
function holder(budget: MemoryBudget, name: string, asked: string[], floor = 0): HeldMemory {
  const memory = new HeldMemory(budget);
  memory.holder = {
    relieve(all: boolean): void {
      asked.push(all ? `${name}!` : name);
      memory.add(Math.min(0, (all ? 0 : floor) - memory.bytes));
    },
  };
  return memory;
}

test('whoever holds most gives back first, and no more than needed do', () => {
  const budget = new MemoryBudget(100_000);
  const asked: string[] = [];
  const [a, b, c] = ['a', 'b', 'c'].map((name) => holder(budget, name, asked)) as [HeldMemory, HeldMemory, HeldMemory];
  a.add(20_000);
  b.add(70_000);
  c.add(5000);
  assert.equal(budget.isExceeded, false);
  c.add(6000);
  assert.equal(budget.isExceeded, true);
  budget.relieve(1);
  assert.deepEqual([asked, budget.bytes, budget.reliefs], [['b'], 31_000, 1]);
});

test('of those that hold about as much, the one that has for longest gives back first', () => {
  const budget = new MemoryBudget(8000);
  const asked: string[] = [];
  const all = ['a', 'b', 'c', 'd'].map((name) => holder(budget, name, asked));
  for (const memory of all) memory.add(1100);
  all[0]?.add(-1000);
  all[0]?.add(1000);
  for (const memory of all) memory.add(900);
  assert.equal(budget.bytes, 8000);
  all[3]?.add(47);
  all[2]?.add(40);
  budget.relieve(1);
  assert.deepEqual(asked, ['b']);
  all[2]?.add(6000);
  budget.relieve(1);
  assert.deepEqual(asked, ['b', 'c']);
});

test('where what is least missed is nothing, everything goes', () => {
  const budget = new MemoryBudget(10_000);
  const asked: string[] = [];
  const memory = holder(budget, 'a', asked, 6000);
  memory.add(11_000);
  budget.relieve(1);
  assert.deepEqual([asked, budget.bytes], [['a'], 6000]);
  const other = holder(budget, 'b', asked, 9000);
  other.add(4500);
  budget.relieve(1);
  assert.deepEqual([asked, budget.bytes], [['a', 'a', 'a!'], 4500]);
});

test('whoever has nothing to give is not asked for ever, and again when it has changed', () => {
  const budget = new MemoryBudget(10_000);
  const stubborn = new HeldMemory(budget);
  stubborn.add(20_000);
  budget.relieve(1);
  budget.relieve(1);
  assert.deepEqual([budget.reliefs, budget.bytes], [1, 20_000]);
  stubborn.add(20_000);
  budget.relieve(1);
  assert.equal(budget.reliefs, 2);
  stubborn.close();
  assert.deepEqual([budget.bytes, budget.isExceeded], [0, false]);
});

test('the ranking is what a list of all would say, whatever is taken and given back', () => {
  const step = fc.record({ who: fc.nat(7), bytes: fc.integer({ min: -40_000, max: 60_000 }), closes: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const budget = new MemoryBudget(100_000);
      const asked: string[] = [];
      const all = Array.from({ length: 8 }, (_, i) => holder(budget, String(i), asked));
      for (const { who, bytes, closes } of steps) {
        const memory = all[who] as HeldMemory;
        if (closes) memory.add(-memory.bytes);
        else memory.add(Math.max(-memory.bytes, bytes));
        const sum = all.reduce((total, one) => total + one.bytes, 0);
        assert.equal(budget.bytes, sum);
        const largest = Math.max(...all.map((one) => one.bytes));
        asked.length = 0;
        budget.relieve(1);
        assert.ok(budget.bytes <= 100_000);
        if (sum <= 100_000) assert.equal(asked.length, 0);
        else assert.ok((all[Number(asked[0])]?.bytes ?? 0) === 0 && largest > 0);
      }
    }),
    { seed: 42, numRuns: 200 },
  );
});
