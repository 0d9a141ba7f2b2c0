/**
 * Live capture beside tcpdump: `node dist/test/bench/live.js [top|PACKETS_A_SECOND [sensor options]]`. tcpreplay sends
 * the MySQL capture into a veth pair; the sensor (packaged rules, keeping only what they match) and `tcpdump -w /dev/null`
 * read its other end at the same time, each with its defaults. What both saw and lost must add up to what was sent.
 * Needs root, ip, tcpreplay and tcpdump.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runChecked, Service, waitUntil } from '../support/process.ts';
import { programPath } from './measure.ts';
import { writeMysqlCapture } from './workload.ts';

const FLOWS = 10_000;
const PACKETS_PER_FLOW = 100;
const SEED = 1;
const PROGRAM: string = join(import.meta.dirname, '../../main.js');
const POLICY: string = join(import.meta.dirname, '../../../policies/default.yaml');
const START_TIMEOUT_MS = 30_000;
const SEND_TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 60_000;
/** Without a new packet for so long, the readers have caught up. */
const QUIET_MS = 3000;
const DRAIN_TIMEOUT_MS = 120_000;

interface Seen {
  readonly packets: number;
  readonly dropped: number;
}

const [speed = 'top', ...sensorOptions] = process.argv.slice(2);
const rate = speed === 'top' ? ['--topspeed'] : ['--pps', speed];
const missing = ['ip', 'tcpreplay', 'tcpdump'].filter((name) => programPath(name) === undefined);
if (process.getuid?.() !== 0) missing.push('root');
if (missing.length > 0) process.stderr.write(`live bench: needs ${missing.join(', ')}\n`);
else await bench();

async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-live-bench-'));
  const namespace = `wiretrail-bench-${process.pid}`;
  const inside = (...argv: string[]): string[] => ['ip', 'netns', 'exec', namespace, ...argv];
  execFileSync('ip', ['netns', 'add', namespace]);
  try {
    const path = join(folder, 'mysql.pcap');
    const workload = writeMysqlCapture(path, FLOWS, PACKETS_PER_FLOW, SEED);
    const policies = join(folder, 'matched.yaml');
    writeFileSync(policies, readFileSync(POLICY, 'utf8').replace('record: all', 'record: matched'));
    await runChecked(inside('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1'));
    await runChecked(inside('ip', 'link', 'add', 'out', 'type', 'veth', 'peer', 'name', 'in'));
    for (const name of ['out', 'in']) await runChecked(inside('ip', 'link', 'set', name, 'arp', 'off', 'up'));
    const keep = ['--jsonl', join(folder, 'records.jsonl'), '--policies', policies, ...sensorOptions];
    const sensor = new Service('sensor', inside(process.execPath, PROGRAM, 'sensor', '-i', 'in', ...keep));
    const tcpdump = new Service('tcpdump', inside('tcpdump', '-i', 'in', '-w', '/dev/null'));
    await sensor.waitFor('capturing', () => sensor.output().includes('capturing on'), START_TIMEOUT_MS);
    await tcpdump.waitFor('listening', () => tcpdump.output().includes('listening on'), START_TIMEOUT_MS);
    const send = inside('tcpreplay', '-q', '-i', 'out', '--preload-pcap', ...rate, path);
    const sender = await runChecked(send, { timeoutMs: SEND_TIMEOUT_MS });
    await untilQuiet(sensor);
    await sensor.stop('SIGINT', STOP_TIMEOUT_MS);
    await tcpdump.stop('SIGINT', STOP_TIMEOUT_MS);
    report(sender, workload.packets, sensor.output(), tcpdump.output());
  } finally {
    execFileSync('ip', ['netns', 'del', namespace]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Until the sensor has no more to read: it rests in its poll. */
async function untilQuiet(sensor: Service): Promise<void> {
  const cpuMs = (): number => {
    const stat = readFileSync(`/proc/${sensor.child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(stat[11]) + Number(stat[12])) * 10;
  };
  await waitUntil('the sensor to catch up', DRAIN_TIMEOUT_MS, async () => {
    const before = cpuMs();
    await sleep(QUIET_MS);
    return cpuMs() - before < QUIET_MS / 10;
  });
}

function report(sender: string, packets: number, sensorSays: string, tcpdumpSays: string): void {
  const sent = numberIn(sender, /Actual: (\d+) packets/);
  const seconds = numberIn(sender, /sent in ([\d.]+) seconds/);
  assert.equal(sent, packets);
  const sensor: Seen = {
    packets: numberIn(sensorSays, /packets\s+([\d,]+)/),
    dropped: numberIn(sensorSays, /([\d,]+) packets dropped/),
  };
  const tcpdump: Seen = {
    packets: numberIn(tcpdumpSays, /(\d+) packets captured/),
    dropped: numberIn(tcpdumpSays, /(\d+) packets dropped by kernel/),
  };
  const statements = numberIn(sensorSays, /statements\s+([\d,]+)/);
  const result = {
    bench: 'live',
    sensorOptions,
    sent,
    packetsPerSecond: Math.round(sent / seconds),
    sensor,
    tcpdump,
    statements,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  assert.equal(sensor.packets + sensor.dropped, sent, `sensor: packets seen and lost\n${sensorSays}`);
  assert.equal(tcpdump.packets + tcpdump.dropped, sent, 'tcpdump: packets seen and lost');
}

/** 0 when it is not said. */
function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
}
