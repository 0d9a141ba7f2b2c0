/** The coloured text is the text: nothing lost, nothing doubled, whatever ranges the server names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Span } from '#src/console/api/records.js';
import { pieces } from './sql.tsx';

test('pieces join to the text for any spans and marks', () => {
  const range = fc.record({ start: fc.nat(40), end: fc.nat(60) });
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), fc.array(range), fc.array(range), (text, spans, marks) => {
      const tokens: Span[] = spans.map((span) => ({ ...span, kind: 'name' }));
      const found = pieces(text, tokens, marks);
      assert.equal(found.map((piece) => piece.text).join(''), text);
    }),
    { seed: 20_261_122, numRuns: 1000 },
  );
});

test('a mark within a token keeps the colour of the token', () => {
  const found = pieces('DROP TABLE t', [{ kind: 'keyword', start: 0, end: 4 }], [{ start: 2, end: 7 }]);
  assert.deepEqual(found, [
    { text: 'DR', kind: 't-keyword', marked: false },
    { text: 'OP', kind: 't-keyword', marked: true },
    { text: ' TA', kind: '', marked: true },
    { text: 'BLE t', kind: '', marked: false },
  ]);
});
