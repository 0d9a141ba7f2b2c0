/**
 * What a request begins with, from which its version can be told where no login was seen.
 *
 * ALL_HEADERS (MS-TDS §2.2.5.3) stands before batches, calls and transaction requests from TDS 7.2 on. Older clients
 * have none, and nothing says so: it is there when its lengths add up.
 */
import { Cursor } from '../../base/cursor.ts';

const TRANSACTION_DESCRIPTOR = 2;
const HEADER_TYPE_MAX = 3;
/** Query notifications carry two texts; nothing is longer. */
const HEADERS_BYTES_MAX = 16 * 1024;

/** Bytes of ALL_HEADERS at the start of `bytes[start, end)`; 0 when there are none. */
export function headersLength(bytes: Uint8Array, start: number, end: number): number {
  const cursor = new Cursor().reset(bytes, start, end);
  const total = cursor.u32le();
  if (cursor.failed || total < 4 || total > HEADERS_BYTES_MAX || total > end - start) return 0;
  cursor.end = start + total;
  while (cursor.remaining() > 0) {
    const length = cursor.u32le();
    const type = cursor.u16le();
    if (length < 6 || type < 1 || type > HEADER_TYPE_MAX || !cursor.skip(length - 6)) return 0;
  }
  return cursor.failed ? 0 : total;
}

/** True or false as the descriptor says a transaction is open; `undefined` without one. */
export function inTransaction(bytes: Uint8Array, start: number, length: number): boolean | undefined {
  const cursor = new Cursor().reset(bytes, start + 4, start + length);
  while (cursor.remaining() >= 6) {
    const size = cursor.u32le();
    const type = cursor.u16le();
    if (type === TRANSACTION_DESCRIPTOR && size >= 14) return cursor.u64le() !== 0n;
    cursor.skip(size - 6);
  }
  return undefined;
}

/** A call of TDS 4.2 begins with its name's length in one byte, then the name: in a later one a zero is among these. */
export function hasOldName(bytes: Uint8Array, start: number, end: number): boolean {
  const length = bytes[start] ?? 0;
  if (length === 0 || length > end - start - 3) return false;
  for (let at = start + 1; at <= start + length; at++) {
    const byte = bytes[at] as number;
    if (byte < 0x20 || byte === 0x7f) return false;
  }
  return true;
}
