import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditRecord, type RecordField } from '../contracts/record.ts';
import { RecordPool } from './record-pool.ts';

test('a record that was given back is as a new one, whatever was in it', () => {
  const pool = new RecordPool(true);
  const record = pool.take();
  for (const field of Object.keys(record) as RecordField[]) Object.assign(record, { [field]: 'used' });
  pool.giveBack(record);
  const again = pool.take();
  assert.equal(again, record);
  assert.deepEqual(again, new AuditRecord());
});

test('records that somebody keeps are never used again', () => {
  const pool = new RecordPool(false);
  const record = pool.take();
  pool.giveBack(record);
  assert.notEqual(pool.take(), record);
});
