import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCsv } from './csv.ts';

const cases: readonly (readonly [string, readonly (readonly string[])[]])[] = [
  ['', []],
  [
    'a,b\nc,d\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [
    'a,b\r\nc,d',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [',\n', [['', '']]],
  ['a,', [['a', '']]],
  ['"a,b","c""d","e\nf"\n', [['a,b', 'c"d', 'e\nf']]],
  ['"",x\n', [['', 'x']]],
  ['"never closed', [['never closed']]],
];

for (const [text, rows] of cases) {
  test(`csv: ${JSON.stringify(text)}`, () => {
    assert.deepEqual([...parseCsv(text)], rows);
  });
}

test('csv: what is written quoted is read back', () => {
  const table = fc.array(fc.array(fc.string(), { minLength: 1 }));
  fc.assert(
    fc.property(table, (rows) => {
      const text = rows.map((row) => `${row.map((f) => `"${f.replaceAll('"', '""')}"`).join(',')}\n`).join('');
      assert.deepEqual([...parseCsv(text)], rows);
    }),
    { seed: 42, numRuns: 300 },
  );
});
