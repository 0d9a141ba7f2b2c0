/**
 * How much memory rings take. Measured with `test/bench/live.ts`: a burst is lost when it does not fit the ring, since
 * a statement takes ten times as long to understand as its packets to copy; the kernel takes the memory when a ring is
 * opened, and does not refuse what it cannot fill: it ends programs.
 */
import { readFileSync } from 'node:fs';
import { InputError } from '../batch.ts';

/** Of a block, unless asked for otherwise. */
export const BLOCK_BYTES_DEFAULT: number = 256 * 1024;
/** Of one ring, where memory is not short. */
const RING_BYTES_WANTED: number = 256 * 2 ** 20;
/** Least memory of one ring by default. */
export const RING_BYTES_MIN: number = 16 * 2 ** 20;
/** Share of the free memory that all rings together take by default, */
const DEFAULT_SHARE_MAX = 0.125;
/** and may take when asked to. */
const MEMORY_SHARE_MAX = 0.25;
const MIB: number = 2 ** 20;

/** Bytes of one ring where `workers` threads capture from `interfaces` interfaces, each thread with a ring of each. */
export function defaultRingBytes(
  interfaces: number,
  workers: number,
  availableBytes: number = availableMemoryBytes() ?? 0,
): number {
  const allowed = (availableBytes * DEFAULT_SHARE_MAX) / (interfaces * workers);
  const bytes = Math.max(RING_BYTES_MIN, Math.min(RING_BYTES_WANTED, allowed));
  return Math.floor(bytes / BLOCK_BYTES_DEFAULT) * BLOCK_BYTES_DEFAULT;
}

/** As many blocks as make a ring of that size. */
export function defaultBlockCount(interfaces: number, workers: number, blockBytes: number): number {
  return Math.max(2, Math.floor(defaultRingBytes(interfaces, workers) / blockBytes));
}

/** Throws `InputError` when rings of `wantedBytes` together leave too little memory. */
export function checkRingMemory(wantedBytes: number): void {
  const available = availableMemoryBytes();
  if (available === undefined || wantedBytes <= available * MEMORY_SHARE_MAX) return;
  const wantedMiB = Math.ceil(wantedBytes / MIB);
  const allowedMiB = Math.floor((available * MEMORY_SHARE_MAX) / MIB);
  throw new InputError(`rings of ${wantedMiB} MiB are more than a quarter of the free memory (${allowedMiB} MiB)`);
}

/** MemAvailable of the kernel; `undefined` where it does not tell. */
export function availableMemoryBytes(): number | undefined {
  try {
    const match = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    return match?.[1] === undefined ? undefined : Number(match[1]) * 1024;
  } catch {
    return undefined;
  }
}
