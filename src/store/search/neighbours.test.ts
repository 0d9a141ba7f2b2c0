import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statement, TEST_TIME_US, withDirectory } from '../fixture.ts';
import { StoreReader } from '../reader.ts';
import { openStore } from '../store.ts';
import { type NeighbourOptions, type Node, neighbours } from './neighbours.ts';

/** User, client, server, object, and how many records. */
const SPOKE = [
  ['alice', '10.0.0.1', '10.1.0.1', 'orders', 3],
  ['alice', '10.0.0.2', '10.1.0.1', 'cards', 2],
  ['bob', '10.0.0.2', '10.1.0.1', 'cards', 4],
  ['carol', '10.0.0.3', '10.1.0.2', 'cards', 1],
  ['dave', '10.0.0.3', '10.1.0.2', 'wages', 5],
  ['eve', '10.0.0.9', '10.1.0.9', 'nothing', 1],
] as const;

test('neighbours of each order, nearest first, with what they have in common', async () => {
  await withDirectory(async (directory) => {
    const store = await openStore(directory, { segmentRowsMax: 5 });
    const writer = store.writer('wait');
    let n = 0;
    for (const [user, clientAddress, serverAddress, object, records] of SPOKE) {
      for (let i = 0; i < records; i++) {
        writer.write(statement(n++, { user, clientAddress, serverAddress, objects: [object], fingerprint: object }));
      }
    }
    await writer.close();
    await store.close();
    const reader = new StoreReader(directory);
    const found = (start: Node, options: Partial<NeighbourOptions>) =>
      neighbours(reader, {}, start, { orders: 1, nodesMax: 100, ...options });
    const alice = { kind: 'user', value: 'alice' } as const;
    const first = found(alice, {});
    assert.equal(first.complete, true);
    assert.deepEqual(
      first.neighbours.map(({ kind, value, records, order }) => [kind, value, records, order]),
      [
        ['server', '10.1.0.1', 5, 1],
        ['client', '10.0.0.1', 3, 1],
        ['object', 'orders', 3, 1],
        ['client', '10.0.0.2', 2, 1],
        ['object', 'cards', 2, 1],
      ],
    );
    assert.equal(first.neighbours[0]?.firstUs, TEST_TIME_US);
    assert.equal(first.neighbours[0]?.lastUs, TEST_TIME_US + 4000);
    const values = (start: Node, options: Partial<NeighbourOptions>, order: number): string[] =>
      found(start, options)
        .neighbours.filter((each) => each.order === order)
        .map(({ value }) => value);
    assert.deepEqual(values(alice, { orders: 2 }, 2).sort(), ['10.0.0.3', '10.1.0.2', 'bob', 'carol']);
    assert.deepEqual(values(alice, { orders: 3 }, 3).sort(), ['dave', 'wages']);
    assert.deepEqual(values(alice, { orders: 9 }, 4), []);
    // Through clients alone, carol, who shares only a table with alice, is not found.
    assert.deepEqual(values(alice, { orders: 3, via: ['client'] }, 2), ['bob']);
    const bob = found(alice, { orders: 2 }).neighbours.find(({ value }) => value === 'bob');
    assert.equal(bob?.via.kind, 'client');
    assert.equal(bob?.via.value, '10.0.0.2');
    const cut = found(alice, { nodesMax: 2 });
    assert.equal(cut.complete, false);
    assert.equal(cut.neighbours.length, 2);
    assert.deepEqual(found({ kind: 'user', value: 'nobody' }, { orders: 3 }).neighbours, []);
    reader.close();
  });
});
