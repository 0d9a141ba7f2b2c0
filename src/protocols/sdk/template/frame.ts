/** Frames of the template protocol: type (1 byte), length of the whole frame (4 bytes, big-endian), body. */
import {
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  type FrameOut,
  type FrameVerdict,
} from '../../../contracts/protocol.ts';

export const FRAME_HEADER_BYTES = 5;
/** First body byte of a hello. */
export const MAGIC = 0xa5;

export const TYPE_HELLO = 0x48;
export const TYPE_QUERY = 0x51;
export const TYPE_ROW = 0x52;
export const TYPE_DONE = 0x44;
const TYPES = [TYPE_HELLO, TYPE_QUERY, TYPE_ROW, TYPE_DONE];

export function frame(bytes: Uint8Array, start: number, end: number, out: FrameOut): FrameVerdict {
  const type = bytes[start] as number;
  if (!TYPES.includes(type)) return FRAME_MALFORMED;
  out.need = FRAME_HEADER_BYTES;
  if (end - start < FRAME_HEADER_BYTES) return FRAME_MORE;
  out.type = type;
  out.length =
    (((bytes[start + 1] as number) << 24) |
      ((bytes[start + 2] as number) << 16) |
      ((bytes[start + 3] as number) << 8) |
      (bytes[start + 4] as number)) >>>
    0;
  if (out.length < FRAME_HEADER_BYTES) return FRAME_MALFORMED;
  if (type === TYPE_ROW) out.want = FRAME_HEADER_BYTES; // rows are counted, never held
  return FRAME_OK;
}
