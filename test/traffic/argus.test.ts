/** Debian's Argus as the peer: packets and bytes of every connection agree, over all captures at hand. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { openFiles } from '#src/capture/files/file.js';
import { assemble } from '#src/sensor/assemble.js';
import { replay } from '#src/sensor/replay.js';
import { FLOWS_FOLDER, TrafficLog } from '#src/traffic/log.js';
import { TrafficReader } from '#src/traffic/reader.js';
import { PROGRAM_PATH, run } from '../support/process.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SHARED = resolve(ROOT, '../shared/pcaps');
const directory = mkdtempSync(join(tmpdir(), 'wiretrail-argus-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** Argus leaves the four bytes of a loopback header out of a packet. */
const NULL_LINK_BYTES = 4;

type Counts = ReadonlyMap<string, { readonly packets: number; readonly bytes: number }>;

function add(
  into: Map<string, { packets: number; bytes: number }>,
  ends: string[],
  packets: number,
  bytes: number,
): void {
  const key = ends.sort().join(' ');
  const sum = into.get(key) ?? { packets: 0, bytes: 0 };
  into.set(key, { packets: sum.packets + packets, bytes: sum.bytes + bytes });
}

async function byArgus(capture: string): Promise<Counts> {
  const records = join(mkdtempSync(join(directory, 'argus-')), 'records');
  const env = { ...process.env, PATH: PROGRAM_PATH };
  await run(['argus', '-r', capture, '-w', records], { env });
  const fields = 'saddr,sport,daddr,dport,spkts,dpkts,sbytes,dbytes';
  const { stdout } = await run(['ra', '-r', records, '-n', '-c', ',', '-s', fields, '-', 'tcp'], { env });
  const counts = new Map<string, { packets: number; bytes: number }>();
  for (const line of stdout.split('\n')) {
    const [from = '', fromPort = '', to = '', toPort = '', ...numbers] = line.split(',');
    if (!/^\d+$/.test(fromPort)) continue;
    const [out = 0, back = 0, outBytes = 0, backBytes = 0] = numbers.map(Number);
    add(counts, [`${from}:${fromPort}`, `${to}:${toPort}`], out + back, outBytes + backBytes);
  }
  return counts;
}

async function byUs(capture: string): Promise<Counts> {
  const counts = new Map<string, { packets: number; bytes: number }>();
  const log = new TrafficLog(directory, { sensor: 'peer' });
  const source = openFiles([capture]);
  const { pipeline, close } = await assemble({
    sensor: 'peer',
    policies: [],
    maskKey: undefined,
    store: undefined,
    jsonl: undefined,
    whenFull: 'wait',
    ports: new Map(),
    flowsMax: 1024,
    overlap: [],
    evidence: undefined,
    traffic: (rows, count) => log.write(rows, count, source.interfaces),
  });
  await replay(source, pipeline, undefined, () => undefined);
  await close();
  source.close();
  log.close();
  const reader = new TrafficReader(directory);
  for (const { client, server } of reader.statuses({ fromUs: 0, toUs: Number.MAX_SAFE_INTEGER })) {
    const ends = [client, server].map(({ address, port }) => `${address}:${port}`);
    add(counts, ends, client.packets + server.packets, client.bytes + server.bytes);
  }
  reader.close();
  rmSync(join(directory, FLOWS_FOLDER), { recursive: true });
  return counts;
}

function captures(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.pcap')).map((name) => join(folder, name));
}

async function compare(folders: readonly string[]): Promise<number> {
  let connections = 0;
  const all = folders.flatMap(captures);
  // Argus waits a second before it ends: all wait together.
  const argus = await Promise.all(all.map((capture) => byArgus(capture)));
  for (const [index, capture] of all.entries()) {
    const theirs: Counts = argus[index] ?? new Map();
    const ours = await byUs(capture);
    assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort(), capture);
    for (const [ends, { packets, bytes }] of theirs) {
      const own = ours.get(ends);
      assert.equal(own?.packets, packets, `${capture} ${ends}`);
      const extra = own.bytes - bytes;
      assert.ok(
        extra === 0 || extra === packets * NULL_LINK_BYTES,
        `${capture} ${ends}: ${own.bytes} and ${bytes} bytes`,
      );
      connections++;
    }
  }
  return connections;
}

test('our own captures', async (t) => {
  if (!existsSync('/usr/sbin/argus')) return t.skip('argus is not installed (package argus-server)');
  const folders = ['postgres', 'mysql', 'drda'].map((name) => join(ROOT, 'pcaps', name));
  assert.ok((await compare(folders)) > 60);
});

test('captures by others', async (t) => {
  if (!existsSync('/usr/sbin/argus')) return t.skip('argus is not installed (package argus-server)');
  if (!existsSync(SHARED)) return t.skip('../shared/pcaps is not here');
  // Not those of tunnels, into which Argus does not look.
  const folders = ['drda', 'tds', 'tns'].map((name) => join(SHARED, name));
  assert.ok((await compare(folders)) > 20);
});
