import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldMemory, MemoryBudget, unlimitedMemory } from '../base/memory-budget.ts';
import { PreparedTexts } from './prepared.ts';

test('a name has the text it was given last, whatever its case', () => {
  const prepared = new PreparedTexts(unlimitedMemory());
  prepared.set('Q', 'SELECT 1');
  prepared.set('q', 'SELECT 2');
  assert.equal(prepared.get('Q'), 'SELECT 2');
  prepared.set('q', undefined);
  assert.equal(prepared.get('q'), undefined);
  prepared.set('q', 'SELECT 3');
  prepared.delete('Q');
  assert.equal(prepared.get('q'), undefined);
});

test('a session that prepares without end keeps its latest texts, and no more than their limits', () => {
  const many = new PreparedTexts(unlimitedMemory());
  for (let i = 0; i < 2000; i++) many.set(`p${i}`, 'SELECT 1');
  const kept = Array.from({ length: 2000 }, (_, i) => i).filter((i) => many.get(`p${i}`) !== undefined);
  assert.deepEqual([kept[0], kept.length], [976, 1024]);

  const large = new PreparedTexts(unlimitedMemory());
  for (let i = 0; i < 10; i++) large.set(`p${i}`, 'x'.repeat(300_000));
  assert.deepEqual(
    Array.from({ length: 10 }, (_, i) => large.get(`p${i}`) !== undefined).map(Number),
    [0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
  );
  large.set('huge', 'x'.repeat(2_000_000));
  assert.equal(large.get('huge'), undefined);
  large.set('p', 'SELECT 1');
  assert.equal(large.get('p'), 'SELECT 1');
});

test('what the texts take is counted where their connection is', () => {
  const budget = new MemoryBudget(1_000_000);
  const texts = new PreparedTexts(new HeldMemory(budget));
  texts.set('A', 'SELECT 1');
  texts.set('a', 'SELECT 22');
  texts.set('b', 'SELECT 3');
  assert.equal(budget.bytes, 1 + 9 + 1 + 8);
  texts.delete('B');
  texts.clear();
  assert.equal(budget.bytes, 0);
  assert.equal(texts.get('a'), undefined);
});
