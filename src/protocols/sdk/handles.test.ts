import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldMemory, MemoryBudget, unlimitedMemory } from '../../base/memory-budget.ts';
import { HandleTable } from './handles.ts';

interface Entry {
  readonly name: string;
  readonly weight: number;
}

function table(entriesMax: number, weightMax: number): HandleTable<string, Entry> {
  return new HandleTable(entriesMax, weightMax, (key, entry) => key.length + entry.weight, unlimitedMemory());
}

function entry(name: string, weight = 0): Entry {
  return { name, weight };
}

test('a table over its number drops the least recently used, and counts it', () => {
  const handles = table(2, 1000);
  const gone: string[] = [];
  const drop = ({ name }: Entry): void => void gone.push(name);
  handles.set('a', entry('a'), drop);
  handles.set('b', entry('b'), drop);
  assert.equal(handles.get('a')?.name, 'a');
  assert.equal(handles.peek('b')?.name, 'b');
  handles.set('c', entry('c'), drop);
  assert.deepEqual(gone, ['b']);
  assert.deepEqual(
    [...handles.values()].map(({ name }) => name),
    ['a', 'c'],
  );
  assert.deepEqual([handles.size, handles.evicted, handles.get('b')], [2, 1, undefined]);
});

test('a table over its weight drops as many as it takes, even the one that is too heavy itself', () => {
  const handles = table(100, 10);
  handles.set('a', entry('a', 3));
  handles.set('b', entry('b', 3));
  handles.set('c', entry('c', 7));
  assert.deepEqual([handles.size, handles.evicted], [1, 2]);
  handles.set('d', entry('d', 10));
  assert.deepEqual([handles.size, handles.evicted], [0, 4]);
  handles.set('e', entry('e', 9));
  assert.equal(handles.size, 1, 'what was dropped weighs nothing any more');
});

test('the weight is that of what is kept: replaced, deleted and cleared entries are taken off', () => {
  const handles = table(100, 20);
  const gone: string[] = [];
  handles.set('a', entry('first', 15), ({ name }) => gone.push(name));
  handles.set('a', entry('second', 4), ({ name }) => gone.push(name));
  assert.deepEqual(gone, ['first']);
  handles.set('b', entry('b', 10));
  assert.equal(handles.delete('b')?.name, 'b');
  assert.equal(handles.delete('b'), undefined);
  handles.set('c', entry('c', 13));
  assert.deepEqual([handles.size, handles.evicted], [2, 0]);
  handles.clear();
  handles.set('d', entry('d', 19));
  assert.deepEqual([handles.size, handles.evicted], [1, 0]);
});

test('an entry that grows makes room for itself, unless it is not kept any more', () => {
  const handles = new HandleTable<string, { weight: number }>(100, 20, (_key, { weight }) => weight, unlimitedMemory());
  const [old, grown, gone] = [{ weight: 5 }, { weight: 5 }, { weight: 5 }];
  handles.set('old', old);
  handles.set('grown', gone);
  handles.set('grown', grown);
  assert.equal(handles.weightLeft, 10);
  const grow = (entry: { weight: number }) => (): void => {
    entry.weight = 16;
  };
  handles.reweigh('grown', gone, grow(gone));
  assert.equal(handles.weightLeft, 10);
  handles.reweigh('grown', grown, grow(grown));
  assert.deepEqual([handles.peek('old'), handles.peek('grown')], [undefined, grown]);
  assert.deepEqual([handles.weightLeft, handles.evicted], [4, 1]);
});

test('an entry that is stored again is not dropped for itself', () => {
  const handles = table(2, 100);
  const same = entry('same');
  handles.set('a', same, () => assert.fail('it stays'));
  handles.set('a', same, () => assert.fail('it stays'));
  assert.equal(handles.get('a'), same);
});

test('the entry used last stays the last one however often it is looked up, until another one is used', () => {
  const handles = table(2, 100);
  for (const name of ['a', 'b']) handles.set(name, entry(name));
  for (const name of ['a', 'a', 'b', 'a']) handles.get(name);
  handles.set('c', entry('c'));
  assert.deepEqual([handles.peek('a')?.name, handles.peek('b')], ['a', undefined]);
  handles.delete('c');
  handles.get('a');
  handles.set('d', entry('d'));
  handles.set('e', entry('e'));
  assert.deepEqual([handles.peek('a'), handles.peek('d')?.name], [undefined, 'd']);
});

test('what a table weighs is counted where its connection is, through all that changes it', () => {
  const budget = new MemoryBudget(1000);
  const handles = new HandleTable<string, { weight: number }>(
    3,
    100,
    (_key, { weight }) => weight,
    new HeldMemory(budget),
  );
  const gone: number[] = [];
  for (const weight of [10, 20, 30, 40]) handles.set(`${weight}`, { weight }, (dropped) => gone.push(dropped.weight));
  assert.deepEqual([gone, budget.bytes], [[10], 90]);
  const heavy = handles.get('40');
  assert.ok(heavy);
  // What it weighs by now is not what was counted for it.
  heavy.weight = 45;
  handles.delete('40');
  assert.equal(budget.bytes, 50);
  handles.evictAll((dropped) => gone.push(dropped.weight));
  assert.deepEqual([gone, budget.bytes, handles.size, handles.evicted], [[10, 20, 30], 0, 0, 3]);
});
