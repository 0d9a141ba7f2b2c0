/**
 * The recorded scenarios once more, sent over the wire by tcpreplay into the live sensor: frames out of order and twice
 * must change nothing, and with one in a hundred lost only connections that lost one may lack statements, marked.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findGoldens } from '../golden/goldens.ts';
import { dropped, duplicated, everything, type Impair, reordered } from '../support/impair.ts';
import { type PcapFrames, readPcap, writePcap } from '../support/pcap.ts';
import { PROGRAM_PATH, runChecked } from '../support/process.ts';
import { randomFrom } from '../support/random.ts';
import type { RecordLine } from './align.ts';
import { compare, isMarkedIncomplete, verdict } from './compare.ts';
import { labObstacle } from './lab.ts';
import { type LoggedEntry, readLog } from './log.ts';
import { LabNetwork } from './net.ts';
import { Sensor, sensorObstacle } from './sensor.ts';
import { makeLabDirectory } from './tempdir.ts';

const SEED = 42;
/** What an interface sends; the lab's own captures of offloaded traffic hold larger frames. */
const FRAME_BYTES_MAX = 1514;
const FRAMES_PER_SECOND = 3_000;
const TIMEOUT_MS = 120_000;
const TCP_PORTS_AT = 34;
const ON_A_NETWORK = /\/(postgres|mysql)\//;
const SERVER_PORTS: ReadonlySet<number> = new Set([3306, 5432]);

const tcpreplay = PROGRAM_PATH.split(':').some((directory) => existsSync(join(directory, 'tcpreplay')));
const obstacle = sensorObstacle() ?? (tcpreplay ? await labObstacle() : 'it needs the package tcpreplay');
const options = { timeout: TIMEOUT_MS, ...(obstacle === undefined ? {} : { skip: `NOT RUN: ${obstacle}` }) };

/**
 * All scenarios that were recorded on a network and have a log, one behind the other. No two of them use the same client
 * port. Those recorded on loopback have no hardware addresses, which no switch passes on.
 */
function recorded(): { frames: PcapFrames; entries: readonly LoggedEntry[] } {
  const captures: PcapFrames[] = [];
  const entries: LoggedEntry[] = [];
  for (const { folder, capture } of findGoldens()) {
    if (!ON_A_NETWORK.test(capture)) continue;
    const log = join(folder, 'server.log.jsonl');
    const frames = readPcap(capture);
    if (!existsSync(log) || frames.frames.some((frame) => frame.length > FRAME_BYTES_MAX)) continue;
    captures.push(frames);
    entries.push(...readLog(log));
  }
  const [first] = captures;
  assert.ok(first, 'no capture found');
  const frames: PcapFrames = {
    header: first.header,
    records: captures.flatMap(({ records }) => records),
    frames: captures.flatMap((capture) => capture.frames),
  };
  return { frames, entries };
}

/** Sends the frames of `order` from the client's port of the switch; returns what the sensor recorded. */
async function replayLive(frames: PcapFrames, order: readonly number[]): Promise<readonly RecordLine[]> {
  const network = await LabNetwork.create({ copyMode: 'flood', offloadOff: 'none' });
  try {
    const directory = makeLabDirectory();
    const path = join(directory, 'impaired.pcap');
    writePcap(path, frames, order);
    const sensor = await Sensor.start(network, directory);
    const argv = ['tcpreplay', '-q', '-i', 'eth0', '--pps', String(FRAMES_PER_SECOND), path];
    await runChecked(network.on('client', argv), { timeoutMs: TIMEOUT_MS });
    const { records, exitCode, said } = await sensor.stop();
    assert.equal(exitCode, 0, said);
    return records;
  } finally {
    network.destroy();
  }
}

function clientPort(frame: Buffer): number {
  const source = frame.readUInt16BE(TCP_PORTS_AT);
  return SERVER_PORTS.has(source) ? frame.readUInt16BE(TCP_PORTS_AT + 2) : source;
}

for (const [how, impair] of Object.entries({ duplicated, reordered }) as [string, Impair][]) {
  test(`replayed live, frames ${how}`, options, async (t) => {
    const { frames, entries } = recorded();
    const records = await replayLive(frames, impair(frames.frames.length, randomFrom(SEED)));
    const { ok, text } = verdict(compare(entries, records));
    assert.ok(ok, text);
    t.diagnostic(text);
  });
}

const lossy: Readonly<Record<string, Impair>> = { dropped, 'dropped, duplicated and reordered': everything };

for (const [how, impair] of Object.entries(lossy)) {
  test(`replayed live, frames ${how}`, options, (t) => losesOnlyWhatWasDropped(impair, (line) => t.diagnostic(line)));
}

async function losesOnlyWhatWasDropped(impair: Impair, say: (line: string) => void): Promise<void> {
  const { frames, entries } = recorded();
  const order = impair(frames.frames.length, randomFrom(SEED));
  const sent = new Set(order);
  const harmed = new Set(frames.frames.filter((_, index) => !sent.has(index)).map(clientPort));
  const records = await replayLive(frames, order);
  const unmarked = records.filter((record) => !isMarkedIncomplete(record));
  assert.deepEqual(compare(entries, unmarked).invented, []);
  const whole = (port: number): boolean => !harmed.has(port);
  const result = compare(
    entries.filter(({ client }) => whole(Number(client.slice(client.lastIndexOf(':') + 1)))),
    records.filter((record) => record['audit.kind'] !== 'loss' && whole(Number(record['client.port']))),
  );
  const { ok, text } = verdict(result);
  assert.ok(ok, text);
  const all = compare(entries, records);
  const marked = records.length - unmarked.length;
  assert.ok(marked > 0);
  say(
    `${frames.frames.length - sent.size} of ${frames.frames.length} frames dropped on ${harmed.size} connections; ` +
      `${all.loggedMatched} of ${all.logged} statements recorded, ${marked} records marked; elsewhere:\n${text}`,
  );
}
