/** A replay gives the same records, in the same order, whatever the number of its workers. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { pcapHeader, pcapRecord } from '#src/capture/files/pcap-writer.js';
import { Conversation } from '#src/capture/synthetic.js';
import * as p from '#src/protocols/postgres/testing.js';
import * as o from '#src/protocols/tns/testing.js';
import { writeMysqlCapture } from '../bench/workload.ts';
import { type Run, wiretrail } from '../support/replay.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SHARED = resolve(ROOT, '../shared/pcaps');

function replay(captures: string, workers: number, options: readonly string[] = []): Run {
  return wiretrail(['replay', captures, '--jsonl', '-', '--workers', String(workers), ...options]);
}

function assertSame(captures: string, options: readonly string[] = []): void {
  const alone = replay(captures, 1, options);
  assert.ok(alone.stdout.length > 0, alone.stderr);
  for (const workers of [2, 3]) {
    const shared = replay(captures, workers, options);
    // One string of megabytes would be a useless message.
    assert.ok(shared.stdout === alone.stdout, `${captures}: other records with ${workers} workers`);
    assert.equal(shared.stderr, alone.stderr);
    assert.equal(shared.status, alone.status);
  }
}

test('the captures of this repository', () => assertSame(join(ROOT, 'pcaps')));

test('the shared captures', (t) => {
  if (existsSync(SHARED)) assertSame(SHARED);
  else t.skip('../shared/pcaps is not here');
});

test('many flows at once, under rules that remember across flows', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-workers-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const capture = join(folder, 'mysql.pcap');
  const { statements } = writeMysqlCapture(capture, 200, 20, 3);
  const policies = join(folder, 'policies.yaml');
  writeFileSync(policies, POLICIES);
  assertSame(capture, ['--policies', policies]);
  const { stdout } = replay(capture, 2, ['--policies', policies]);
  const lines = stdout.split('\n').filter((line) => line.includes('"audit.kind":"statement"'));
  assert.equal(lines.length, statements);
  // Every 101st change of anyone ends a window.
  const changes = lines.filter((line) => /"db.operation.name":"(INSERT|UPDATE)"/.test(line)).length;
  assert.equal(lines.filter((line) => line.includes('t/many')).length, Math.floor(changes / 101));
  assert.ok(lines.some((line) => line.includes('t/new')));
});

/** Writes the packets that `write` flushes, in that order. */
function writeCapture(path: string, write: (flush: (conversation: Conversation) => void) => void): void {
  const fd = openSync(path, 'w');
  writeSync(fd, pcapHeader());
  let tsNs = 1_760_000_000_000_000_000n;
  write(({ packets }) => {
    for (const { bytes } of packets.splice(0)) {
      tsNs += 1000n;
      writeSync(fd, pcapRecord({ bytes, tsNs }));
    }
  });
  closeSync(fd);
}

type Flush = (conversation: Conversation) => void;

/** Sessions of PostgreSQL, whose statements are cancelled from their own address and from another one. */
function sayCancels(flush: Flush, count: number): void {
  const server = { address: '10.2.0.1', port: 5432 };
  const sessions = Array.from({ length: count }, (_, i) => {
    const session = new Conversation({ client: { address: `10.1.0.${i}`, port: 20_000 + i }, server });
    const greeting = [p.auth(0), p.keyData(100 + i, p.i32(9000 + i)), p.ready()];
    flush(
      session
        .open()
        .toServer(p.startup({ user: `user${i}`, database: 'shop' }))
        .toClient(Buffer.concat(greeting)),
    );
    flush(session.toServer(p.query(`select pg_sleep(${i})`)));
    return session;
  });
  for (const [i, session] of sessions.entries()) {
    for (const address of [`10.1.0.${i}`, `10.9.${i}.7`]) {
      const key = Buffer.concat([p.i32(100 + i), p.i32(9000 + i)]);
      const requester = new Conversation({ client: { address, port: 30_000 + i }, server });
      flush(
        requester
          .open()
          .toServer(Buffer.concat([p.i32(16), p.i32(80_877_102), key]))
          .close(),
      );
    }
    flush(session.toClient(Buffer.concat([p.error('57014', 'canceling statement'), p.ready()])).close());
    // Nobody has this key any more.
    const late = new Conversation({ client: { address: `10.9.${i}.7`, port: 31_000 + i }, server });
    const key = Buffer.concat([p.i32(100 + i), p.i32(9000 + i)]);
    flush(
      late
        .open()
        .toServer(Buffer.concat([p.i32(16), p.i32(80_877_102), key]))
        .close(),
    );
  }
}

test('requests that mean sessions of other workers', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-workers-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const capture = join(folder, 'cancels.pcap');
  const count = 12;
  writeCapture(capture, (flush) => sayCancels(flush, count));
  assertSame(capture);
  // Nothing leaves the workers then but what must be judged in one place.
  const summary = (workers: number): string => wiretrail(['replay', capture, '--workers', String(workers)]).stderr;
  assert.equal(summary(3), summary(1));
  const policies = join(folder, 'policies.yaml');
  writeFileSync(policies, CANCEL_POLICY);
  assertSame(capture, ['--policies', policies]);
  const { stdout } = replay(capture, 3, ['--policies', policies]);
  const lines = stdout.split('\n').filter((line) => line !== '');
  const requests = lines.map((line) => JSON.parse(line)).filter((line) => line['audit.call'] === 'cancel');
  assert.equal(requests.length, 3 * count);
  assert.equal(requests.filter((line) => line['user.name'] === undefined).length, count);
  // Of the session's own address, of another one, and none of the late one.
  assert.equal(requests.filter((line) => line['user.name'] === 'user3').length, 2);
  const alerts = requests.filter((line) => line['audit.policy'] !== undefined);
  assert.ok(alerts.length === 2 && alerts.every((line) => line['user.name'] === 'user3'));
});

/** Clients of Oracle that a listener sends to another address, where they are refused or log in. */
function sayRedirects(flush: Flush, count: number): void {
  const listener = { address: '10.2.0.2', port: 1521 };
  for (let i = 0; i < count; i++) {
    const client = { address: `10.1.1.${i}`, port: 20_000 };
    const address = '(ADDRESS=(PROTOCOL=tcp)(HOST=10.2.1.1)(PORT=1600))';
    const redirect = o.packet(5, o.bytes(o.u16(address.length), address));
    flush(new Conversation({ client, server: listener }).open().toServer(o.connect()).toClient(redirect).close());
    const server = { address: `10.2.1.${i}`, port: 1600 };
    const second = new Conversation({ client: { ...client, port: 21_000 }, server });
    const connect = Buffer.from(o.connect('(CONNECT_DATA=(SERVICE_NAME=node))'));
    connect[5] = 4;
    flush(second.open().toServer(connect));
    if (i % 2 === 0) flush(second.toClient(o.refuse('(DESCRIPTION=(ERR=12514))')));
    else {
      for (const { direction, bytes } of [{ direction: 1, bytes: o.accept() }, ...o.opening().slice(4)]) {
        flush(direction === 0 ? second.toServer(bytes) : second.toClient(bytes));
      }
    }
    flush(second.close());
  }
}

test('connections that continue one which another worker followed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-workers-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const capture = join(folder, 'redirects.pcap');
  writeCapture(capture, (flush) => sayRedirects(flush, 12));
  assertSame(capture);
  const lines = replay(capture, 3)
    .stdout.split('\n')
    .filter((line) => line.includes('ORA-12514'));
  assert.equal(lines.length, 6);
  assert.ok(lines.every((line) => line.includes('"audit.program":"till"') && line.includes('"audit.os_user":"ann"')));
});

const CANCEL_POLICY = `
version: 1
rules:
  - id: t/cancel
    title: A cancel in the name of one
    reason: The user of a request is the session's.
    severity: high
    action: alert
    when: { user: user3, operation: CANCEL }
`;

const POLICIES = `
version: 1
rules:
  - id: t/many
    title: Many changes
    reason: Changes of many flows are counted together.
    severity: high
    action: alert
    when:
      kind: statement
      operation: [INSERT, UPDATE]
      count: { over: 100, within: 1h }
  - id: t/new
    title: New kind of statement
    reason: What one flow sent is not new in another.
    severity: low
    action: alert
    when:
      kind: statement
      first_seen: { what: fingerprint, learn: 0s }
`;
