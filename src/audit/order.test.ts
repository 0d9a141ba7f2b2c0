import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditRecord } from '../contracts/record.ts';
import { compareOrdered, type Ordered, PacketOrder } from './order.ts';

function record(session: string, ordinal: number, timeUs: number): AuditRecord {
  return Object.assign(new AuditRecord(), { id: `${session}${ordinal}`, session, timeUs });
}

function sorted(records: readonly AuditRecord[]): string[] {
  const order = new PacketOrder();
  const keyed: Ordered[] = records.map((one) => ({ record: one, orderUs: order.keyUs(one, 7) }));
  return keyed.sort(compareOrdered).map((one) => one.record.id);
}

const said = [record('a', 1, 50), record('a', 2, 20), record('a', 3, 60), record('b', 1, 55), record('b', 2, 10)];

test('a session keeps its own order, also where its times go back', () => {
  assert.deepEqual(sorted(said), ['a1', 'a2', 'b1', 'b2', 'a3']);
});

test('the order does not depend on how sessions were shared out', () => {
  const [a1, a2, a3, b1, b2] = said as [AuditRecord, AuditRecord, AuditRecord, AuditRecord, AuditRecord];
  assert.deepEqual(sorted([b1, a1, b2, a2, a3]), sorted(said));
  assert.deepEqual(sorted([b1, b2, a1, a2, a3]), sorted(said));
});

test('another packet starts afresh', () => {
  const order = new PacketOrder();
  assert.equal(order.keyUs(record('a', 1, 50), 1), 50);
  assert.equal(order.keyUs(record('a', 2, 20), 1), 50);
  assert.equal(order.keyUs(record('a', 3, 20), 2), 20);
});
