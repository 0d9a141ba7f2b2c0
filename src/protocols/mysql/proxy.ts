/**
 * PROXY protocol header, versions 1 and 2 (HAProxy's `proxy-protocol.txt`), which a proxy sends before anything else to
 * tell the address of the true client.
 */
import { formatAddress } from '../../base/address.ts';
import { Cursor } from '../../base/cursor.ts';

const V1_PREFIX: Uint8Array = Buffer.from('PROXY ', 'latin1');
const V2_PREFIX: Uint8Array = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V1_BYTES_MAX = 107;
const V2_HEADER_BYTES = 16;
const V2_PROXY_COMMAND = 0x21;
const V2_IPV4 = 1;
const V2_IPV6 = 2;

/**
 * Length of the header at `start`; more than is there when it is incomplete; 0 when the bytes are no such header; -1
 * when they only begin like one.
 */
export function proxyHeader(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start];
  if (first === V1_PREFIX[0] && matches(bytes, start, end, V1_PREFIX)) return v1Length(bytes, start, end);
  if (first === V2_PREFIX[0] && matches(bytes, start, end, V2_PREFIX)) return v2Length(bytes, start, end);
  return 0;
}

/** The bytes are `prefix`, as far as they go. */
function matches(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  const count = Math.min(prefix.length, end - start);
  for (let i = 0; i < count; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}

function v1Length(bytes: Uint8Array, start: number, end: number): number {
  const stop = Math.min(end, start + V1_BYTES_MAX);
  for (let i = start; i + 1 < stop; i++) {
    if (bytes[i] === 0x0d && bytes[i + 1] === 0x0a) return i + 2 - start;
  }
  return end - start >= V1_BYTES_MAX ? -1 : end - start + 1;
}

function v2Length(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < V2_HEADER_BYTES) return V2_HEADER_BYTES;
  return V2_HEADER_BYTES + (((bytes[start + 14] as number) << 8) | (bytes[start + 15] as number));
}

/** Address of the client in a whole header; `undefined` when it tells none. */
export function proxiedAddress(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (bytes[start] === V1_PREFIX[0]) {
    const [, family, address] = Buffer.prototype.latin1Slice.call(bytes, start, end).split(' ');
    return family === 'TCP4' || family === 'TCP6' ? address : undefined;
  }
  if (end - start < V2_HEADER_BYTES || bytes[start + 12] !== V2_PROXY_COMMAND) return undefined;
  const family = (bytes[start + 13] as number) >> 4;
  const at = start + V2_HEADER_BYTES;
  if (family === V2_IPV4 && end - at >= 12) return Array.from(bytes.subarray(at, at + 4)).join('.');
  if (family === V2_IPV6 && end - at >= 36) {
    const cursor = new Cursor().reset(bytes, at, end);
    return formatAddress(cursor.i32be(), cursor.i32be(), cursor.i32be(), cursor.i32be());
  }
  return undefined;
}
