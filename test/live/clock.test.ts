/** The sensor as a user runs it, while somebody sets the system clock: all that was seen stays in the statement of completeness. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestNet } from '#src/capture/live/net-test-support.js';
import { Conversation } from '#src/capture/synthetic.js';
import { parseFilter } from '#src/query/language.js';
import { StoreReader } from '#src/store/reader.js';
import { TrafficReader } from '#src/traffic/reader.js';
import type { SensorHeartbeat } from '#src/traffic/schema.js';
import { Service, waitUntil } from '../support/process.ts';

const PROGRAM: string = join(import.meta.dirname, '../../main.js');
const TIMEOUT_MS = 30_000;
const BACK_MS = 7_200_000;

/** Preloaded: the clock goes back once the file `flag` exists. */
function clockOf(flag: string): string {
  return `const { existsSync } = require('node:fs');
const now = Date.now;
let isSet = false;
Date.now = () => {
  isSet ||= existsSync(${JSON.stringify(flag)});
  return now() - (isSet ? ${BACK_MS} : 0);
};
`;
}

function heartbeats(store: string): SensorHeartbeat[] {
  const reader = new TrafficReader(store);
  try {
    return [...reader.heartbeats({ fromUs: 0, toUs: Number.MAX_SAFE_INTEGER })];
  } finally {
    reader.close();
  }
}

for (const workers of ['1', '2']) {
  test(`a clock that is set back ends a heartbeat, and the next ones come (workers: ${workers})`, async (t) => {
    const net = TestNet.create(t);
    if (net === undefined) return;
    net.addPair('out0', 'in0');
    const folder = mkdtempSync(join(tmpdir(), 'wiretrail-clock-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const [flag, shim, store] = [join(folder, 'set'), join(folder, 'clock.cjs'), join(folder, 'store')];
    writeFileSync(shim, clockOf(flag));
    const options = ['-i', 'in0', '--store', store, '--workers', workers, '--block-kib', '64', '--blocks', '64'];
    const sensor = new Service('sensor', [process.execPath, '-r', shim, PROGRAM, 'sensor', ...options]);
    t.after(() => sensor.stop('SIGKILL', TIMEOUT_MS));
    await sensor.waitFor('capturing', () => sensor.output().includes('capturing on'), TIMEOUT_MS);
    const { packets } = new Conversation().open().toServer('x').close();
    let sent = net.send('out0', packets);
    writeFileSync(flag, '');
    await waitUntil('a heartbeat', TIMEOUT_MS, () => heartbeats(store).length > 0);
    sent += net.send('out0', packets);
    assert.equal(await sensor.stop('SIGINT', TIMEOUT_MS), 0, sensor.output());
    const beats = heartbeats(store);
    assert.ok(beats.length > 1 && beats.every(({ fromUs, toUs }) => fromUs < toUs));
    assert.equal(
      beats.reduce((sum, beat) => sum + beat.packets, 0),
      sent,
    );
    assert.equal(
      beats.reduce((sum, beat) => sum + beat.clockJumps, 0),
      1,
    );
    const reader = new StoreReader(store);
    t.after(() => reader.close());
    const losses = [...reader.query({ filter: parseFilter('kind:loss', 0) })];
    assert.ok(losses.some(({ reason }) => reason === 'clock-jumps'));
  });
}
