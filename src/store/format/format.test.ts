import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { statement } from '../fixture.ts';
import { CSV_COLUMNS, csvCells, csvLine } from './csv.ts';
import { RECORD_COLUMNS, recordCells, tableLines } from './table.ts';

/** A reader of RFC 4180, to check the writer with. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text);
    assert.ok(found !== null, `not CSV: ${JSON.stringify(text)}`);
    rows.at(-1)?.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
    if (found[3] === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

describe('CSV', () => {
  test('any text comes back, formulas as text', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', '"', ',', '\r', '\n', '=', '-', ' ', 'ä') });
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 4 }), (cells) => {
        const [row] = parseCsv(csvLine(cells));
        assert.deepEqual(
          row,
          cells.map((cell) => (/^[=\-\r]/.test(cell) ? `'${cell}` : cell)),
        );
      }),
      { seed: 42, numRuns: 1000 },
    );
  });

  test('numbers are numbers, lists are JSON, the header names the public keys', () => {
    assert.equal(csvLine([-5, ['a', 'b'], undefined, '=1+1', true]), '-5,"[""a"",""b""]",,\'=1+1,true\r\n');
    assert.ok(csvLine(CSV_COLUMNS).startsWith('audit.id,audit.kind,time,'));
    const [cells] = parseCsv(csvLine(csvCells({ 'user.name': 'al,ice', time: '2026' })));
    assert.equal(cells?.length, CSV_COLUMNS.length);
    assert.equal(cells?.[CSV_COLUMNS.indexOf('user.name')], 'al,ice');
  });
});

describe('tables', () => {
  const rows = [
    statement(1, { text: `SELECT\n\t1, \u001b[31m${'x'.repeat(300)}` }),
    statement(2, { user: 'bob', effectiveUser: 'root', durationUs: 1500, returnedRows: 123 }),
    statement(3, { policy: [{ rule: 'ddl', severity: 'high', action: 'alert' }] }),
  ].map(recordCells);

  test('fit the width, line up, and contain no control characters', () => {
    const lines = tableLines(RECORD_COLUMNS, rows, 160);
    assert.equal(lines.length, 4);
    for (const line of lines) {
      assert.ok(line.length <= 160);
      assert.doesNotMatch(line, /\p{Cc}/u);
    }
    const column = lines[0]?.indexOf('STATEMENT') ?? -1;
    assert.match(lines[1] ?? '', /SELECT 1, \[31mx+…$/);
    assert.equal(lines[2]?.lastIndexOf('SELECT'), column);
    assert.match(lines[2] ?? '', /bob→root .* 123 +1\.5 /);
    assert.match(lines[3] ?? '', /high: ddl/);
  });

  test('keep a readable last column on a narrow terminal', () => {
    for (const line of tableLines(RECORD_COLUMNS, rows, 10, false)) assert.ok(line.length > 20);
  });
});
