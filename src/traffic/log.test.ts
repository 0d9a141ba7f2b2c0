import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { UserError } from '../base/errors.ts';
import {
  type Heartbeat,
  STATE_CONNECTED,
  STATUS_BYTES,
  STATUS_CLIENT,
  STATUS_FIRST_US,
  STATUS_FLAG_FIRST,
  STATUS_FLAGS,
  STATUS_LAST_US,
  STATUS_PAYLOAD,
  STATUS_PORTS,
  STATUS_SERVER,
  STATUS_SESSION_US,
  STATUS_STATE,
  STATUS_VLAN,
  STATUS_WORDS,
} from '../contracts/traffic.ts';
import { type FlowTotal, FlowTotals, parseKeys } from './aggregate.ts';
import { FLOWS_FOLDER, TrafficLog } from './log.ts';
import { checkPattern, partitionPath } from './partition.ts';
import { TrafficReader } from './reader.ts';
import type { FlowStatus } from './schema.ts';

const DAY_US = 86_400e6;
/** 2023-11-14T00:00:00Z */
const START_US = 1_699_920_000e6;
const EVERYTHING = { fromUs: 0, toUs: START_US + 1000 * DAY_US };

let store = '';
beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'wiretrail-log-'));
});
afterEach(() => rmSync(store, { recursive: true, force: true }));

const IPV4_CLIENT = [0, 0, 0xffff, 0x0a00_0001];
const IPV6_CLIENT = [0x2001_0db8, 0, 0, 1];

/** One status record of a second. */
function row(startUs: number, client: readonly number[], bytes: number): Float64Array {
  const words = new Float64Array(STATUS_WORDS);
  words.set(client, STATUS_CLIENT);
  words.set(IPV4_CLIENT, STATUS_SERVER);
  words[STATUS_FIRST_US] = startUs;
  words[STATUS_LAST_US] = startUs + 1e6;
  words[STATUS_SESSION_US] = startUs;
  words[STATUS_PORTS] = 40_000;
  words[STATUS_PORTS + 1] = 5432;
  words[STATUS_BYTES] = bytes;
  words[STATUS_PAYLOAD + 1] = bytes;
  words[STATUS_STATE] = STATE_CONNECTED;
  words[STATUS_FLAGS] = STATUS_FLAG_FIRST;
  words[STATUS_VLAN] = -1;
  return words;
}

function beat(toUs: number): Heartbeat {
  const counts = { packets: 1, bytes: 60, payloadBytes: [0, 0, 0, 0], gapBytes: 0, unparsedBytes: 0, kernelDrops: 0 };
  const flows = { ringFreezes: 0, evictedFlows: 0, connections: 0, cutSessions: 0, clockJumps: 0, activeFlows: 0 };
  const cut = { cutPackets: 0, cutBytes: 0, cutFiles: 0 };
  return { fromUs: toUs - 60e6, toUs, droppedRecords: 0, ...counts, ...cut, ...flows };
}

function written(statuses: readonly Float64Array[], options: { readonly retainDays?: number } = {}): TrafficLog {
  const log = new TrafficLog(store, { sensor: 's1', ...options });
  for (const status of statuses) log.write(status, 1, ['eth0']);
  return log;
}

function read(): FlowStatus[] {
  const reader = new TrafficReader(store);
  try {
    assert.deepEqual(reader.problems, []);
    return [...reader.statuses(EVERYTHING)];
  } finally {
    reader.close();
  }
}

test('counts beyond 32 bits and addresses of both families come back as they were', () => {
  const bytes = 2 ** 40 + 1;
  written([row(START_US, IPV4_CLIENT, bytes), row(START_US + 5e6, IPV6_CLIENT, bytes)]).close();
  const found = read();
  assert.deepEqual(
    found.map(({ client, server }) => [client.address, client.bytes, server.payload]),
    [
      ['10.0.0.1', bytes, bytes],
      ['2001:db8::1', bytes, bytes],
    ],
  );
  const totals = new FlowTotals(parseKeys('client/24'), () => '');
  for (const status of found) totals.add(status);
  const byKey = totals.inOrder().map(({ key, clientBytes }: FlowTotal) => [key[0], clientBytes]);
  assert.deepEqual(byKey, [
    ['10.0.0.0/24', bytes],
    ['2001:d00::/24', bytes],
  ]);
});

describe('retention', () => {
  const dayFile = (day: number): string =>
    join(store, FLOWS_FOLDER, partitionPath('%Y-%m-%d', START_US + day * DAY_US));

  test('drops partitions whose last record is too old', () => {
    written([row(START_US, IPV4_CLIENT, 1), row(START_US + DAY_US, IPV4_CLIENT, 1)]).close();
    const log = written([row(START_US + 3 * DAY_US, IPV4_CLIENT, 1)], { retainDays: 2 });
    log.heartbeat(beat(START_US + 3 * DAY_US));
    assert.deepEqual(
      [0, 1, 3].map((day) => existsSync(dayFile(day))),
      [false, true, true],
    );
    log.heartbeat(beat(START_US + 4 * DAY_US));
    assert.equal(existsSync(dayFile(1)), false);
    assert.equal(log.failure, undefined);
    log.close();
  });

  test('a file that cannot be read stays, and stops nothing', () => {
    mkdirSync(join(store, FLOWS_FOLDER), { recursive: true });
    const broken = join(store, FLOWS_FOLDER, 'broken.flows.db');
    writeFileSync(broken, 'this is no database, it only says so'.repeat(100));
    const log = written([row(START_US, IPV4_CLIENT, 1)], { retainDays: 1 });
    for (const day of [0, 1, 2]) log.heartbeat(beat(START_US + day * DAY_US));
    log.write(row(START_US + 2 * DAY_US, IPV4_CLIENT, 1), 1, ['eth0']);
    assert.equal(log.failure, undefined);
    assert.equal(log.dropped, 0);
    assert.ok(existsSync(broken));
    log.close();
  });
});

test('a partition without records is no beginning of time', () => {
  const log = new TrafficLog(store, { sensor: 's1' });
  log.heartbeat(beat(START_US));
  log.close();
  const file = join(store, FLOWS_FOLDER, partitionPath('%Y-%m-%d', START_US - 60e6));
  const db = new Database(file);
  db.exec('DELETE FROM heartbeat');
  db.close();
  const reader = new TrafficReader(store);
  assert.equal(reader.span(), undefined);
  assert.deepEqual(reader.problems, []);
  reader.close();
});

test('a closed partition is one plain file; an open one may be read all the same', () => {
  const log = written([row(START_US, IPV4_CLIENT, 1)]);
  const folder = join(store, FLOWS_FOLDER);
  assert.ok(readdirSync(folder).length > 1);
  assert.equal(read().length, 1);
  log.close();
  assert.deepEqual(readdirSync(folder), ['2023-11-14.flows.db']);
  assert.equal(read().length, 1);
  // And may be written again.
  written([row(START_US + 10e6, IPV4_CLIENT, 1)]).close();
  assert.equal(read().length, 2);
});

test('the span reaches from the first record to behind the last', () => {
  written([row(START_US, IPV4_CLIENT, 1), row(START_US + 10e6, IPV6_CLIENT, 1)]).close();
  const reader = new TrafficReader(store);
  assert.deepEqual(reader.span(), { fromUs: START_US, toUs: START_US + 11e6 + 1 });
  reader.close();
});

test('a partition of another version is neither written nor read', () => {
  written([row(START_US, IPV4_CLIENT, 1)]).close();
  const file = join(store, FLOWS_FOLDER, partitionPath('%Y-%m-%d', START_US));
  const db = new Database(file);
  db.pragma('user_version = 99');
  db.close();
  const log = written([row(START_US + 10e6, IPV4_CLIENT, 1)]);
  assert.match(log.failure ?? '', /of version 99/);
  assert.equal(log.dropped, 1);
  log.close();
  const reader = new TrafficReader(store);
  assert.match(reader.problems[0] ?? '', /another version/);
  reader.close();
});

test('connections are counted once, however many records they have', () => {
  written([row(START_US, IPV4_CLIENT, 1), row(START_US + 5e6, IPV4_CLIENT, 1)]).close();
  const [first, second] = read() as [FlowStatus, FlowStatus];
  const later = { ...first, startUs: first.startUs + 5e6, first: false };
  for (const [keys, expected] of [
    ['all', [2]],
    ['port', [2]],
    ['session', [1, 1]],
  ] as const) {
    const totals = new FlowTotals(parseKeys(keys), () => '');
    for (const status of [first, later, second]) totals.add(status);
    assert.deepEqual(
      totals.ranked().map(({ connections }) => connections),
      expected,
      keys,
    );
  }
});

describe('names of partitions', () => {
  test('at the edges of the year', () => {
    const us = (text: string): number => Date.parse(text) * 1000;
    assert.equal(partitionPath('%Y/%j', us('2024-12-31T23:59:59.999Z')), '2024/366.flows.db');
    assert.equal(partitionPath('%Y/%j', us('2025-01-01T00:00:00Z')), '2025/001.flows.db');
    assert.equal(partitionPath('%Y-%m-%d.%H%M', us('2024-02-29T07:05:09Z')), '2024-02-29.0705.flows.db');
  });

  test('stay inside the folder, and use fields that are known', () => {
    for (const good of ['%Y-%m-%d', '%Y/%m/%d/%H', 'flows-%j', 'a..b%d']) checkPattern(good);
    for (const wrong of ['/%d', '../%d', '%d/..', '%d/./x', '%s', '%', '%%', 'a b', '%Y\n', '%d\u0000'])
      assert.throws(() => checkPattern(wrong), UserError, wrong);
  });
});
