import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AuditRecord } from '../contracts/record.ts';
import { ShardMerge } from './merge.ts';
import type { ShardNotice, ShardRecord } from './shard-messages.ts';

function recordAt(position: number, timeUs: number, id: string): ShardRecord {
  const record = Object.assign(new AuditRecord(), { timeUs, id });
  return {
    position,
    orderUs: timeUs,
    record,
    deferred: false,
    statement: undefined,
    ticket: 0,
    shard: 0,
    target: undefined,
  };
}

function notice(position: number, key: string): ShardNotice {
  return { position, notice: { kind: 'speaker', key, session: 's', isNew: true, identity: undefined } };
}

function rig(shards: number): { merge: ShardMerge; out: string[]; taken: number[] } {
  const out: string[] = [];
  const taken = Array<number>(shards).fill(0);
  const merge = new ShardMerge(
    shards,
    ({ record }) => out.push(record.id),
    (shard) => {
      taken[shard] = (taken[shard] ?? 0) + 1;
    },
    (heard) => out.push(heard.kind === 'speaker' ? heard.key : heard.own),
  );
  return { merge, out, taken };
}

test('a record waits until every other shard is past its packet', () => {
  const { merge, out, taken } = rig(2);
  merge.add(0, 10, [recordAt(5, 1, 'a'), recordAt(9, 1, 'c')]);
  assert.deepEqual(out, []);
  merge.add(1, 7, [recordAt(6, 1, 'b')]);
  assert.deepEqual(out, ['a', 'b']);
  assert.deepEqual(taken, [0, 1]);
  merge.add(1, Number.POSITIVE_INFINITY, []);
  assert.deepEqual(out, ['a', 'b', 'c']);
  assert.deepEqual(taken, [1, 2]);
});

test('a record that means a session comes behind the notices of all packets up to its own, and of no later one', () => {
  const { merge, out } = rig(2);
  merge.add(0, 10, [{ ...recordAt(6, 1, 'cancel'), target: 'k' }], [notice(2, 'n2'), notice(8, 'n8')]);
  merge.add(1, 7, [], [notice(4, 'n4'), notice(7, 'n7')]);
  assert.deepEqual(out, ['n2', 'n4', 'cancel', 'n7']);
  merge.add(1, Number.POSITIVE_INFINITY, []);
  assert.deepEqual(out, ['n2', 'n4', 'cancel', 'n7', 'n8']);
});

test('records of one packet come by time, then id', () => {
  const { merge, out } = rig(2);
  merge.add(0, 4, [recordAt(4, 2, 'x'), recordAt(4, 3, 'a')]);
  merge.add(1, 4, [recordAt(4, 1, 'z'), recordAt(4, 3, 'b')]);
  assert.deepEqual(out, ['z', 'x', 'a', 'b']);
});

test('however shards cut and send their records, the order is one, and every message is taken', () => {
  const record = fc.record({ position: fc.nat(20), timeUs: fc.nat(3), shard: fc.nat(2) });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 40 }), fc.infiniteStream(fc.nat(2)), (specs, turns) => {
      const all = specs.map(({ position, timeUs, shard }, i) => ({
        shard,
        item: recordAt(position, timeUs, String(i).padStart(3, '0')),
      }));
      const order = (a: ShardRecord, b: ShardRecord): number =>
        a.position - b.position || a.record.timeUs - b.record.timeUs || (a.record.id < b.record.id ? -1 : 1);
      const expected = all.map(({ item }) => item).sort(order);
      const { merge, out, taken } = rig(3);
      const sent = [0, 0, 0];
      const at = [0, 0, 0];
      const send = (shard: number, to: number): void => {
        const part = all.filter((r) => r.shard === shard && r.item.position > (at[shard] ?? 0) - 1);
        const items = part.map(({ item }) => item).filter((item) => item.position < to);
        merge.add(shard, to - 1, items.sort(order));
        at[shard] = to;
        sent[shard] = (sent[shard] ?? 0) + 1;
      };
      for (const shard of turns.take(12)) send(shard, (at[shard] ?? 0) + 4);
      for (const shard of [0, 1, 2]) send(shard, Number.POSITIVE_INFINITY);
      assert.deepEqual(
        out,
        expected.map(({ record: { id } }) => id),
      );
      assert.deepEqual(taken, sent);
    }),
    { seed: 42, numRuns: 200 },
  );
});
