/**
 * Worker thread of `inflate.ts`: decompresses one file into the ring in shared memory, waiting while it is full.
 *
 * gzip by zlib. zstd by the system's `zstd` command where there is one, else by fzstd, which is about four times slower.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { constants, createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import {
  CONSUMED_CELL,
  CONTROL_CONSUMED_HIGH,
  CONTROL_CONSUMED_LOW,
  CONTROL_ERROR_BYTES,
  CONTROL_READ,
  CONTROL_READER_TURN,
  CONTROL_STATE,
  CONTROL_WRITER_TURN,
  CONTROL_WRITTEN,
  ERROR_TEXT_BYTES,
  type InflateTask,
  RING_BYTES,
  STATE_END,
  STATE_FAILED,
  STATE_RUNNING,
  STATE_TRUNCATED,
} from './inflate.ts';
import { zstdWindowBytes } from './zstd-frame.ts';

const FILE_CHUNK_BYTES = 256 * 1024;
/** Large output chunks make zlib four times faster than its default of 16 KiB. */
const GUNZIP_CHUNK_BYTES = 1024 * 1024;
/** Same limit as the zstd command: a frame may ask for two gigabytes. */
const ZSTD_WINDOW_BYTES_MAX = 128 * 1024 * 1024;
/** Enough of zstd's complaint to tell a cut-off file from a corrupt one. */
const STDERR_CHARS_MAX = 4096;

const task = workerData as InflateTask;
const control = new Int32Array(task.control);
const ring = new Uint8Array(task.ring);
let position = 0;

/** Copies decompressed bytes into the ring; blocks this thread while the ring is full. */
function write(chunk: Uint8Array): void {
  let done = 0;
  while (done < chunk.length) {
    const turn = Atomics.load(control, CONTROL_READER_TURN);
    const free = RING_BYTES - ((position - Atomics.load(control, CONTROL_READ)) >>> 0);
    if (free === 0) {
      Atomics.wait(control, CONTROL_READER_TURN, turn);
      continue;
    }
    const at = position % RING_BYTES;
    const count = Math.min(free, chunk.length - done, RING_BYTES - at);
    ring.set(chunk.subarray(done, done + count), at);
    done += count;
    position = (position + count) >>> 0;
    Atomics.store(control, CONTROL_WRITTEN, position | 0);
    tellReader();
  }
}

function tellReader(): void {
  Atomics.add(control, CONTROL_WRITER_TURN, 1);
  Atomics.notify(control, CONTROL_WRITER_TURN);
}

/** Says how it ended. The first word counts. */
function finish(state: number, reason = ''): void {
  if (Atomics.load(control, CONTROL_STATE) !== STATE_RUNNING) return;
  const text = Buffer.from(reason.replaceAll('\n', ' ')).subarray(0, ERROR_TEXT_BYTES);
  new Uint8Array(task.errorText).set(text);
  Atomics.store(control, CONTROL_ERROR_BYTES, text.length);
  Atomics.store(control, CONTROL_STATE, state);
  tellReader();
}

let consumedBytes = 0;
function countConsumed(bytes: number): void {
  consumedBytes += bytes;
  Atomics.store(control, CONTROL_CONSUMED_HIGH, Math.floor(consumedBytes / CONSUMED_CELL));
  Atomics.store(control, CONTROL_CONSUMED_LOW, consumedBytes % CONSUMED_CELL);
}

function gunzip(): void {
  const file = createReadStream(task.path, { highWaterMark: FILE_CHUNK_BYTES });
  const inflate = createGunzip({ chunkSize: GUNZIP_CHUNK_BYTES, finishFlush: constants.Z_FINISH });
  // 'data' is emitted as zlib produces, so what precedes an error is in the ring before the error is reported.
  inflate.on('data', (chunk: Uint8Array) => {
    countConsumed(inflate.bytesWritten - consumedBytes);
    write(chunk);
  });
  inflate.on('end', () => {
    countConsumed(inflate.bytesWritten - consumedBytes);
    finish(STATE_END);
  });
  inflate.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'Z_BUF_ERROR') finish(STATE_TRUNCATED);
    else finish(STATE_FAILED, `corrupt gzip data (${error.message})`);
  });
  file.on('error', (error) => finish(STATE_FAILED, `cannot be read (${error.message})`));
  file.pipe(inflate);
}

function unzstd(): void {
  const child = spawn('zstd', ['-dcq'], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.on('error', unzstdWithoutCommand);
  child.on('spawn', () => pumpThroughCommand(child));
}

function pumpThroughCommand(child: ChildProcess): void {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) return;
  let complaint = '';
  stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < STDERR_CHARS_MAX) complaint += chunk.toString('utf8');
  });
  stdout.on('data', write);
  // When zstd gives up early its input breaks; the exit code and its message say why.
  stdin.on('error', () => undefined);
  child.on('close', (code) => {
    if (code === 0) finish(STATE_END);
    else if (complaint.includes('premature')) finish(STATE_TRUNCATED);
    else finish(STATE_FAILED, `corrupt zstd data (${complaint.trim() || `zstd ended with ${code}`})`);
  });
  const file = createReadStream(task.path, { highWaterMark: FILE_CHUNK_BYTES });
  file.on('data', (chunk) => countConsumed(chunk.length));
  file.on('error', (error) => finish(STATE_FAILED, `cannot be read (${error.message})`));
  file.pipe(stdin);
}

function unzstdWithoutCommand(): void {
  const decompress = new Decompress((chunk) => write(chunk));
  const file = createReadStream(task.path, { highWaterMark: FILE_CHUNK_BYTES });
  file.on('data', (chunk) => {
    if (typeof chunk === 'string') return;
    try {
      if (consumedBytes === 0 && zstdWindowBytes(chunk) > ZSTD_WINDOW_BYTES_MAX) {
        throw new Error('window over 128 MiB');
      }
      countConsumed(chunk.length);
      decompress.push(chunk);
    } catch (error) {
      file.destroy();
      finish(STATE_FAILED, `corrupt zstd data (${error instanceof Error ? error.message : String(error)})`);
    }
  });
  file.on('end', () => {
    try {
      decompress.push(new Uint8Array(0), true);
      finish(STATE_END);
    } catch {
      finish(STATE_TRUNCATED);
    }
  });
  file.on('error', (error) => finish(STATE_FAILED, `cannot be read (${error.message})`));
}

try {
  if (task.compression === 'gzip') gunzip();
  else unzstd();
} catch (error) {
  finish(STATE_FAILED, error instanceof Error ? error.message : String(error));
}
