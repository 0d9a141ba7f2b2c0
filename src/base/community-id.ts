/** Community ID v1 of a TCP flow: the name under which other network tools know it. Seed 0. */
import { hash } from 'node:crypto';

const PROTOCOL_TCP = 6;
const DOT = 0x2e;
const ZERO = 0x30;

/** What is hashed: seed, two addresses, protocol, padding, two ports. With IPv4 addresses only a part is used. */
const scratch: Buffer = Buffer.alloc(2 + 16 + 16 + 2 + 4);

/** `1:` and the base64 of a SHA-1 over the ordered ends. Both directions give the same. */
export function communityId(addressA: string, portA: number, addressB: string, portB: number): string {
  const a = addressBytes(addressA);
  const b = addressBytes(addressB);
  const inOrder = (compareBytes(a, b) || portA - portB) <= 0;
  let at = 2;
  for (const byte of inOrder ? a : b) scratch[at++] = byte;
  for (const byte of inOrder ? b : a) scratch[at++] = byte;
  scratch[at++] = PROTOCOL_TCP;
  scratch[at++] = 0;
  at = scratch.writeUInt16BE(inOrder ? portA : portB, at);
  at = scratch.writeUInt16BE(inOrder ? portB : portA, at);
  return `1:${hash('sha1', scratch.subarray(0, at), 'base64')}`;
}

/** By the first byte that differs; a shorter one that is the beginning of the other comes first. */
function compareBytes(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Of a dotted quad or an IPv6 address without zone or embedded quad, as `FlowReader.address` writes them. */
function addressBytes(address: string): number[] {
  if (!address.includes(':')) return quadBytes(address);
  const [head = '', tail] = address.split('::');
  const before = groupBytes(head);
  const after = tail === undefined ? [] : groupBytes(tail);
  return [...before, ...Array<number>(16 - before.length - after.length).fill(0), ...after];
}

function quadBytes(quad: string): number[] {
  const bytes = [0, 0, 0, 0];
  let part = 0;
  for (let i = 0; i < quad.length; i++) {
    const character = quad.charCodeAt(i);
    if (character === DOT) part++;
    else bytes[part] = 10 * (bytes[part] ?? 0) + character - ZERO;
  }
  return bytes;
}

function groupBytes(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
