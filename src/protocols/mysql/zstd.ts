/**
 * Zstandard payloads (RFC 8878), within limits: a few bytes can stand for megabytes, ask for a window of gigabytes, or
 * make a decoder busy with blocks of nothing. The frame's header is replaced by one that asks for what is needed.
 */
import { Decompress } from 'fzstd';

const MAGIC: readonly number[] = [0x28, 0xb5, 0x2f, 0xfd];
const DESCRIPTOR_AT = 4;
const SINGLE_SEGMENT = 0x20;
/** Bytes of the dictionary's id, and of the content's size, by their two-bit codes. */
const DICTIONARY_BYTES: readonly number[] = [0, 1, 2, 4];
const SIZE_BYTES: readonly number[] = [0, 2, 4, 8];
/** Least window: 1 KiB, doubled with each step of the exponent. */
const WINDOW_BITS_MIN = 10;
const WINDOW_EXPONENT_SHIFT = 3;
const BLOCK_BYTES_MAX = 128 * 1024;
/** An encoder fills its blocks, or splits them in a few: more of them than these, and one for so many bytes, are a bomb. */
const BLOCKS_MIN = 64;
const BLOCK_BYTES_MIN = 4096;

export function isZstd(bytes: Uint8Array, at: number): boolean {
  return MAGIC.every((byte, i) => bytes[at + i] === byte);
}

/** The first bytes of what `payload` stands for, at most `bytesMax`: as far as it goes, and as far as it is sound. */
export function inflateZstd(payload: Uint8Array, bytesMax: number): Uint8Array {
  const plain = new Uint8Array(bytesMax);
  const blocksMax = BLOCKS_MIN + bytesMax / BLOCK_BYTES_MIN;
  let length = 0;
  let blocks = 0;
  const decoder = new Decompress((block) => {
    const count = Math.min(block.length, bytesMax - length);
    plain.set(block.subarray(0, count), length);
    length += count;
    blocks++;
    if (length === bytesMax || blocks > blocksMax) throw ENOUGH;
  });
  try {
    const header = headerOf(payload);
    const windowBytes = Math.max(bytesMax, Math.min(header.windowBytes, BLOCK_BYTES_MAX));
    decoder.push(Uint8Array.from([...MAGIC, 0, windowDescriptor(windowBytes)]));
    decoder.push(payload.subarray(header.bytes), true);
  } catch {
    // Enough, damaged, or the checksum behind the last block, which is not looked for: what came is there.
  }
  return plain.subarray(0, length);
}

const ENOUGH = new Error('enough');

interface Header {
  /** Its length, magic number included. */
  readonly bytes: number;
  readonly windowBytes: number;
}

/** Frame_Header: descriptor, window unless the content is one segment, dictionary id, size of the content. */
function headerOf(payload: Uint8Array): Header {
  const descriptor = payload[DESCRIPTOR_AT] ?? 0;
  const isSingle = (descriptor & SINGLE_SEGMENT) !== 0;
  const sizeCode = descriptor >> 6;
  const sizeBytes = sizeCode === 0 && isSingle ? 1 : (SIZE_BYTES[sizeCode] as number);
  const windowAt = DESCRIPTOR_AT + 1;
  const sizeAt = windowAt + (isSingle ? 0 : 1) + (DICTIONARY_BYTES[descriptor & 3] as number);
  const windowBytes = isSingle ? contentBytes(payload, sizeAt, sizeBytes) : windowOf(payload[windowAt] ?? 0);
  return { bytes: sizeAt + sizeBytes, windowBytes };
}

/** Frame_Content_Size; two bytes count from 256 on. */
function contentBytes(payload: Uint8Array, at: number, sizeBytes: number): number {
  let value = 0;
  for (let i = sizeBytes - 1; i >= 0; i--) value = value * 256 + (payload[at + i] ?? 0);
  return sizeBytes === 2 ? value + 256 : value;
}

/** Window_Descriptor: exponent, and eighths of it. */
function windowOf(descriptor: number): number {
  const base = 2 ** (WINDOW_BITS_MIN + (descriptor >> WINDOW_EXPONENT_SHIFT));
  return base + (base / 8) * (descriptor & 7);
}

/** The least power of two that `bytes` lie in. */
function windowDescriptor(bytes: number): number {
  const bits = Math.max(WINDOW_BITS_MIN, Math.ceil(Math.log2(Math.max(1, bytes))));
  return (bits - WINDOW_BITS_MIN) << WINDOW_EXPONENT_SHIFT;
}
