/** Classic pcap files as a list of frames (draft-ietf-opsawg-pcap): little-endian, as tcpdump writes them here. */
import { readFileSync, writeFileSync } from 'node:fs';

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const CAPTURED_LENGTH = 8;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;

export interface PcapFrames {
  readonly header: Buffer;
  /** Record headers (time and lengths) and the frames themselves, by the same index. */
  readonly records: readonly Buffer[];
  readonly frames: readonly Buffer[];
}

/** Throws on any other format: only the project's own captures are read. */
export function readPcap(path: string): PcapFrames {
  const bytes = readFileSync(path);
  if (bytes.readUInt32LE(0) !== MAGIC_MICROSECONDS)
    throw new Error(`${path}: not a little-endian pcap in microseconds`);
  const records: Buffer[] = [];
  const frames: Buffer[] = [];
  for (let at = FILE_HEADER_BYTES; at < bytes.length; ) {
    const start = at + RECORD_HEADER_BYTES;
    const end = start + bytes.readUInt32LE(at + CAPTURED_LENGTH);
    records.push(bytes.subarray(at, start));
    frames.push(bytes.subarray(start, end));
    at = end;
  }
  return { header: bytes.subarray(0, FILE_HEADER_BYTES), records, frames };
}

/** Times of the frames, by index. */
export function timesUs({ records }: PcapFrames): number[] {
  return records.map((record) => record.readUInt32LE(0) * 1_000_000 + record.readUInt32LE(4));
}

/** Writes the frames of `order` (indices into `from`, any number of times each), with times that still only rise. */
export function writePcap(path: string, from: PcapFrames, order: readonly number[]): void {
  const parts: Buffer[] = [from.header];
  let latest = 0;
  for (const index of order) {
    // A frame that comes late has the time of its arrival, which is that of the latest frame before it.
    latest = Math.max(latest, index);
    const own = from.records[index] as Buffer;
    const time = (from.records[latest] as Buffer).subarray(0, CAPTURED_LENGTH);
    parts.push(time, own.subarray(CAPTURED_LENGTH), from.frames[index] as Buffer);
  }
  writeFileSync(path, Buffer.concat(parts));
}
