/**
 * The sensor on several interfaces and threads, as a user runs it, in a network namespace: the same records as on one
 * thread, rules that remember included.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { evidenceFiles } from '#src/capture/evidence/evidence-files.js';
import { commentOf, pcapngBlocks } from '#src/capture/files/pcapng-blocks.js';
import { TestNet } from '#src/capture/live/net-test-support.js';
import { Conversation, type SyntheticPacket } from '#src/capture/synthetic.js';
import { GREETING, LOGIN, mysqlPacket, OK } from '../bench/workload.ts';
import { runChecked, Service, waitUntil } from '../support/process.ts';

const PROGRAM: string = join(import.meta.dirname, '../../main.js');
const SESSIONS = 24;
const STATEMENTS = 10;
/** Rings; libpcap takes a slot of 64 KiB for each frame, so it keeps the default. */
const SMALL = ['--block-kib', '64', '--blocks', '64'];
const START_TIMEOUT_MS = 30_000;
const RECORDS_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 30_000;

/** Fires for every fifth statement of all connections together. */
const COUNTING = `version: 1
rules:
  - id: test/count
    title: Count
    reason: Test.
    action: alert
    severity: high
    when: { operation: SELECT, count: { over: 4, within: 1h } }
`;

function conversations(subnet: number): SyntheticPacket[] {
  const all = Array.from({ length: SESSIONS }, (_, i) => {
    const client = { address: `10.${subnet}.0.${1 + i}`, port: 20_000 + i };
    const conversation = new Conversation({ client, server: { address: `10.${subnet}.1.1`, port: 3306 } });
    conversation.open().toClient(GREETING).toServer(LOGIN).toClient(OK(2));
    for (let n = 0; n < STATEMENTS; n++) {
      conversation.toServer(mysqlPacket(0, Buffer.from(`\x03SELECT ${n} FROM t${i}`))).toClient(OK(1));
    }
    return conversation.packets;
  });
  const turns = Math.max(...all.map((packets) => packets.length));
  return Array.from({ length: turns }, (_, turn) => all.flatMap((packets) => packets[turn] ?? [])).flat();
}

interface Line {
  readonly [key: string]: unknown;
}

function statementsIn(path: string): readonly Line[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Line).filter((line) => line['audit.kind'] === 'statement');
}

/** Records of one run: what was said, and how often the counting rule fired. */
async function capture(
  t: TestContext,
  net: TestNet,
  more: readonly string[],
  interfaces: readonly string[] = ['in0', 'in1'],
): Promise<{ said: string[]; alerts: number; alerting: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-live-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const policies = join(folder, 'policy.yaml');
  const jsonl = join(folder, 'records.jsonl');
  writeFileSync(policies, COUNTING);
  const where = [...interfaces.flatMap((name) => ['-i', name]), '--policies', policies, '--jsonl', jsonl];
  const options = [...where, ...more, '--flows', '1024', '--filter', 'tcp port 3306'];
  const sensor = new Service('sensor', [process.execPath, PROGRAM, 'sensor', ...options]);
  t.after(() => sensor.stop('SIGKILL', STOP_TIMEOUT_MS));
  await sensor.waitFor('capturing', () => sensor.output().includes('capturing on'), START_TIMEOUT_MS);
  const wanted = 2 * SESSIONS * STATEMENTS;
  for (const [name, subnet] of [
    ['out0', 1],
    ['out1', 2],
  ] as const)
    net.send(name, conversations(subnet));
  await waitUntil('all records', RECORDS_TIMEOUT_MS, () => statementsIn(jsonl).length >= wanted);
  const code = await sensor.stop('SIGINT', STOP_TIMEOUT_MS);
  assert.equal(code, 0, sensor.output());
  assert.match(sensor.output(), new RegExp(`statements\\s+${wanted}`));
  const lines = statementsIn(jsonl);
  const alertLines = lines.filter((line) => line['audit.policy'] !== undefined);
  const alerting = [...new Set(alertLines.map((line) => String(line['audit.session'])))].sort();
  const said = lines.map((line) =>
    ['client.address', 'client.port', 'user.name', 'db.query.text', 'audit.affected_rows', 'audit.marks']
      .map((key) => JSON.stringify(line[key]))
      .join(' '),
  );
  return { said, alerts: alertLines.length, alerting };
}

function missingCap(): string | undefined {
  try {
    createRequire(import.meta.url)('cap');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

test('several threads and interfaces, and libpcap, give what one thread and rings give', async (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  net.addPair('out1', 'in1');
  const alone = await capture(t, net, SMALL);
  const crew = await capture(t, net, [...SMALL, '--workers', '3']);
  assert.equal(alone.said.length, 2 * SESSIONS * STATEMENTS);
  assert.deepEqual(crew.said.toSorted(), alone.said.toSorted());
  assert.equal(alone.alerts, (2 * SESSIONS * STATEMENTS) / 5);
  assert.equal(crew.alerts, alone.alerts);
  // Each connection keeps its order on whatever thread it is.
  const ofOne = (said: readonly string[]): string[] => said.filter((line) => line.startsWith('"10.1.0.7" '));
  assert.deepEqual(ofOne(crew.said), ofOne(alone.said));
  assert.equal(ofOne(alone.said).length, STATEMENTS);
  if (missingCap() === undefined) {
    const cap = await capture(t, net, ['--source', 'cap']);
    assert.deepEqual([cap.said, cap.alerts], [alone.said, alone.alerts]);
  } else t.diagnostic(`not tested: ${missingCap()}`);
});

test('--outgoing records what the machine itself sends, as on a database of its own', async (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  net.addPair('out1', 'in1');
  const mirrored = await capture(t, net, SMALL);
  const own = await capture(t, net, [...SMALL, '--block-ms', '2', '--outgoing'], ['out0', 'out1']);
  assert.deepEqual([own.said, own.alerts], [mirrored.said, mirrored.alerts]);
  assert.equal(own.said.length, 2 * SESSIONS * STATEMENTS);
});

test('each of several threads keeps the packets behind the alerts of its connections', async (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  net.addPair('out1', 'in1');
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-live-evidence-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { alerting } = await capture(t, net, [...SMALL, '--workers', '3', '--evidence', folder]);
  const files = evidenceFiles(folder);
  assert.ok(files.length > 1, 'more than one thread wrote');
  const kept = files.flatMap((file) => [...pcapngBlocks(readFileSync(file))].map(commentOf));
  const sessions = new Set(kept.flatMap((comment) => comment?.replace('wiretrail session ', '') ?? []));
  assert.ok(alerting.length > 1);
  assert.deepEqual([...sessions].sort(), alerting);
  const [session = ''] = alerting;
  const out = join(folder, 'session.pcapng');
  await runChecked([process.execPath, PROGRAM, 'extract', session, '--evidence', folder, '-o', out]);
  assert.ok(existsSync(out));
});
