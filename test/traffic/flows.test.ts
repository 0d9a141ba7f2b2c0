/**
 * Flow records through the whole program, and three faults of Argus' clients that are not ours: a long connection found
 * by any moment of it, records of daily files that are there once, and an end that is an end.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pcapFile } from '#src/capture/files/pcap-writer.js';
import { Conversation, type SyntheticPacket } from '#src/capture/synthetic.js';
import { AuditRecord } from '#src/contracts/record.js';
import { openStore } from '#src/store/store.js';
import { wiretrail } from '../support/replay.ts';

const directory = mkdtempSync(join(tmpdir(), 'wiretrail-flows-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const SECOND_NS = 1_000_000_000n;
/** 2023-11-14T23:59:30Z */
const BEFORE_MIDNIGHT_NS = 1_700_006_370n * SECOND_NS;
const START_US = 1_700_006_375e6;

interface Total {
  readonly key: readonly string[];
  readonly connections: number;
  readonly records: number;
  readonly clientPackets: number;
  readonly serverPackets: number;
  readonly clientBytes: number;
  readonly serverBytes: number;
  readonly retransmitted: number;
  readonly state: string;
}

interface Status {
  readonly startUs: number;
  readonly endUs: number;
  readonly session: string;
  readonly state: string;
  readonly client: { readonly packets: number; readonly payload: number };
}

/** Opened, a request a second for 59 s, and closed at 00:00:30. */
function longConnection(port: number): SyntheticPacket[] {
  const conversation = new Conversation({
    client: { address: '10.0.0.1', port },
    startNs: BEFORE_MIDNIGHT_NS + 100_000_000n,
    stepNs: 1_000_000n,
  }).open();
  for (let second = 1n; second < 60n; second++) {
    conversation.nowNs = BEFORE_MIDNIGHT_NS + second * SECOND_NS + 100_000_000n;
    conversation.toServer('ping').toClient('pong');
  }
  conversation.nowNs = BEFORE_MIDNIGHT_NS + 60n * SECOND_NS;
  return conversation.close().packets;
}

function stored(name: string, packets: readonly SyntheticPacket[], options: readonly string[] = []): string {
  const capture = join(directory, `${name}.pcap`);
  const store = join(directory, name);
  writeFileSync(capture, pcapFile([...packets].sort((a, b) => Number(a.tsNs - b.tsNs))));
  const run = wiretrail(['replay', capture, '--store', store, '--quiet', ...options]);
  assert.equal(run.status, 0, run.stderr);
  return store;
}

function flows<T>(store: string, ...args: string[]): T[] {
  const run = wiretrail(['flows', ...args, '--store', store, '--format', 'jsonl']);
  assert.equal(run.status, 0, run.stderr);
  return run.stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

const store = stored('long', longConnection(40_000));

test('a connection of a minute is a record every 5 s, merged into one', () => {
  const records = flows<Status>(store, 'list');
  assert.equal(records.length, 13);
  assert.equal(new Set(records.map(({ session }) => session)).size, 1);
  // No record crosses a multiple of 5 s.
  for (const { startUs, endUs } of records) assert.equal(Math.floor(startUs / 5e6), Math.floor(endUs / 5e6));
  assert.deepEqual(
    records.map(({ state }) => state),
    [...Array.from({ length: 12 }, () => 'CON'), 'FIN'],
  );
  const [merged, ...others] = flows<Total>(store, 'merge');
  assert.equal(others.length, 0);
  assert.equal(merged?.records, 13);
  assert.equal(merged.connections, 1);
  assert.equal(merged.state, 'FIN');
  assert.equal(merged.clientPackets, 2 + 59 + 2);
  assert.equal(merged.serverPackets, 1 + 59 + 1);
});

test('a long connection is found by any moment of it', () => {
  // Argus finds nothing here: the range holds neither the first packet nor the last.
  const range = ['-t', '2023-11-15T00:00:00Z/PT5S'];
  assert.equal(flows<Total>(store, 'merge', ...range).length, 1);
  const [part] = flows<Status>(store, 'list', ...range);
  assert.equal(part?.client.packets, 5);
  assert.equal(part.client.payload, 20);
});

test('days are files of their own, and each record is in one of them', () => {
  const many = Array.from({ length: 20 }, (_, i) => longConnection(41_000 + i)).flat();
  const days = stored('days', many);
  assert.deepEqual(
    readdirSync(join(days, 'flows')).filter((name) => name.endsWith('.db')),
    ['2023-11-14.flows.db', '2023-11-15.flows.db'],
  );
  assert.equal(flows(days, 'list').length, 20 * 13);
  // The same packets again add nothing.
  const again = wiretrail(['replay', join(directory, 'days.pcap'), '--store', days, '--quiet']);
  assert.equal(again.status, 0, again.stderr);
  assert.equal(flows(days, 'list').length, 20 * 13);
});

test('names of files follow a pattern; a bad one is refused in one line', () => {
  const hours = stored('hours', longConnection(40_000), ['--flow-files', '%Y/%m-%d/%H']);
  const files = readdirSync(join(hours, 'flows'), { recursive: true, encoding: 'utf8' });
  assert.deepEqual(files.filter((name) => name.endsWith('.db')).sort(), [
    '2023/11-14/23.flows.db',
    '2023/11-15/00.flows.db',
  ]);
  const refused = wiretrail(['replay', join(directory, 'long.pcap'), '--store', hours, '--flow-files', '../%d']);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /not a name pattern/);
});

test('CSV is for programs: names, whole numbers, times of RFC 3339', () => {
  const lines = (...args: string[]): string[] => {
    const run = wiretrail(['flows', ...args, '--store', store, '--format', 'csv']);
    assert.equal(run.status, 0, run.stderr);
    return run.stdout.trim().split('\r\n');
  };
  const [header, first] = lines('list', '--limit', '1');
  assert.equal(
    header,
    'start,seconds,client,directed,server,user,client_packets,server_packets,client_bytes,server_bytes,retransmitted,rtt_ms,state',
  );
  assert.match(first ?? '', /^2023-11-14T23:59:30\.100000Z,[\d.]+,10\.0\.0\.1:40000,true,[^,]+,,\d+,\d+,\d+,\d+,0,/);
  assert.match(lines('merge', '--by', 'port').join('\n'), /^port,start,[^\n]+\n\d+,2023-.*,63,61,\d{4,},\d{4,},0,FIN$/);
  assert.match(lines('bins', '--bin', '1m').join('\n'), /^bin,start,[^\n]+\n2023-11-14T23:59:00\.000000Z,/);
  assert.match(lines('heartbeats').join('\n'), /^from,to,sensor,bytes,[^\n]+\n2023-[^,]+,2023-[^,]+,replay,\d+,/);
});

test('two workers write the records of one', () => {
  const many = Array.from({ length: 20 }, (_, i) => longConnection(41_000 + i * 7)).flat();
  const one = stored('one', many);
  const two = join(directory, 'two');
  const run = wiretrail(['replay', join(directory, 'one.pcap'), '--store', two, '--quiet', '--workers', '2']);
  assert.equal(run.status, 0, run.stderr);
  for (const what of ['list', 'heartbeats']) {
    const lines = flows(one, what);
    assert.ok(lines.length > 0);
    assert.ok(JSON.stringify(flows(two, what)) === JSON.stringify(lines), `other ${what} with two workers`);
  }
});

test('bins that are no multiple of 5 s share out a record, and lose nothing', () => {
  const whole = flows<Total>(store, 'merge', '--by', 'all')[0];
  for (const bin of ['3s', '10s', '1m', '1h']) {
    const parts = flows<Total>(store, 'bins', '--bin', bin);
    for (const field of ['clientPackets', 'serverPackets', 'clientBytes', 'serverBytes'] as const) {
      assert.equal(
        parts.reduce((sum, part) => sum + part[field], 0),
        whole?.[field],
        `${field} in bins of ${bin}`,
      );
    }
  }
});

test('scans, resets, retransmissions and connections seen from their middle', () => {
  const scan = [1, 2, 3].map((port) => {
    const probe = new Conversation({
      client: { address: '10.9.9.9', port: 50_000 },
      server: { address: '10.0.0.2', port },
    });
    return probe.open().packets[0] as SyntheticPacket;
  });
  const reset = new Conversation({ client: { address: '10.0.0.3', port: 40_000 } }).open().toServer('x').reset(false);
  const again = new Conversation({ client: { address: '10.0.0.4', port: 40_000 } }).open().toServer('once').close();
  const repeated = again.packets[3] as SyntheticPacket;
  again.packets.splice(4, 0, repeated);
  const middle = new Conversation({ client: { address: '10.0.0.5', port: 40_000 } }).toServer('go on').toClient('yes');
  const mixed = stored('mixed', [...scan, ...reset.packets, ...again.packets, ...middle.packets]);
  const byClient = new Map(
    flows<Total>(mixed, 'merge', '--by', 'client').map((total) => [total.key[0] ?? '', total] as const),
  );
  assert.equal(byClient.get('10.9.9.9')?.connections, 3);
  assert.equal(byClient.get('10.9.9.9')?.state, 'REQ');
  assert.equal(byClient.get('10.0.0.3')?.state, 'RST');
  assert.equal(byClient.get('10.0.0.4')?.retransmitted, 1);
  assert.equal(byClient.get('10.0.0.5')?.state, 'cut');
  assert.equal(flows(mixed, 'list', 'state:REQ', 'port<3').length, 2);
  assert.equal(flows(mixed, 'list', 'net:10.0.0.0/29', 'not', 'state:RST').length, 2 + 3);
});

test('what cannot be asked is said in one line', () => {
  for (const [args, message] of [
    [['merge', '--by', 'colour'], /unknown key "colour"/],
    [['merge', '--by', 'client/24/8'], /only client and server have networks/],
    [['top', '--every', '9999999999'], /at most 86400/],
    [['merge', '--by', 'port/24'], /only client and server have networks/],
    [['list', 'colour:red'], /unknown field colour/],
    [['list', 'word'], /expected FIELD:VALUE/],
    [['bins', '--bin', 'long'], /expected a length/],
  ] as const) {
    const run = wiretrail(['flows', ...args, '--store', store]);
    assert.equal(run.status, 2, run.stdout);
    assert.match(run.stderr, message);
  }
});

test('coverage says what was seen, and is exit code 3 where nobody watched', () => {
  const whole = wiretrail(['coverage', '--store', store]);
  assert.equal(whole.status, 0, whole.stdout);
  assert.match(whole.stdout, /Sensor replay: complete/);
  assert.match(whole.stdout, /seen {9}124 packets/);
  assert.match(whole.stdout, /other {6}440 B, 93\.220 %/);
  const more = wiretrail(['coverage', '--store', store, '-t', '2023-11-14T23:00:00Z/PT2H']);
  assert.equal(more.status, 3);
  assert.match(more.stdout, /NOT complete/);
  assert.match(more.stdout, /not from {3}2023-11-14T23:00:00\.000000Z to 2023-11-14T23:59:30\.100000Z/);
  const json = wiretrail(['coverage', '--store', store, '--format', 'json']);
  const { sensors } = JSON.parse(json.stdout) as { sensors: { packets: number; connections: number }[] };
  assert.deepEqual(
    sensors.map(({ packets, connections }) => [packets, connections]),
    [[124, 0]],
  );
});

test("a loss that only the ledger tells of is enough, if it is that sensor's", async () => {
  for (const [sensor, status] of [
    ['replay', 3],
    ['another', 0],
  ] as const) {
    const place = stored(`ledger-${sensor}`, longConnection(40_000));
    const audit = await openStore(place);
    const writer = audit.writer('wait');
    const facts = {
      kind: 'loss',
      id: '1'.padStart(32, '0'),
      timeUs: START_US,
      reason: 'interface-lost',
      sensor,
    } as const;
    writer.write(Object.assign(new AuditRecord(), facts));
    await writer.close();
    await audit.close();
    const run = wiretrail(['coverage', '--store', place]);
    assert.equal(run.status, status, run.stdout);
    assert.match(run.stdout, status === 0 ? /Sensor replay: complete/ : /Sensor replay: NOT complete/);
  }
});

test('coverage is not complete where drops were not counted, though many other losses come first', async () => {
  const place = stored('losses', longConnection(40_000));
  const audit = await openStore(place);
  const writer = audit.writer('wait');
  for (let i = 0; i < 60; i++) {
    const record = new AuditRecord();
    const reason = i === 59 ? 'drops-unknown' : 'gaps';
    const facts = { kind: 'loss', id: i.toString(16).padStart(32, '0'), timeUs: START_US + i, reason } as const;
    writer.write(Object.assign(record, { ...facts, errorText: 'eth1: 60 \u001b[2Jseconds' }));
  }
  await writer.close();
  await audit.close();
  const run = wiretrail(['coverage', '--store', place]);
  assert.equal(run.status, 3, run.stderr);
  assert.match(run.stdout, /Sensor replay: NOT complete/);
  assert.match(run.stdout, /dropped {6}0 packets by the kernel \(not counted while libpcap captured\)/);
  assert.match(run.stdout, /… more with/);
  assert.ok(!run.stdout.includes('\u001b'));
  const json = JSON.parse(wiretrail(['coverage', '--store', place, '--format', 'json']).stdout);
  assert.deepEqual([json.losses.length, json.moreLosses], [50, true]);
});
