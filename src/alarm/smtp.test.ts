/** E-mail alarms against a real SMTP server: STARTTLS with a checked certificate, login, digests, and no server at all. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { UserError } from '../base/errors.ts';
import type { Alarm } from './alarm.ts';
import { openTransport } from './open.ts';
import { Outlet } from './outlet.ts';
import { alarmMail, digestMail } from './smtp.ts';

function alarm(n: number, rule = 'x/drop', severity: Alarm['severity'] = 'high'): Alarm {
  const record = { 'audit.id': `id-${n}`, 'db.query.text': `DROP TABLE t${n}`, 'user.name': 'eve\r\nBcc: x@y' };
  return { rule, severity, timeUs: 1_700_000_000_000_000, record };
}

const FAST = { firstPauseMs: 1, attemptsMax: 2, sendTimeoutMs: 5000 };
const folder: string = mkdtempSync(join(tmpdir(), 'wiretrail-smtp-'));
const certificate: string = join(folder, 'cert.pem');
const key: string = join(folder, 'key.pem');
const password: string = join(folder, 'password');

before(() => {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const form = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...form, ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'pipe',
  });
  writeFileSync(password, 'pässword\n');
});
after(() => rmSync(folder, { recursive: true }));

interface Received {
  readonly secure: boolean;
  readonly user: string | undefined;
  readonly to: readonly string[];
  readonly mail: string;
}

interface Mailbox {
  readonly port: number;
  readonly mails: Received[];
  /** Resolves when this many have come. */
  hold(count: number): Promise<void>;
  close(): Promise<void>;
}

async function mailbox(options: SMTPServerOptions): Promise<Mailbox> {
  const mails: Received[] = [];
  const waiting: { count: number; done: () => void }[] = [];
  const server = new SMTPServer({
    logger: false,
    onAuth({ username, password: given }, _session, done) {
      if (username === 'sensor' && given === 'pässword') done(null, { user: username });
      else done(new Error('wrong password'));
    },
    async onData(stream, { secure, user, envelope }, done) {
      let mail = '';
      for await (const chunk of stream) mail += chunk;
      mails.push({ secure, user, to: envelope.rcptTo.map(({ address }) => address), mail });
      done();
      for (const { count, done: reached } of waiting) if (mails.length >= count) reached();
    },
    ...options,
  });
  server.on('error', () => undefined);
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return {
    port: (listening.address() as AddressInfo).port,
    mails,
    hold: (count) =>
      new Promise((done) => {
        if (mails.length >= count) done();
        else waiting.push({ count, done });
      }),
    close: () => new Promise((done) => server.close(() => done())),
  };
}

const encrypted = (): SMTPServerOptions => ({ key: readFileSync(key), cert: readFileSync(certificate) });

test('STARTTLS, a login and a certificate that is checked; headers stay headers', async () => {
  const box = await mailbox(encrypted());
  const url = `smtp://sensor@localhost:${box.port}?to=a@example.com,b@example.com&from=w@example.com`;
  const outlet = new Outlet(openTransport(`${url}&password-file=${password}&ca=${certificate}`, '1.2'), FAST);
  assert.equal(outlet.name, `smtp://localhost:${box.port}`);
  outlet.push(alarm(7));
  await outlet.close(5000);
  assert.deepEqual(outlet.counters, { sent: 1, retried: 0, failed: 0, dropped: 0 }, outlet.problem);
  const [received] = box.mails;
  assert.deepEqual([received?.secure, received?.user], [true, 'sensor']);
  assert.deepEqual(received?.to, ['a@example.com', 'b@example.com']);
  const [head = '', ...body] = (received?.mail ?? '').split('\r\n\r\n');
  assert.match(head, /^Subject: \[wiretrail\] high: x\/drop\r?$/m);
  assert.match(head, /^Message-ID: <id-7\.x\/drop@/im);
  assert.match(head, /^Auto-Submitted: auto-generated/m);
  assert.doesNotMatch(received?.mail ?? '', /^Bcc:/m);
  assert.match(body[0] ?? '', /User: eve Bcc: x@y/);
  assert.equal(body[1]?.trim(), 'DROP TABLE t7');
  await box.close();
});

test('what is not the right server gets neither password nor alarm', async () => {
  const stranger = await mailbox(encrypted());
  const plain = await mailbox({ hideSTARTTLS: true, authOptional: true });
  for (const { port } of [stranger, plain]) {
    const url = `smtp://sensor@localhost:${port}?to=a@example.com&password-file=${password}`;
    const outlet = new Outlet(openTransport(url, '1'), FAST);
    outlet.push(alarm(1));
    await outlet.close(5000);
    assert.deepEqual(outlet.counters, { sent: 0, retried: 1, failed: 1, dropped: 0 });
    assert.match(outlet.problem ?? '', /certificate|STARTTLS/i);
  }
  assert.deepEqual([stranger.mails.length, plain.mails.length], [0, 0]);
  await stranger.close();
  await plain.close();
});

test('the first alarm leaves at once, those of the pause behind it in one digest; the queue stays bounded', async () => {
  const box = await mailbox({ authOptional: true, hideSTARTTLS: true });
  const url = `smtp://localhost:${box.port}?to=a@example.com&tls=none&pause=3600`;
  const outlet = new Outlet(openTransport(url, '1'), { ...FAST, queueMax: 300 });
  outlet.push(alarm(0));
  await box.hold(1);
  let refused = 0;
  // The first may not be out of the queue yet, although it has arrived.
  for (let n = 1; n <= 400; n++) if (!outlet.push(alarm(n, n % 3 === 0 ? 'x/grant' : 'x/drop', 'low'))) refused++;
  assert.ok(refused >= 100 && refused <= 101, `${refused}`);
  await outlet.close(5000);
  assert.equal(box.mails.length, 2);
  assert.deepEqual(outlet.counters, { sent: 401 - refused, retried: 0, failed: 0, dropped: refused });
  const digest = box.mails[1]?.mail ?? '';
  assert.match(digest, new RegExp(`^Subject: \\[wiretrail\\] low: ${400 - refused} alarms`, 'm'));
  assert.match(digest, /^ +\d{2,3} {2}low {2}x\/grant/m);
  assert.match(digest, /more; the store has all records/);
  await box.close();
});

test('a server that is not there, and one that never speaks, hold nobody up', async () => {
  const mute = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const { port } = mute.address() as AddressInfo;
  const caller = once(mute, 'connection');
  const silent = new Outlet(openTransport(`smtp://localhost:${port}?to=a@example.com&tls=none`, '1'), FAST);
  for (let n = 0; n < 5; n++) assert.equal(silent.push(alarm(n)), true);
  const [connection] = (await caller) as [Socket];
  const hungUp = once(connection.resume(), 'close');
  await silent.close(1);
  await hungUp;
  assert.deepEqual(silent.counters, { sent: 0, retried: 0, failed: 0, dropped: 5 });
  mute.close();
  await once(mute, 'close');
  const gone = new Outlet(openTransport(`smtp://localhost:${port}?to=a@example.com&tls=none`, '1'), FAST);
  gone.push(alarm(1));
  await gone.close(5000);
  assert.deepEqual(gone.counters, { sent: 0, retried: 1, failed: 1, dropped: 0 });
  assert.match(gone.problem ?? '', /ECONNREFUSED/);
});

test('a mail says who, what and which record; a digest counts by rule, the worst first', () => {
  const { subject, text } = alarmMail(alarm(3));
  assert.equal(subject, '[wiretrail] high: x/drop');
  assert.match(text, /^Record: id-3$/m);
  const digest = digestMail([alarm(1, 'b/low', 'low'), alarm(2, 'a/bad', 'critical'), alarm(3, 'b/low', 'low')]);
  assert.equal(digest.subject, '[wiretrail] critical: 3 alarms');
  assert.match(digest.text, /^ {5}1 {2}critical {2}a\/bad\n {5}2 {2}low {2}b\/low\n/);
});

test('a URL that would show or give away a password is refused', () => {
  for (const url of [
    'smtp://h',
    'smtp://h?to=nobody',
    `smtp://u:p@h?to=a@b&password-file=${password}`,
    'smtp://u@h?to=a@b',
    `smtp://u@h?to=a@b&tls=none&password-file=${password}`,
    'smtp://h?to=a@b&tls=maybe',
    'smtp://h?to=a@b&from=x%0aBcc:y@z',
  ])
    assert.throws(() => openTransport(url, '1'), UserError, url);
});
