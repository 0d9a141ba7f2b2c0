/**
 * PostgreSQL's CancelRequest comes on a connection of its own, which the kernel may give to another capture thread than
 * the session it means. What is recorded is the same: every request with the user of the session, and the cancelled
 * statement with its mark. Requests from several ports go to both threads.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TestNet } from '#src/capture/live/net-test-support.js';
import { readPcap } from '../support/pcap.ts';
import { Service, waitUntil } from '../support/process.ts';

const PROGRAM: string = join(import.meta.dirname, '../../main.js');
const CAPTURE: string = join(import.meta.dirname, '../../../pcaps/postgres/cancel/capture.pcap');
const REQUESTER_PORT = 33_826;
const REQUESTS = 16;
/** Of Ethernet and IPv4 without options: where the TCP ports are. */
const PORTS_OFFSET = 34;
const TIMEOUT_MS = 30_000;

interface Line {
  readonly [key: string]: unknown;
}

/** The recorded conversation, in which the request comes from `REQUESTS` ports one after the other. */
function frames(): { bytes: Uint8Array }[] {
  const { frames: all } = readPcap(CAPTURE);
  const offsetOf = (frame: Buffer): number =>
    [PORTS_OFFSET, PORTS_OFFSET + 2].find((offset) => frame.readUInt16BE(offset) === REQUESTER_PORT) ?? -1;
  const request = all.filter((frame) => offsetOf(frame) >= 0);
  const first = all.findIndex((frame) => offsetOf(frame) >= 0);
  const copies = Array.from({ length: REQUESTS }, (_, i) =>
    request.map((frame) => {
      const copy = Buffer.from(frame);
      copy.writeUInt16BE(40_000 + i, offsetOf(frame));
      return copy;
    }),
  ).flat();
  const session = (frame: Buffer): boolean => offsetOf(frame) < 0;
  const inOrder = [...all.slice(0, first).filter(session), ...copies, ...all.slice(first).filter(session)];
  return inOrder.map((bytes) => ({ bytes }));
}

async function record(t: TestContext, net: TestNet, workers: number): Promise<readonly Line[]> {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-cancel-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const jsonl = join(folder, 'records.jsonl');
  const options = ['-i', 'in0', '--jsonl', jsonl, '--workers', String(workers), '--blocks', '64', '--block-kib', '64'];
  const sensor = new Service('sensor', [process.execPath, PROGRAM, 'sensor', ...options]);
  t.after(() => sensor.stop('SIGKILL', TIMEOUT_MS));
  await sensor.waitFor('capturing', () => sensor.output().includes('capturing on'), TIMEOUT_MS);
  net.send('out0', frames());
  const lines = (): Line[] =>
    existsSync(jsonl)
      ? readFileSync(jsonl, 'utf8')
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Line)
      : [];
  await waitUntil('the logout', TIMEOUT_MS, () => lines().some((line) => line['audit.kind'] === 'logout'));
  await sensor.stop('SIGINT', TIMEOUT_MS);
  return lines();
}

test('a cancel request on another thread than its session is recorded as on the same', async (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  for (const workers of [1, 2]) {
    const lines = await record(t, net, workers);
    const requests = lines.filter((line) => line['audit.call'] === 'cancel');
    assert.equal(requests.length, REQUESTS);
    assert.ok(requests.every((line) => line['db.operation.name'] === 'CANCEL'));
    const named = requests.filter((line) => line['user.name'] === 'alice').length;
    assert.equal(named, REQUESTS, `${workers} workers`);
    const cancelled = lines.filter((line) => JSON.stringify(line['audit.marks'] ?? []).includes('cancelled'));
    assert.deepEqual(
      cancelled.map((line) => [line['db.query.text'], line['user.name']]),
      [['select pg_sleep(30)', 'alice']],
    );
  }
});
