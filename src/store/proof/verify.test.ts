import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { StoreError } from '../errors.ts';
import { anyRecord, statement, TEST_TIME_US, withDirectory } from '../fixture.ts';
import { openStore } from '../store.ts';
import { verifyStore } from './verify.ts';

const SEGMENT_ROWS = 600;
/** Two sealed segments (records 1 to 600 and 601 to 1200) and an open one. */
const RECORDS = SEGMENT_ROWS * 2 + 300;

async function write(directory: string, first: number, count: number): Promise<void> {
  const store = await openStore(directory, { segmentRowsMax: SEGMENT_ROWS });
  const writer = store.writer('wait');
  for (let n = first; n < first + count; n++) writer.write(statement(n, { session: `s${n % 9}`, user: `u${n % 9}` }));
  await writer.close();
  await store.close();
}

function alter(directory: string, file: string, sql: string): void {
  const db = new Database(join(directory, file));
  db.exec(sql);
  db.close();
}

const SECOND = 'segments/000002.db';
const SWAP = `UPDATE record SET seq = -1 WHERE seq = 700; UPDATE record SET seq = 700 WHERE seq = 701;
  UPDATE record SET seq = 701 WHERE seq = -1`;
const INSERT_AFTER = `INSERT INTO record SELECT 1201, time_us, id, session_row, shape_row, verdict_row, duration_us,
  returned_rows, affected_rows, marks, error_code, end_user, body, check_sum FROM record WHERE seq = 1200`;

/** What somebody did to the second segment or the list, and what verify says of it. */
const TAMPERING: readonly (readonly [what: string, file: string, sql: string, says: RegExp])[] = [
  ['a changed time', SECOND, 'UPDATE record SET time_us = time_us + 1 WHERE seq = 812', /record 812 was changed/],
  ['a changed text', SECOND, "UPDATE record SET body = x'00' WHERE seq = 813", /record 813 was changed/],
  ['another id', SECOND, 'UPDATE record SET id = CAST(id AS TEXT) WHERE seq = 814', /record 814 was changed/],
  ['an added error', SECOND, "UPDATE record SET error_code = '' WHERE seq = 815", /record 815 was changed/],
  ['a lost duration', SECOND, 'UPDATE record SET returned_rows = NULL WHERE seq = 816', /record 816 was changed/],
  ['a text for a number', SECOND, "UPDATE record SET marks = '0,1' WHERE seq = 817", /record 817 was changed/],
  ['a changed check sum', SECOND, 'UPDATE record SET check_sum = 1 WHERE seq = 818', /record 818 was changed/],
  ['another user', SECOND, "UPDATE session SET user = 'eve' WHERE session_row = 3", /session.* records 601 to /],
  ['another statement', SECOND, "UPDATE shape SET reference = x'41'", /statement.* records 601 to /],
  ['a removed record', SECOND, 'DELETE FROM record WHERE seq = 900', /record 900 was removed/],
  ['removed last records', SECOND, 'DELETE FROM record WHERE seq > 1190', /records 1191 to 1200 were removed/],
  ['an inserted record', SECOND, INSERT_AFTER, /record 1201 was inserted/],
  ['an inserted session', SECOND, 'INSERT INTO session (user) VALUES (1)', /a session was inserted/],
  ['swapped records', SECOND, SWAP, /record 700 was reordered: it was written as record 701/],
  [
    'a cut chain',
    SECOND,
    'DELETE FROM record WHERE seq > 1112; DELETE FROM chain WHERE seq > 1112',
    /ends with record 1112, 1200 in the list/,
  ],
  [
    'a segment not listed',
    'catalog.db',
    'DELETE FROM segment WHERE number = 2',
    /000003\.db: the segment before it is missing/,
  ],
  ['a changed list', 'catalog.db', "UPDATE segment SET chain_after = x'00' WHERE number = 1", /000001\.db: ends with/],
];

describe('verify', () => {
  test('a store as written holds, also after restarts', async () => {
    await withDirectory(async (directory) => {
      await write(directory, 0, 500);
      await write(directory, 500, RECORDS - 500);
      const report = verifyStore(directory);
      assert.deepEqual(report.faults, []);
      assert.equal(report.records, RECORDS);
      assert.equal(report.segments, 3);
      assert.equal(report.timeMinUs, TEST_TIME_US);
      assert.equal(report.timeMaxUs, TEST_TIME_US + (RECORDS - 1) * 1000);
    });
  });

  test('any records hold', async () => {
    await withDirectory(async (directory) => {
      const store = await openStore(directory, { segmentRowsMax: SEGMENT_ROWS });
      const writer = store.writer('wait');
      for (const record of fc.sample(anyRecord, { seed: 9, numRuns: 700 })) writer.write(record);
      await writer.close();
      await store.close();
      const report = verifyStore(directory);
      assert.deepEqual(report.faults, []);
      assert.equal(report.records, store.counters().records);
    });
  });

  for (const [what, file, sql, says] of TAMPERING) {
    test(`sees ${what}`, async () => {
      await withDirectory(async (directory) => {
        await write(directory, 0, RECORDS);
        alter(directory, file, sql);
        const { faults } = verifyStore(directory);
        assert.match(faults[0] ?? 'no fault', says);
      });
    });
  }

  test('sees a missing file', async () => {
    await withDirectory(async (directory) => {
      await write(directory, 0, RECORDS);
      rmSync(join(directory, SECOND));
      assert.match(verifyStore(directory).faults[0] ?? '', /000002\.db: the file is missing/);
    });
  });

  test('sees a cut tail against an anchor, and only against one', async () => {
    await withDirectory(async (directory) => {
      await write(directory, 0, RECORDS - 100);
      await write(directory, RECORDS - 100, 50);
      const { anchor } = verifyStore(directory);
      assert.ok(anchor !== undefined);
      await write(directory, RECORDS - 50, 50);
      assert.deepEqual(verifyStore(directory, anchor).faults, []);
      const last = RECORDS - 100;
      alter(
        directory,
        'segments/000003.db',
        `DELETE FROM record WHERE seq > ${last}; DELETE FROM chain WHERE seq > ${last};
         DELETE FROM session WHERE session_row > 9; DELETE FROM shape WHERE shape_row > 1`,
      );
      assert.deepEqual(verifyStore(directory).faults, []);
      assert.match(verifyStore(directory, anchor).faults[0] ?? '', /^record 1450 of the anchor/);
      assert.throws(() => verifyStore(directory, 'nonsense'), StoreError);
    });
  });
});
