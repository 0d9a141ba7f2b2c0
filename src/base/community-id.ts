/** Community ID v1 of a TCP flow: the name under which other network tools know it. Seed 0. */
import { createHash } from 'node:crypto';

const PROTOCOL_TCP = 6;

/** `1:` and the base64 of a SHA-1 over the ordered ends. Both directions give the same. */
export function communityId(addressA: string, portA: number, addressB: string, portB: number): string {
  const a = endBytes(addressA, portA);
  const b = endBytes(addressB, portB);
  const inOrder = Buffer.compare(a, b) <= 0;
  const [low, high] = inOrder ? [a, b] : [b, a];
  const hash = createHash('sha1');
  hash.update(Buffer.alloc(2));
  hash.update(low.subarray(0, -2)).update(high.subarray(0, -2));
  hash.update(Buffer.from([PROTOCOL_TCP, 0]));
  hash.update(low.subarray(-2)).update(high.subarray(-2));
  return `1:${hash.digest('base64')}`;
}

/** Address in network order, then the port. */
function endBytes(address: string, port: number): Buffer {
  return Buffer.from([...addressBytes(address), port >> 8, port & 0xff]);
}

/** Of a dotted quad or an IPv6 address without zone or embedded quad, as `FlowReader.address` writes them. */
function addressBytes(address: string): number[] {
  if (!address.includes(':')) return address.split('.').map(Number);
  const [head = '', tail] = address.split('::');
  const before = groupBytes(head);
  const after = tail === undefined ? [] : groupBytes(tail);
  return [...before, ...Array<number>(16 - before.length - after.length).fill(0), ...after];
}

function groupBytes(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
