/** Writers of capture files: for tests, recorded evidence and benches. Formats as in `pcap.ts` and `pcapng.ts`. */
import { LINK_ETHERNET } from '../../contracts/packet.ts';
import {
  BLOCK_ENHANCED_PACKET,
  BLOCK_INTERFACE,
  BLOCK_INTERFACE_STATISTICS,
  BLOCK_PACKET,
  BLOCK_SECTION_HEADER,
  BLOCK_SIMPLE_PACKET,
  BYTE_ORDER_MAGIC,
} from './pcapng.ts';

/** A packet to write. */
export interface CapturedPacket {
  readonly bytes: Uint8Array;
  /** Nanoseconds since 1970. */
  readonly tsNs: bigint;
  /** Length on the wire, when only its first part was captured. */
  readonly wireBytes?: number;
}

export interface PcapFormat {
  readonly littleEndian?: boolean;
  /** `ns` by default. */
  readonly resolution?: 'us' | 'ns';
  readonly link?: number;
  readonly snapBytes?: number;
  /** Writes the variant with 24-byte record headers (microseconds). */
  readonly modified?: boolean;
}

const SNAP_BYTES_DEFAULT = 262_144;
const NANOSECONDS = 1_000_000_000n;
const PCAP_HEADER_BYTES = 24;

/** The 24 bytes that a pcap file starts with. */
export function pcapHeader(format: PcapFormat = {}): Uint8Array {
  const little = format.littleEndian ?? true;
  const header = new Uint8Array(PCAP_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, pcapMagic(format), little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, format.snapBytes ?? SNAP_BYTES_DEFAULT, little);
  view.setUint32(20, format.link ?? LINK_ETHERNET, little);
  return header;
}

function pcapMagic(format: PcapFormat): number {
  if (format.modified === true) return 0xa1b2cd34;
  return format.resolution === 'us' ? 0xa1b2c3d4 : 0xa1b23c4d;
}

/** One record, header and bytes, to be appended to a file that starts with `pcapHeader(format)`. */
export function pcapRecord(packet: CapturedPacket, format: PcapFormat = {}): Uint8Array {
  const little = format.littleEndian ?? true;
  const headerBytes = format.modified === true ? 24 : 16;
  const record = new Uint8Array(headerBytes + packet.bytes.length);
  const view = new DataView(record.buffer);
  const nanoseconds = Number(packet.tsNs % NANOSECONDS);
  const inMicroseconds = format.modified === true || format.resolution === 'us';
  view.setUint32(0, Number(packet.tsNs / NANOSECONDS), little);
  view.setUint32(4, inMicroseconds ? Math.floor(nanoseconds / 1000) : nanoseconds, little);
  view.setUint32(8, packet.bytes.length, little);
  view.setUint32(12, packet.wireBytes ?? packet.bytes.length, little);
  record.set(packet.bytes, headerBytes);
  return record;
}

/** A whole pcap file. */
export function pcapFile(packets: Iterable<CapturedPacket>, format: PcapFormat = {}): Uint8Array {
  const parts = [pcapHeader(format)];
  for (const packet of packets) parts.push(pcapRecord(packet, format));
  return new Uint8Array(Buffer.concat(parts));
}

export interface PcapngInterface {
  readonly link?: number;
  readonly snapBytes?: number;
  /** `if_tsresol` as stored: 9 is nanoseconds, 0x80 + n is 2^-n. Left out, the file means microseconds. */
  readonly resolution?: number;
  readonly offsetSeconds?: number;
  readonly name?: string;
}

/** Comment of any block. */
export const OPTION_COMMENT = 1;
const OPTION_NAME = 2;
const OPTION_TIME_RESOLUTION = 9;
const OPTION_TIME_OFFSET = 14;
const OPTION_INTERFACE_DROPS = 5;

/** Blocks of a pcapng file in one byte order. The caller concatenates them. */
export class PcapngWriter {
  readonly #little: boolean;

  constructor(littleEndian = true) {
    this.#little = littleEndian;
  }

  section(): Uint8Array {
    const body = new Uint8Array(16);
    const view = new DataView(body.buffer);
    view.setUint32(0, BYTE_ORDER_MAGIC, this.#little);
    view.setUint16(4, 1, this.#little);
    view.setBigInt64(8, -1n, this.#little);
    return this.block(BLOCK_SECTION_HEADER, body);
  }

  interface(description: PcapngInterface = {}): Uint8Array {
    const fixed = new Uint8Array(8);
    const view = new DataView(fixed.buffer);
    view.setUint16(0, description.link ?? LINK_ETHERNET, this.#little);
    view.setUint32(4, description.snapBytes ?? 0, this.#little);
    const options: Uint8Array[] = [];
    if (description.name !== undefined) options.push(this.#option(OPTION_NAME, Buffer.from(description.name)));
    if (description.resolution !== undefined) {
      options.push(this.#option(OPTION_TIME_RESOLUTION, Uint8Array.of(description.resolution)));
    }
    if (description.offsetSeconds !== undefined) {
      const value = new Uint8Array(8);
      new DataView(value.buffer).setBigInt64(0, BigInt(description.offsetSeconds), this.#little);
      options.push(this.#option(OPTION_TIME_OFFSET, value));
    }
    if (options.length > 0) options.push(new Uint8Array(4));
    return this.block(BLOCK_INTERFACE, Buffer.concat([fixed, ...options]));
  }

  /** `stamp` is in units of the interface's resolution. */
  enhancedPacket(
    interfaceId: number,
    stamp: bigint,
    packet: Omit<CapturedPacket, 'tsNs'>,
    comment?: string,
  ): Uint8Array {
    const fixed = this.#packetHeader(stamp, packet);
    new DataView(fixed.buffer).setUint32(0, interfaceId, this.#little);
    const parts = [fixed, packet.bytes];
    if (comment !== undefined) {
      const padding = new Uint8Array(padded(packet.bytes.length) - packet.bytes.length);
      parts.push(padding, this.#option(OPTION_COMMENT, Buffer.from(comment)), new Uint8Array(4));
    }
    return this.block(BLOCK_ENHANCED_PACKET, Buffer.concat(parts));
  }

  obsoletePacket(interfaceId: number, stamp: bigint, packet: Omit<CapturedPacket, 'tsNs'>): Uint8Array {
    const fixed = this.#packetHeader(stamp, packet);
    new DataView(fixed.buffer).setUint16(0, interfaceId, this.#little);
    return this.block(BLOCK_PACKET, Buffer.concat([fixed, packet.bytes]));
  }

  simplePacket(packet: Omit<CapturedPacket, 'tsNs'>): Uint8Array {
    const fixed = new Uint8Array(4);
    new DataView(fixed.buffer).setUint32(0, packet.wireBytes ?? packet.bytes.length, this.#little);
    return this.block(BLOCK_SIMPLE_PACKET, Buffer.concat([fixed, packet.bytes]));
  }

  /** Interface statistics with the packets that the interface dropped. */
  statistics(interfaceId: number, droppedPackets: bigint): Uint8Array {
    const fixed = new Uint8Array(12);
    new DataView(fixed.buffer).setUint32(0, interfaceId, this.#little);
    const value = new Uint8Array(8);
    new DataView(value.buffer).setBigUint64(0, droppedPackets, this.#little);
    const options = [this.#option(OPTION_INTERFACE_DROPS, value), new Uint8Array(4)];
    return this.block(BLOCK_INTERFACE_STATISTICS, Buffer.concat([fixed, ...options]));
  }

  /** Any block: `body` is padded to four bytes. */
  block(type: number, body: Uint8Array): Uint8Array {
    const length = 12 + padded(body.length);
    const block = new Uint8Array(length);
    const view = new DataView(block.buffer);
    view.setUint32(0, type, this.#little);
    view.setUint32(4, length, this.#little);
    block.set(body, 8);
    view.setUint32(length - 4, length, this.#little);
    return block;
  }

  #packetHeader(stamp: bigint, packet: Omit<CapturedPacket, 'tsNs'>): Uint8Array {
    const fixed = new Uint8Array(20);
    const view = new DataView(fixed.buffer);
    view.setUint32(4, Number(BigInt.asUintN(32, stamp >> 32n)), this.#little);
    view.setUint32(8, Number(BigInt.asUintN(32, stamp)), this.#little);
    view.setUint32(12, packet.bytes.length, this.#little);
    view.setUint32(16, packet.wireBytes ?? packet.bytes.length, this.#little);
    return fixed;
  }

  #option(code: number, value: Uint8Array): Uint8Array {
    const option = new Uint8Array(4 + padded(value.length));
    const view = new DataView(option.buffer);
    view.setUint16(0, code, this.#little);
    view.setUint16(2, value.length, this.#little);
    option.set(value, 4);
    return option;
  }
}

/** A whole pcapng file: one section, one Ethernet interface, nanoseconds. */
export function pcapngFile(packets: Iterable<CapturedPacket>, link: number = LINK_ETHERNET): Uint8Array {
  const writer = new PcapngWriter();
  const parts = [writer.section(), writer.interface({ link, resolution: 9 })];
  for (const packet of packets) parts.push(writer.enhancedPacket(0, packet.tsNs, packet));
  return new Uint8Array(Buffer.concat(parts));
}

function padded(bytes: number): number {
  return (bytes + 3) & ~3;
}
