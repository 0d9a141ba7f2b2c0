/** Pinned records: each person's own, of records that they may see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PINS_MAX, type Pins } from '#src/console/api/pins.js';
import type { Records } from '#src/console/api/records.js';
import { API, type Asker, askerWith, someRecords, type TestConsole, withConsole } from './console.js';

const idOf = (n: number): string => n.toString(16).padStart(32, '0');

async function listed(asker: Asker): Promise<readonly string[]> {
  const { pins } = (await asker.get('/pins')).json() as Pins;
  return pins.map(({ row }) => row.id);
}

function change(asker: Asker, method: 'PUT' | 'DELETE', id: string): Promise<{ statusCode: number; body: string }> {
  return asker.send({ method, url: `${API}/pins/${id}` });
}

function asRole(console: TestConsole, role: 'viewer' | 'auditor'): Asker {
  return askerWith(console.server, { cookie: console.cookies[role] });
}

test('pins are one’s own, kept in the order in which they were made, once each', () =>
  withConsole(someRecords(30), async (console) => {
    const [viewer, auditor] = [asRole(console, 'viewer'), asRole(console, 'auditor')];
    for (const n of [3, 7, 3]) assert.equal((await change(viewer, 'PUT', idOf(n))).statusCode, 200);
    assert.deepEqual(new Set(await listed(viewer)), new Set([idOf(3), idOf(7)]));
    assert.deepEqual(await listed(auditor), []);
    assert.equal((await change(viewer, 'PUT', idOf(999))).statusCode, 404);
    await change(auditor, 'PUT', idOf(5));
    await change(auditor, 'DELETE', idOf(3));
    assert.equal((await listed(viewer)).length, 2, 'another one’s pins stay');
    assert.deepEqual((JSON.parse((await change(viewer, 'DELETE', idOf(3))).body) as Pins).pins.length, 1);
    assert.deepEqual(await listed(viewer), [idOf(7)]);
    // As viewers see statements, whoever asks.
    const [shown] = ((await auditor.get('/pins')).json() as Pins).pins;
    const [row] = ((await viewer.get(`/records?q=id:${idOf(5)}`)).json() as Records).rows;
    assert.deepEqual(shown?.row, row);
  }));

test('a pin of a record that may not be seen any more is counted, not shown', () =>
  withConsole(someRecords(30), async (console) => {
    const limited = await console.person('limited', 'viewer', ['shop']);
    await change(limited, 'PUT', idOf(3));
    const payload = { databases: ['other'] };
    const moved = await console.as('administrator', { method: 'PATCH', url: `${API}/people/limited`, payload });
    assert.equal(moved.statusCode, 200, moved.body);
    assert.deepEqual((await limited.get('/pins')).json(), { pins: [], gone: 1 });
    assert.equal((await change(limited, 'PUT', idOf(4))).statusCode, 404);
    assert.deepEqual((await limited.send({ method: 'DELETE', url: `${API}/pins` })).json(), { pins: [], gone: 0 });
  }));

test('nobody pins without end', () =>
  withConsole(someRecords(PINS_MAX + 1), async (console) => {
    const viewer = asRole(console, 'viewer');
    for (let n = 1; n <= PINS_MAX; n++) await change(viewer, 'PUT', idOf(n));
    assert.equal((await change(viewer, 'PUT', idOf(PINS_MAX + 1))).statusCode, 422);
    assert.equal((await listed(viewer)).length, PINS_MAX);
  }));
