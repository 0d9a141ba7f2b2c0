/** Blocks of little-endian pcapng files (draft-ietf-opsawg-pcapng), such as `PcapngFile` writes. */
import { OPTION_COMMENT } from './pcap-writer.ts';
import { BLOCK_ENHANCED_PACKET } from './pcapng.ts';

const BLOCK_BYTES_MIN = 12;
const PACKET_HEADER_BYTES = 28;
const OPTION_HEADER_BYTES = 4;

/** Whole blocks, in order; ends where the file is cut off or makes no sense. */
export function* pcapngBlocks(file: Uint8Array): Generator<Uint8Array, void, void> {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = 0; at + BLOCK_BYTES_MIN <= file.length; ) {
    const length = view.getUint32(at + 4, true);
    if (length < BLOCK_BYTES_MIN || length % 4 !== 0 || at + length > file.length) return;
    yield file.subarray(at, at + length);
    at += length;
  }
}

/** First comment of an enhanced packet block, empty when it has none; `undefined` for any other block. */
export function commentOf(block: Uint8Array): string | undefined {
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  if (view.getUint32(0, true) !== BLOCK_ENHANCED_PACKET) return undefined;
  const end = block.length - OPTION_HEADER_BYTES;
  if (end < PACKET_HEADER_BYTES) return '';
  let at = PACKET_HEADER_BYTES + padded(view.getUint32(20, true));
  while (at + OPTION_HEADER_BYTES <= end) {
    const code = view.getUint16(at, true);
    const start = at + OPTION_HEADER_BYTES;
    const length = view.getUint16(at + 2, true);
    if (code === OPTION_COMMENT) return Buffer.from(block.subarray(start, Math.min(end, start + length))).toString();
    if (code === 0) break;
    at = start + padded(length);
  }
  return '';
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
