import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuditRecord } from '../../contracts/record.ts';
import { statement } from '../fixture.ts';
import { cursorOver } from '../segment/bytes.ts';
import { BatchEncoder, BatchRow, BatchTables, readBatch } from './batch.ts';
import { readSession } from './codec.ts';

const BATCH_RECORDS = 1000;

/** Encodes statements of sessions `0 … sessions - 1`, one each, and gives what the reader makes of the batches. */
function passOver(sessions: number, discardAt = -1): { sessions: string[]; entriesMax: number } {
  const encoder = new BatchEncoder(65_536);
  const tables = new BatchTables<number>();
  const row = new BatchRow();
  const scratch = new AuditRecord();
  const read: string[] = [];
  let entriesMax = 0;
  for (let n = 0; n < sessions; n++) {
    encoder.add(statement(n, { session: `s${n}` }));
    if (encoder.records < BATCH_RECORDS && n !== discardAt) continue;
    if (n === discardAt) {
      encoder.discard();
      continue;
    }
    const batch = Buffer.from(encoder.take());
    readBatch(batch, row, {
      onEntry: (tag, start, end) => tables.add(tag, batch.subarray(start, end)),
      onRecord: ({ session }) => {
        const entry = tables.sessions[session];
        assert.ok(entry !== undefined);
        readSession(cursorOver(entry.bytes), scratch);
        read.push(scratch.session ?? '');
      },
    });
    entriesMax = Math.max(entriesMax, tables.sessions.length);
  }
  return { sessions: read, entriesMax };
}

describe('batches', () => {
  test('number sessions anew before a reader has to keep too many', () => {
    const count = 140_000;
    const { sessions, entriesMax } = passOver(count);
    assert.deepEqual(
      sessions,
      Array.from({ length: count }, (_, n) => `s${n}`),
    );
    assert.ok(entriesMax < 65_536 + BATCH_RECORDS, `${entriesMax} entries kept`);
  });

  test('a batch thrown away leaves the following ones readable', () => {
    const { sessions } = passOver(4500, 1500);
    assert.equal(sessions[0], 's0');
    assert.equal(sessions[1000], 's1501');
    assert.equal(sessions.length, 3000);
  });
});
