import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diffLines } from './diff.ts';

const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 20 }).map((lines) => lines.join('\n'));

test('hunks, put into the old text, give the new one', () => {
  fc.assert(
    fc.property(text, text, (from, to) => {
      const result = from.split('\n');
      for (const { fromLine, lines } of diffLines(from, to).reverse()) {
        const removed = lines.filter(({ sign }) => sign !== '+');
        const added = lines.filter(({ sign }) => sign !== '-');
        const old = result.splice(fromLine - 1, removed.length, ...added.map((line) => line.text));
        assert.deepEqual(
          old,
          removed.map((line) => line.text),
        );
      }
      assert.equal(result.join('\n'), to);
    }),
    { seed: 42, numRuns: 2000 },
  );
});

test('the script is the shortest, and equal texts differ in nothing', () => {
  assert.deepEqual(diffLines('a\nb', 'a\nb'), []);
  const changed = diffLines('a\nb\nc\nd', 'a\nc\nd\ne').flatMap(({ lines }) => lines);
  assert.deepEqual(
    changed.filter(({ sign }) => sign !== ' ').map(({ sign, text: line }) => sign + line),
    ['-b', '+e'],
  );
});

test('very different texts are shown as removed and added, in time', () => {
  const lines = (prefix: string): string => Array.from({ length: 20_000 }, (_, i) => `${prefix}${i}`).join('\n');
  const [hunk] = diffLines(lines('a'), lines('b'));
  assert.equal(hunk?.lines.length, 40_000);
});
