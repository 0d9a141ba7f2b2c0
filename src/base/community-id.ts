/** Community ID flow hash, version 1, seed 0, for TCP: https://github.com/corelight/community-id-spec */
import { createHash } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';

const PROTOCOL_TCP = 6;

/**
 * `1:` and the base64 SHA-1 of the ordered 4-tuple; the same for both directions. Addresses in text form, IPv4 or
 * IPv6; an empty string when one of them is neither.
 */
export function communityId(addressA: string, portA: number, addressB: string, portB: number): string {
  const a = addressBytes(addressA);
  const b = addressBytes(addressB);
  if (a === undefined || b === undefined) return '';
  const order = Buffer.compare(a, b);
  const inOrder = order < 0 || (order === 0 && portA <= portB);
  const [low, lowPort, high, highPort] = inOrder ? [a, portA, b, portB] : [b, portB, a, portA];
  const tail = Buffer.from([PROTOCOL_TCP, 0, lowPort >>> 8, lowPort & 255, highPort >>> 8, highPort & 255]);
  const seed = Buffer.alloc(2);
  return `1:${createHash('sha1').update(seed).update(low).update(high).update(tail).digest('base64')}`;
}

function addressBytes(text: string): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = text.split('::');
  const front = groups(head);
  const back = groups(tail ?? '');
  const bytes = Buffer.alloc(16);
  front.forEach((group, i) => {
    bytes.writeUInt16BE(group, i * 2);
  });
  back.forEach((group, i) => {
    bytes.writeUInt16BE(group, 16 - (back.length - i) * 2);
  });
  return bytes;
}

/** The 16-bit groups of a part without `::`; a dotted quad at its end counts as two. */
function groups(part: string): number[] {
  const result: number[] = [];
  for (const piece of part === '' ? [] : part.split(':')) {
    if (!piece.includes('.')) {
      result.push(Number.parseInt(piece, 16));
      continue;
    }
    const [b0 = 0, b1 = 0, b2 = 0, b3 = 0] = piece.split('.').map(Number);
    result.push(b0 * 256 + b1, b2 * 256 + b3);
  }
  return result;
}
