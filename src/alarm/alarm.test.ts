import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createServer as createTls, type Server as TlsServer } from 'node:tls';
import { UserError } from '../base/errors.ts';
import { AuditRecord } from '../contracts/record.ts';
import { type Alarm, alarmLine, alarmsOf } from './alarm.ts';
import { cefLine } from './cef.ts';
import { fileTransport } from './file.ts';
import { openTransport } from './open.ts';
import { type AlarmTransport, Outlet } from './outlet.ts';
import { syslogMessage } from './syslog.ts';
import { signature } from './webhook.ts';

function alarm(n = 0, text = 'DROP TABLE t'): Alarm {
  const record = { 'audit.id': `id-${n}`, 'db.query.text': text, 'client.address': '10.0.0.7', 'user.name': 'a=b\\c' };
  return { rule: 'x/drop', severity: 'high', timeUs: 1_700_000_000_000_000, record };
}

const FAST = { firstPauseMs: 1, attemptsMax: 3, queueMax: 4, sendTimeoutMs: 5000 };

test('only alerts leave; what is on trial does not', () => {
  const policy = (['alert', 'shadow', 'record'] as const).map((action) => ({
    rule: action,
    severity: 'low' as const,
    action,
  }));
  const record = Object.assign(new AuditRecord(), { policy });
  assert.deepEqual(
    alarmsOf(record, () => ({})).map(({ rule }) => rule),
    ['alert'],
  );
});

test('a line that must be short loses the end of its text, and stays JSON', () => {
  for (const text of ['x'.repeat(5000), 'é'.repeat(5000), '"\n'.repeat(3000)]) {
    const line = alarmLine(alarm(1, text), 1000);
    assert.ok(Buffer.byteLength(line) <= 1000 && Buffer.byteLength(line) > 900);
    const json = JSON.parse(line);
    assert.equal(json['audit.cut'], true);
    assert.ok(text.startsWith(json['db.query.text']));
  }
});

test('RFC 5424 and CEF: priority, identifiers, escapes', () => {
  const message = syslogMessage(alarm(), 'json', 2048, '1.0.0');
  assert.match(message, /^<107>1 2023-11-14T22:13:20\.000000Z \S+ wiretrail \d+ x\/drop - \{"rule":"x\/drop"/);
  const cef = cefLine({ ...alarm(0, 'a\nb=c'), rule: 'x|y' }, '1.0.0', 1000);
  assert.match(cef, /^CEF:0\|Wiretrail\|wiretrail\|1\.0\.0\|x\\\|y\|x\\\|y\|8\|rt=1700000000000 /);
  assert.ok(cef.includes('suser=a\\=b\\\\c') && cef.includes('msg=a\\nb\\=c'));
});

test('CEF: an IPv6 address has a key of its own, and only the statement gives way to a limit', () => {
  const wide = { ...alarm(0, '=é'.repeat(5000)) };
  const record = { ...wide.record, 'client.address': '2001:db8::1', 'server.address': '10.0.0.1' };
  const line = cefLine({ ...wide, record }, '1.0.0', 800);
  assert.ok(line.includes(' c6a2Label=Source IPv6 Address c6a2=2001:db8::1 ') && line.includes(' dst=10.0.0.1 '), line);
  assert.ok(!line.includes(' src='));
  assert.ok(Buffer.byteLength(line) <= 800 && Buffer.byteLength(line) > 790);
  assert.match(line, /(?:\\=|é)$/, 'no escape is cut in two');
  const unlimited = cefLine({ ...wide, record }, '1.0.0', 100_000);
  assert.equal(/ msg=(.*)$/.exec(unlimited)?.[1]?.replaceAll('\\=', '=').length, 1023);
});

test('a client that calls itself by a very long name does not make the line longer', () => {
  const { record, ...rest } = alarm(1, 'x'.repeat(9000));
  const line = alarmLine({ ...rest, record: { ...record, 'user.name': '\u0001'.repeat(9000) } }, 1500);
  assert.ok(Buffer.byteLength(line) <= 1500);
  assert.equal(JSON.parse(line)['user.name'].length, 64);
});

test('a full queue drops and counts, a failing receiver is tried again and given up, nothing waits', async () => {
  let fails = 2;
  const got: unknown[] = [];
  const transport: AlarmTransport = {
    name: 'test',
    async send({ record }) {
      if (fails-- > 0) throw new Error('not now');
      got.push(record['audit.id']);
    },
    close: () => undefined,
  };
  const outlet = new Outlet(transport, FAST);
  const accepted = [0, 1, 2, 3, 4, 5].map((n) => outlet.push(alarm(n)));
  assert.deepEqual(accepted, [true, true, true, true, false, false]);
  await outlet.close(5000);
  assert.deepEqual(got, ['id-0', 'id-1', 'id-2', 'id-3']);
  assert.deepEqual(outlet.counters, { sent: 4, retried: 2, failed: 0, dropped: 2 });
  fails = Number.POSITIVE_INFINITY;
  const broken = new Outlet(transport, FAST);
  broken.push(alarm());
  await broken.close(5000);
  assert.deepEqual(broken.counters, { sent: 0, retried: 2, failed: 1, dropped: 0 });
  assert.equal(broken.problem, 'not now');
});

test('a receiver that never answers holds nobody up at the end', async () => {
  const outlet = new Outlet({ name: 'hole', send: () => new Promise(() => undefined), close: () => undefined }, FAST);
  for (let n = 0; n < 3; n++) outlet.push(alarm(n));
  await outlet.close(1);
  assert.deepEqual(outlet.counters, { sent: 0, retried: 0, failed: 0, dropped: 3 });
  assert.equal(outlet.push(alarm()), false, 'nothing is taken after the end');
});

test('syslog over UDP and over TCP with octet counting, through a lost connection', async () => {
  const udp = createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const datagram = once(udp, 'message');
  const overUdp = new Outlet(openTransport(`syslog+udp://127.0.0.1:${udp.address().port}`, '1'), FAST);
  overUdp.push(alarm(1, 'x'.repeat(9000)));
  const [bytes] = (await datagram) as [Buffer];
  assert.ok(bytes.length <= 2048);
  assert.doesNotThrow(() => JSON.parse(bytes.toString().replace(/^.*? - /, '')));
  await overUdp.close(5000);
  udp.close();

  const frames: string[] = [];
  const server = createTcp((socket) => {
    socket.on('data', (data) => {
      frames.push(data.toString());
      socket.destroy(); // each message needs a new connection
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const transport = openTransport(`cef+tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, '1');
  for (let n = 0; n < 2; n++) {
    const closed = once(server, 'connection').then(([socket]) => once(socket, 'close'));
    await transport.send(alarm(n));
    await closed;
    await new Promise((done) => setImmediate(done));
  }
  transport.close();
  server.close();
  assert.equal(frames.length, 2);
  for (const frame of frames) {
    const [, length, message] = /^(\d+) (.*)$/s.exec(frame) ?? [];
    assert.equal(Buffer.byteLength(message ?? ''), Number(length));
    assert.match(message ?? '', /externalId=id-/);
  }
});

test('a webhook is signed, repeated until it is taken, and never names its path', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-alarm-'));
  writeFileSync(join(folder, 'secret'), 'key\n');
  const requests: { request: IncomingMessage; body: string }[] = [];
  const server = createHttp(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    requests.push({ request, body });
    response.writeHead(requests.length === 1 ? 503 : 204).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const outlet = new Outlet(openTransport(`${origin}/T0K3N?a=1&secret-file=${join(folder, 'secret')}`, '1'), FAST);
  assert.equal(outlet.name, origin);
  outlet.push(alarm());
  await outlet.close(5000);
  server.close();
  rmSync(folder, { recursive: true });
  assert.deepEqual(outlet.counters, { sent: 1, retried: 1, failed: 0, dropped: 0 });
  assert.equal(requests[1]?.request.url, '/T0K3N?a=1');
  const header = String(requests[1]?.request.headers['x-wiretrail-signature']);
  const seconds = Number(/^t=(\d+),/.exec(header)?.[1]);
  assert.equal(header, signature(Buffer.from('key'), seconds, requests[1]?.body ?? ''));
  assert.equal(JSON.parse(requests[1]?.body ?? '').rule, 'x/drop');
});

test('a file is rotated by size, and the oldest goes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-alarm-'));
  const path = join(folder, 'alarms.jsonl');
  const lineBytes = Buffer.byteLength(alarmLine(alarm(), 1000)) + 1;
  const transport = fileTransport({ path, bytesMax: 2 * lineBytes, keep: 2 });
  for (let n = 0; n < 9; n++) await transport.send(alarm(n));
  transport.close();
  const ids = readdirSync(folder)
    .sort()
    .map((name) => [
      name,
      ...readFileSync(join(folder, name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)['audit.id']),
    ]);
  rmSync(folder, { recursive: true });
  assert.deepEqual(ids, [
    ['alarms.jsonl', 'id-8'],
    ['alarms.jsonl.1', 'id-6', 'id-7'],
    ['alarms.jsonl.2', 'id-4', 'id-5'],
  ]);
});

test('syslog over TLS: nothing is said to a stranger; a receiver that was gone gets what waited', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-alarm-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const form = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', ['req', '-x509', ...form, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  let said = '';
  const opened = (port: number): Promise<TlsServer> => {
    const server = createTls({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
      socket.on('data', (data) => (said += data.toString()));
      socket.on('error', () => undefined);
    });
    server.on('tlsClientError', () => undefined);
    return new Promise((done) => server.listen(port, 'localhost', () => done(server)));
  };
  const first = await opened(0);
  const { port } = first.address() as AddressInfo;
  const stranger = new Outlet(openTransport(`syslog+tls://localhost:${port}`, '1'), FAST);
  stranger.push(alarm(1));
  await stranger.close(5000);
  assert.equal(stranger.counters.failed, 1);
  assert.match(stranger.problem ?? '', /self-signed certificate/);
  assert.equal(said, '');

  await new Promise((done) => first.close(done));
  const outlet = new Outlet(openTransport(`syslog+tls://localhost:${port}?ca=${cert}`, '1'), {
    ...FAST,
    attemptsMax: 99,
  });
  outlet.push(alarm(2));
  while (outlet.counters.retried < 2) await new Promise((done) => setImmediate(done));
  const second = await opened(port);
  await outlet.close(5000);
  await new Promise((done) => second.close(done));
  rmSync(folder, { recursive: true });
  assert.deepEqual([outlet.counters.sent, outlet.counters.failed, outlet.counters.dropped], [1, 0, 0]);
  assert.match(said, /^\d+ <107>1 .*"audit\.id":"id-2"/);
});

test('what names no way out is refused, in one line that tells no secret', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-alarm-'));
  writeFileSync(join(folder, 'empty'), ' \n');
  const table: readonly (readonly [url: string, reason: RegExp])[] = [
    ['nonsense', /no URL/],
    ['ftp://x', /expected syslog/],
    ['syslog+tls://h?ca=/none', /cannot read ca/],
    ['syslog+tls://h?cafile=/none', /unknown parameter cafile; there are: ca/],
    ['syslog+udp://h?ca=x', /unknown parameter ca; there are: none/],
    ['syslog+tcp://s3cret:s3cret@h', /takes no user or password/],
    ['file:///x?mib=0', /mib=0: expected a whole number from 1/],
    ['file:///x?keep=', /keep=: expected a whole number/],
    ['file:///x?kept=3', /unknown parameter kept/],
    ['file://x/y', /three slashes/],
    ['file:///x/', /name a file/],
    ['file:///a%zz', /% itself is %25/],
    ['https://h/s3cret?secret-file=/none', /cannot read secret-file/],
    [`https://h/?secret-file=${join(folder, 'empty')}`, /the file of secret-file is empty/],
    ['https://s3cret:s3cret@h/x', /takes no user or password/],
    ['smtp://a%zz@h?to=a@b', /% itself is %25/],
  ];
  for (const [url, reason] of table)
    assert.throws(
      () => openTransport(url, '1'),
      (error) => error instanceof UserError && reason.test(error.message) && !/s3cret|\n/.test(error.message),
      url,
    );
  rmSync(folder, { recursive: true });
});
