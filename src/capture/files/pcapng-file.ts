/** A pcapng file (draft-ietf-opsawg-pcapng) that packets of any source are appended to, each with a comment. */
import { closeSync, fstatSync, writeSync } from 'node:fs';
import {
  DESCRIPTOR_CAPTURED_BYTES,
  DESCRIPTOR_INTERFACE,
  DESCRIPTOR_LINK,
  DESCRIPTOR_NANOSECONDS,
  DESCRIPTOR_OFFSET,
  DESCRIPTOR_SECONDS,
  DESCRIPTOR_VLAN,
  DESCRIPTOR_WIRE_BYTES,
  LINK_ETHERNET,
  VLAN_PRESENT,
  VLAN_SERVICE,
} from '../../contracts/packet.ts';
import { PcapngWriter } from './pcap-writer.ts';

const NANOSECONDS = 1_000_000_000n;
/** A VLAN tag stands behind the two Ethernet addresses. */
const TAG_OFFSET = 12;
const TAG_BYTES = 4;

export class PcapngFile {
  /** Bytes and packets written. */
  bytes = 0;
  packets = 0;
  private readonly fd: number;
  private readonly writer = new PcapngWriter();
  /** Interface number in the file by link type and capturing interface. */
  private readonly interfaces = new Map<number, number>();

  /** Takes over the descriptor of an empty file. Throws the system's error, as the other methods do. */
  constructor(fd: number) {
    this.fd = fd;
    this.put(this.writer.section());
  }

  /** Appends the packet that `descriptors` describes from word `d` on. */
  append(bytes: Uint8Array, descriptors: Int32Array, d: number, comment: string): void {
    const start = descriptors[d + DESCRIPTOR_OFFSET] as number;
    const link = descriptors[d + DESCRIPTOR_LINK] as number;
    const vlan = descriptors[d + DESCRIPTOR_VLAN] as number;
    const captured = bytes.subarray(start, start + (descriptors[d + DESCRIPTOR_CAPTURED_BYTES] as number));
    const isTagged = link === LINK_ETHERNET && (vlan & VLAN_PRESENT) !== 0 && captured.length >= TAG_OFFSET;
    const seconds = BigInt((descriptors[d + DESCRIPTOR_SECONDS] as number) >>> 0);
    const stamp = seconds * NANOSECONDS + BigInt(descriptors[d + DESCRIPTOR_NANOSECONDS] as number);
    const packet = {
      bytes: isTagged ? withTag(captured, vlan) : captured,
      wireBytes: (descriptors[d + DESCRIPTOR_WIRE_BYTES] as number) + (isTagged ? TAG_BYTES : 0),
    };
    const id = this.interfaceOf(link, descriptors[d + DESCRIPTOR_INTERFACE] as number);
    this.put(this.writer.enhancedPacket(id, stamp, packet, comment));
    this.packets++;
  }

  /** No name leads to the file any more: what is written is lost when it is closed. */
  isDeleted(): boolean {
    return fstatSync(this.fd).nlink === 0;
  }

  close(): void {
    closeSync(this.fd);
  }

  private interfaceOf(link: number, index: number): number {
    const key = link * 0x10000 + index;
    const known = this.interfaces.get(key);
    if (known !== undefined) return known;
    this.put(this.writer.interface({ link, resolution: 9 }));
    const id = this.interfaces.size;
    this.interfaces.set(key, id);
    return id;
  }

  private put(block: Uint8Array): void {
    for (let written = 0; written < block.length; ) written += writeSync(this.fd, block, written);
    this.bytes += block.length;
  }
}

/** Puts the tag that the kernel stripped back into an Ethernet frame. */
function withTag(frame: Uint8Array, vlan: number): Uint8Array {
  const tagged = new Uint8Array(frame.length + TAG_BYTES);
  const etherType = (vlan & VLAN_SERVICE) === 0 ? [0x81, 0x00] : [0x88, 0xa8];
  tagged.set(frame.subarray(0, TAG_OFFSET));
  tagged.set([...etherType, (vlan >> 8) & 0xff, vlan & 0xff], TAG_OFFSET);
  tagged.set(frame.subarray(TAG_OFFSET), TAG_OFFSET + TAG_BYTES);
  return tagged;
}
