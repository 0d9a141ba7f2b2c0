/**
 * Advanced networking option: the negotiation in DATA packets that begin with de ad be ef, before the first TTC
 * message. Only the server's reply tells: the cipher chosen by service 2 and the checksum chosen by service 3.
 */
import { Cursor } from '../../base/cursor.ts';

export interface AnoChoice {
  /** Number of the chosen cipher; 0: none. */
  readonly cipher: number;
  /** Bytes that integrity protection appends to every later DATA packet. */
  readonly macBytes: number;
}

const SERVICE_ENCRYPTION = 2;
const SERVICE_INTEGRITY = 3;
const SUBPACKET_UB1 = 2;
const SERVICES_MAX = 16;
/** Digest bytes by the number of the checksum: MD5, SHA-1, SHA-512, SHA-256, SHA-384. */
const DIGEST_BYTES: readonly number[] = [0, 16, 0, 20, 64, 32, 48];

export const CIPHER_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'RC4_40'],
  [2, 'DES56C'],
  [3, 'DES40C'],
  [6, 'RC4_256'],
  [8, 'RC4_56'],
  [10, 'RC4_128'],
  [11, '3DES112'],
  [12, '3DES168'],
  [15, 'AES128'],
  [16, 'AES192'],
  [17, 'AES256'],
]);

export function isAno(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start >= 4 &&
    bytes[start] === 0xde &&
    bytes[start + 1] === 0xad &&
    bytes[start + 2] === 0xbe &&
    bytes[start + 3] === 0xef
  );
}

/** Reads a server's reply, `bytes[start, end)` from the magic on. What it does not mention stays 0. */
export function readAnoReply(bytes: Uint8Array, start: number, end: number): AnoChoice {
  const cursor = new Cursor().reset(bytes, start, end);
  cursor.skip(4 + 2 + 4);
  const services = Math.min(cursor.u16be(), SERVICES_MAX);
  cursor.skip(1);
  let cipher = 0;
  let macBytes = 0;
  for (let i = 0; i < services && !cursor.failed; i++) {
    const service = cursor.u16be();
    const subpackets = cursor.u16be();
    cursor.skip(4);
    for (let k = 0; k < subpackets && !cursor.failed; k++) {
      const length = cursor.u16be();
      const type = cursor.u16be();
      const chosen = type === SUBPACKET_UB1 && length === 1 ? Math.max(0, cursor.peek()) : 0;
      cursor.skip(length);
      if (cursor.failed || chosen === 0) continue;
      if (service === SERVICE_ENCRYPTION) cipher = chosen;
      else if (service === SERVICE_INTEGRITY) macBytes = (DIGEST_BYTES[chosen] ?? 0) + 1;
    }
  }
  return { cipher, macBytes };
}
