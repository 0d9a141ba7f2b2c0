/**
 * Which keys a segment may hold: a split block Bloom filter, as Apache Parquet specifies it (BloomFilter.md). A key has
 * one bit in each of the eight words of one block of 32 bytes. It never says no to a key that is there, and yes to about
 * one in two hundred that are not. All numbers are little-endian.
 */

const BLOCK_BYTES = 32;
const BLOCK_WORDS = 8;
/** Gives a wrong yes in 0.5 of a hundred. */
const BITS_PER_KEY = 12;
/** The multipliers that Parquet gives, one a word of the block. */
const SALTS = [0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31] as const;
const WORD_BITS_SHIFT = 27;
const WORD_RANGE = 2 ** 32;

/** Two words of hash of a key. */
export interface KeyHash {
  /** Chooses the block. */
  readonly high: number;
  /** Chooses the bits. */
  readonly low: number;
}

/** FNV-1a from two starting values, each through the murmur3 finaliser. */
export function hashKey(key: Uint8Array): KeyHash {
  let high = 0x811c9dc5;
  let low = 0x9747b28c;
  for (const byte of key) {
    high = Math.imul(high ^ byte, 0x01000193);
    low = Math.imul(low ^ byte, 0x01000193) ^ (low >>> 15);
  }
  return { high: finished(high), low: finished(low ^ key.length) };
}

function finished(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The filter of these keys, no two of them the same. */
export function encodeFilter(keys: readonly Uint8Array[]): Buffer {
  const blocks = Math.max(1, Math.ceil((keys.length * BITS_PER_KEY) / (BLOCK_BYTES * 8)));
  const bits = Buffer.alloc(blocks * BLOCK_BYTES);
  for (const key of keys) {
    const { high, low } = hashKey(key);
    const block = blockOf(high, bits);
    for (let word = 0; word < BLOCK_WORDS; word++) {
      const at = block + word * 4;
      bits.writeUInt32LE((bits.readUInt32LE(at) | bitOf(low, word)) >>> 0, at);
    }
  }
  return bits;
}

/** `bits`: as `encodeFilter` gave them. */
export function mayHold(bits: Buffer, { high, low }: KeyHash): boolean {
  const block = blockOf(high, bits);
  for (let word = 0; word < BLOCK_WORDS; word++) {
    if ((bits.readInt32LE(block + word * 4) & bitOf(low, word)) === 0) return false;
  }
  return true;
}

/** Whether the bytes can be a filter. */
export function isFilter(bits: Uint8Array): boolean {
  return bits.length > 0 && bits.length % BLOCK_BYTES === 0;
}

function blockOf(high: number, bits: Uint8Array): number {
  return Math.floor((high * (bits.length / BLOCK_BYTES)) / WORD_RANGE) * BLOCK_BYTES;
}

function bitOf(low: number, word: number): number {
  return 1 << (Math.imul(low, SALTS[word] as number) >>> WORD_BITS_SHIFT);
}
