/** How much memory a zstd frame asks for (RFC 8878 §3.1.1.1). */

const MAGIC = 0xfd2fb528;
const DESCRIPTOR = 4;
const WINDOW = 5;
const SINGLE_SEGMENT = 0x20;
const CONTENT_SIZE_SHIFT = 6;
const DICTIONARY_ID_BYTES: readonly number[] = [0, 1, 2, 4];
const HEADER_BYTES_MAX = 18;

/** Window of the frame that `bytes` start with, in bytes; 0 when that cannot be told. */
export function zstdWindowBytes(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES_MAX) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) return 0;
  const descriptor = view.getUint8(DESCRIPTOR);
  if ((descriptor & SINGLE_SEGMENT) === 0) {
    const window = view.getUint8(WINDOW);
    const base = 2 ** (10 + (window >>> 3));
    return base + (base / 8) * (window & 7);
  }
  // A frame of a single segment needs its whole content at once; its size follows the dictionary id.
  const at = WINDOW + (DICTIONARY_ID_BYTES[descriptor & 3] as number);
  switch (descriptor >>> CONTENT_SIZE_SHIFT) {
    case 0:
      return view.getUint8(at);
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}
