import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { StoreError } from '../errors.ts';
import { withDirectory } from '../fixture.ts';
import { ROW_COLUMNS, type SegmentTable, type SqlCell, SqliteRows } from './row-source.ts';
import { APPLICATION_ID, SCHEMA_VERSION, SEGMENT_SQL } from './schema.ts';
import { TableFile } from './table-file.ts';

const TABLES = Object.keys(ROW_COLUMNS) as SegmentTable[];
const WRITTEN: readonly SegmentTable[] = ['record', 'meta', 'shape'];
type Rows = readonly (readonly [row: number, cells: readonly SqlCell[]])[];

const integer = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -300, max: 300 }), fc.integer({ min: -9e6, max: 9e6 }));
const cell: fc.Arbitrary<SqlCell> = fc.oneof(
  fc.constant(null),
  integer,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  // Longer than a page, so that they lie in chains of pages.
  fc.integer({ min: 400, max: 5000 }).map((length) => Buffer.alloc(length, length & 0xff)),
  fc.integer({ min: 400, max: 1500 }).map((length) => 'é'.repeat(length)),
);
const rowNumber = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.maxSafeNat());

/** A file with rows of `record` and one of `meta`; nothing is in `shape`. Small pages make deep trees. */
function writeFile(path: string, pageBytes: number, rows: Rows, more = ''): void {
  const db = new Database(path);
  db.pragma(`page_size = ${pageBytes}`);
  for (const table of WRITTEN) {
    const [key = '', ...others] = ROW_COLUMNS[table];
    db.exec(`CREATE TABLE ${table} (${key} INTEGER PRIMARY KEY, ${others.join(', ')}, more)`);
  }
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; ${more}`);
  const marks = ROW_COLUMNS.record.map(() => '?').join(', ');
  const insert = db.prepare(`INSERT OR REPLACE INTO record VALUES (${marks}, 'not read')`);
  db.transaction(() => {
    for (const [row, cells] of rows) insert.run(row, ...ROW_COLUMNS.record.slice(1).map((_, i) => cells[i] ?? null));
    db.exec('INSERT INTO meta (number, rows) VALUES (1, 7)');
  })();
  db.close();
}

test('rows read without SQLite are those that it reads, of any type and length, in trees of any depth', async () => {
  await withDirectory((directory) => {
    let files = 0;
    const rows = fc.array(fc.tuple(rowNumber, fc.array(cell, { maxLength: 12 })), { maxLength: 150 });
    fc.assert(
      fc.property(fc.constantFrom(1024, 8192, 65_536), rows, fc.array(rowNumber), (pageBytes, written, others) => {
        const path = join(directory, `${files++}.db`);
        writeFile(path, pageBytes, written);
        const sqlite = new SqliteRows(new Database(path, { readonly: true }));
        const file = TableFile.open(path);
        assert.ok(file !== undefined);
        for (const row of [...written.map(([number]) => number), ...others, 0, -1]) {
          const [, ...wanted] = sqlite.get('record', row) ?? [];
          const [, ...found] = file.get('record', row) ?? [];
          assert.deepEqual(found, wanted);
          assert.deepEqual(file.get('record', row, 3)?.slice(1), sqlite.get('record', row, 3)?.slice(1));
        }
        assert.equal(file.get('meta', 1)?.[1], 7);
        assert.equal(file.get('shape', 1), undefined);
        file.close();
        sqlite.close();
      }),
      { seed: 3, numRuns: 60 },
    );
  });
});

test('rows have thousands of neighbours', async () => {
  await withDirectory((directory) => {
    const path = join(directory, 'x.db');
    const rows: Rows = Array.from({ length: 25_000 }, (_, i) => [1000 + i * 3, [i, `text ${i}`]]);
    writeFile(path, 1024, rows);
    const file = TableFile.open(path);
    for (let row = 998; row < 76_003; row += 1 + (row % 3)) {
      const i = (row - 1000) / 3;
      const isThere = Number.isInteger(i) && i >= 0 && i < 25_000;
      assert.deepEqual(file?.get('record', row, 3)?.slice(1), isThere ? [i, `text ${i}`] : undefined);
    }
    file?.close();
  });
});

test('rows are left to SQLite where the file is another, has a log, or is being changed', async () => {
  await withDirectory((directory) => {
    const path = join(directory, 'x.db');
    const open = (): boolean => {
      const file = TableFile.open(path);
      file?.close();
      return file !== undefined;
    };
    writeFile(path, 1024, []);
    assert.equal(open(), true);
    writeFileSync(`${path}-journal`, '');
    assert.equal(open(), false);
    for (const [name, more] of [
      ['log', 'PRAGMA journal_mode = WAL'],
      ['version', 'PRAGMA user_version = 99'],
      ['application', 'PRAGMA application_id = 99'],
    ]) {
      writeFile(join(directory, `${name}.db`), 1024, [], more);
      const file = TableFile.open(join(directory, `${name}.db`));
      file?.close();
      assert.equal(file, undefined, name);
    }
    writeFileSync(join(directory, 'short.db'), 'SQLite format 3\0');
    assert.equal(TableFile.open(join(directory, 'short.db')), undefined);
  });
});

test('rows of altered or cut files are others, none, or an error, but never an endless walk', async () => {
  await withDirectory((directory) => {
    const path = join(directory, 'x.db');
    const rows: Rows = Array.from({ length: 300 }, (_, i) => [i + 1, [i * 1000, 'x'.repeat(i), Buffer.alloc(i * 9)]]);
    writeFile(path, 1024, rows);
    const good = readFileSync(path);
    const bad = join(directory, 'bad.db');
    const change = fc.record({ at: fc.nat(good.length - 1), byte: fc.integer({ min: 1, max: 255 }) });
    const changes = fc.array(change, { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(changes, fc.integer({ min: 100, max: good.length }), (altered, length) => {
        const bytes = Buffer.from(good);
        for (const { at, byte } of altered) bytes[at] = (bytes[at] ?? 0) ^ byte;
        writeFileSync(bad, bytes.subarray(0, length));
        const file = TableFile.open(bad);
        for (let row = 1; row <= 300 && file !== undefined; row += 7) {
          try {
            file.get('record', row);
          } catch (error) {
            assert.ok(error instanceof StoreError && error.code === 'damaged', String(error));
          }
        }
        file?.close();
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});

test('the columns are those of the tables', () => {
  const db = new Database(':memory:');
  db.exec(SEGMENT_SQL);
  for (const table of TABLES) {
    const names = (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
    assert.deepEqual(ROW_COLUMNS[table], names.slice(0, ROW_COLUMNS[table].length));
  }
  db.close();
});
