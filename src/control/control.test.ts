import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../base/errors.ts';
import { loadAddon } from '../capture/live/addon.ts';
import { requestControl } from './client.ts';
import {
  CODE_PUSH,
  CODE_STATUS,
  CONTENT_BYTES_MAX,
  CONTROL_MAGIC,
  encodeFrame,
  FrameReader,
  RESULT_DONE,
  RESULT_FAILED,
  RESULT_UNKNOWN_CODE,
} from './frame.ts';
import { type ControlHandler, ControlServer } from './server.ts';

const HANDLERS: ReadonlyMap<number, ControlHandler> = new Map<number, ControlHandler>([
  [CODE_STATUS, () => ({ result: RESULT_DONE, content: 'fine' })],
  [CODE_PUSH, (content) => Promise.reject(new Error(`no ${content.toString()}`))],
]);

async function withServer(use: (path: string, server: ControlServer) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-control-'));
  const path = join(folder, 'control.sock');
  const server = await ControlServer.listen(path, HANDLERS);
  try {
    await use(path, server);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Sends bytes and resolves with all that comes back until the other end closes. */
function exchange(path: string, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((done, fail) => {
    const parts: Buffer[] = [];
    const socket = connect(path, () => socket.end(bytes));
    socket.on('data', (part) => parts.push(part));
    socket.on('close', () => done(Buffer.concat(parts)));
    socket.on('error', fail);
  });
}

test('frames are the same however they are cut', () => {
  const frames = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.uint8Array({ maxLength: 40 })), { maxLength: 5 });
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 50 }), (sent, step) => {
      const bytes = Buffer.concat(sent.map(([code, param1, content]) => encodeFrame(code, param1, content)));
      const reader = new FrameReader();
      const got: unknown[] = [];
      for (let at = 0; at < bytes.length; at += step) {
        reader.push(bytes.subarray(at, at + step));
        for (let frame = reader.next(); frame !== undefined; frame = reader.next())
          got.push([frame.code, frame.param1, Uint8Array.from(frame.content)]);
      }
      assert.deepEqual(got, sent);
      assert.equal(reader.error, undefined);
    }),
    { seed: 42, numRuns: 300 },
  );
});

test('requests of a connection are answered in order, with the result in param1', () =>
  withServer(async (path) => {
    const requests = [CODE_STATUS, 77, CODE_PUSH].map((code) => encodeFrame(code, 0, Buffer.from('x')));
    const reader = new FrameReader();
    reader.push(await exchange(path, Buffer.concat(requests)));
    const replies = [reader.next(), reader.next(), reader.next()].map((frame) => [
      frame?.code.toString(16),
      frame?.param1,
      frame?.content.toString(),
    ]);
    assert.deepEqual(replies, [
      ['80000001', RESULT_DONE, 'fine'],
      ['8000004d', RESULT_UNKNOWN_CODE, 'unknown code 77'],
      ['80000003', RESULT_FAILED, 'no x'],
    ]);
    assert.deepEqual(await requestControl(path, CODE_STATUS, ''), { result: RESULT_DONE, content: 'fine' });
  }));

test('who speaks something else, or claims too much, is cut off', () =>
  withServer(async (path, server) => {
    const tooLong = Buffer.alloc(16);
    tooLong.writeUInt32BE(CONTROL_MAGIC, 0);
    tooLong.writeUInt32BE(CONTENT_BYTES_MAX + 1, 12);
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), tooLong])
      assert.equal((await exchange(path, bytes)).length, 0);
    assert.equal(server.counters.malformed, 2);
    assert.equal((await requestControl(path, CODE_STATUS, '')).result, RESULT_DONE, 'others are served on');
  }));

test('who asks and never reads is asked no more: no replies pile up', () =>
  withServer(async (path, server) => {
    const asked = 20_000;
    const greedy = connect(path);
    await once(greedy, 'connect');
    greedy.pause();
    greedy.write(Buffer.concat(Array.from({ length: asked }, () => encodeFrame(CODE_STATUS, 0, Buffer.alloc(0)))));
    for (let same = 0, before = -1; same < 50; same++) {
      const { requests } = server.counters;
      if (requests === 0 || requests !== before) same = 0;
      before = requests;
      await new Promise((done) => setImmediate(done));
    }
    assert.ok(server.counters.requests > 0 && server.counters.requests < asked, `${server.counters.requests}`);
    assert.equal((await requestControl(path, CODE_STATUS, '')).result, RESULT_DONE, 'others are served on');
    greedy.destroy();
  }));

test('the socket is its owner’s alone, and one sensor’s', () =>
  withServer(async (path) => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await assert.rejects(ControlServer.listen(path, HANDLERS), /another sensor/);
    const folder = mkdtempSync(join(tmpdir(), 'wiretrail-control-'));
    try {
      chmodSync(folder, 0o777);
      await assert.rejects(ControlServer.listen(join(folder, 's'), HANDLERS), /others can write/);
      chmodSync(folder, 0o755);
      writeFileSync(join(folder, 'file'), '');
      await assert.rejects(ControlServer.listen(join(folder, 'file'), HANDLERS), /no socket/);
      await assert.rejects(ControlServer.listen(join(folder, 'x'.repeat(120)), HANDLERS), /107 bytes/);
      await assert.rejects(requestControl(join(folder, 'none'), CODE_STATUS, ''), /no sensor listens there/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }));

test('a sensor that answers nonsense is not believed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-control-'));
  const path = join(folder, 's');
  const server = createServer((socket) => socket.resume().end('nonsense and more of it'));
  await new Promise<void>((done) => server.listen(path, done));
  await assert.rejects(requestControl(path, CODE_STATUS, ''), UserError);
  await new Promise((done) => server.close(done));
  rmSync(folder, { recursive: true, force: true });
});

function peerUid(fd: number): number {
  return loadAddon().peerCredentials(fd).uid;
}

function addonProblem(): string | false {
  try {
    loadAddon();
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What a process of that user reads from the socket. */
const PEER = `const socket = require('node:net').connect(process.argv[1], () => socket.write(Buffer.from(process.argv[2], 'hex')));
socket.on('data', (data) => { process.stdout.write(data); socket.end(); });
socket.on('error', (error) => process.stdout.write(error.code));`;

test('the kernel says who speaks: the owner is answered, and another user is not, whatever the mode', {
  skip: addonProblem(),
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-control-'));
  const path = join(folder, 'control.sock');
  const server = await ControlServer.listen(path, HANDLERS, peerUid);
  t.after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  assert.deepEqual(await requestControl(path, CODE_STATUS, ''), { result: RESULT_DONE, content: 'fine' });
  assert.equal(server.counters.strangers, 0);
  if (process.geteuid?.() !== 0) return t.diagnostic('only root can speak as another user: that half is not tested');
  chmodSync(folder, 0o711);
  chmodSync(path, 0o666);
  const request = encodeFrame(CODE_STATUS, 0, Buffer.alloc(0)).toString('hex');
  const speak = (uid: number): Promise<string> =>
    new Promise((done) => {
      const child = spawn(process.execPath, ['-e', PEER, path, request], { uid, gid: uid, cwd: '/' });
      let said = '';
      child.stdout.on('data', (data) => (said += data));
      child.on('close', () => done(said));
    });
  assert.match(await speak(0), /fine$/);
  assert.doesNotMatch(await speak(65_534), /fine/);
  assert.deepEqual([server.counters.strangers, server.counters.requests], [1, 2]);
});

test('a peer that the system does not name is refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-control-'));
  const path = join(folder, 'control.sock');
  const server = await ControlServer.listen(path, HANDLERS, () => {
    throw new Error('no credentials');
  });
  t.after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await assert.rejects(requestControl(path, CODE_STATUS, ''), UserError);
  assert.deepEqual([server.counters.strangers, server.counters.requests], [1, 0]);
});
