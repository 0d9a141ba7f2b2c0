/**
 * Reader of pcapng files (draft-ietf-opsawg-pcapng): sections in either byte order, any number of interfaces with their
 * own link type, time resolution and offset; enhanced, simple and obsolete packet blocks. Other blocks are skipped by
 * their length, however long, without being held.
 */
import { type ByteWindow, PACKET_BYTES_MAX, type RecordDecoder, type ReusedBatch } from '../batch.ts';
import { linkOf } from './link.ts';
import { PcapngClock } from './pcapng-clock.ts';

export const BLOCK_SECTION_HEADER = 0x0a0d0d0a;
export const BLOCK_INTERFACE = 1;
/** Obsolete since 2012, still found in old files. */
export const BLOCK_PACKET = 2;
export const BLOCK_SIMPLE_PACKET = 3;
export const BLOCK_INTERFACE_STATISTICS = 5;
export const BLOCK_ENHANCED_PACKET = 6;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** Every block (§3.1): type, total length, body, total length again. */
const BLOCK_LENGTH = 4;
const BLOCK_BODY = 8;
const BLOCK_FRAME_BYTES = 12;
const TRAILER_BYTES = 4;

/** Section header (§4.1): byte-order magic, version, section length. */
const SECTION_MAJOR = 12;
const SECTION_BYTES_MIN = 28;

/** Interface description (§4.2): link type, reserved, snap length, options. */
const INTERFACE_SNAP_LENGTH = 12;
const INTERFACE_OPTIONS = 16;
const INTERFACE_BYTES_MIN = 20;
const OPTION_HEADER_BYTES = 4;
const OPTION_END = 0;
const OPTION_TIME_RESOLUTION = 9;
const OPTION_TIME_OFFSET = 14;

/** Enhanced packet (§4.3). The obsolete packet (appendix A) differs in its first word only. */
const PACKET_TIME_HIGH = 12;
const PACKET_TIME_LOW = 16;
const PACKET_CAPTURED = 20;
const PACKET_WIRE = 24;
const PACKET_DATA = 28;

/** Simple packet (§4.4). */
const SIMPLE_WIRE = 8;
const SIMPLE_DATA = 12;

/** Interface statistics (§4.6): interface, time, options. Both counts tell of packets that the file lacks. */
const STATISTICS_OPTIONS = 20;
const STATISTICS_BYTES_MIN = 24;
const OPTION_INTERFACE_DROPS = 5;
const OPTION_SYSTEM_DROPS = 7;

/** A block that is read whole: the longest packet, its headers, and this much for options. */
const OPTIONS_BYTES_MAX = 64 * 1024;
export const BLOCK_BYTES_MAX: number = PACKET_BYTES_MAX + OPTIONS_BYTES_MAX;
/** Interfaces of one section. More is an error: the table must not grow with a hostile file. */
const INTERFACES_MAX = 65_536;

/** Counts above are not counts. */
const LOST_PACKETS_BELIEVED: bigint = 2n ** 48n;

interface SectionInterface {
  /** `LINK_*`, or the file's number for a link that nobody decodes (counted there). */
  readonly link: number;
  /** Bytes kept of each packet; 0 means all. */
  readonly snapBytes: number;
  readonly clock: PcapngClock;
  /** Packets that the capturing program says it lost; the last word counts. */
  lostPackets: number;
}

export class PcapngDecoder implements RecordDecoder {
  readonly #interfaceIndex: number;
  #littleEndian = true;
  #interfaces: SectionInterface[] = [];
  /** Bytes still to skip of a block that is not read, up to its trailing length. */
  #skipBytes = 0;
  /** Total length that the trailer of the skipped block must repeat; 0 when none is being skipped. */
  #skippedLength = 0;
  /** Simple packets carry no time: they are given that of the packet before. */
  #seconds = 0;
  #nanoseconds = 0;
  #lostInEarlierSections = 0;

  constructor(interfaceIndex: number) {
    this.#interfaceIndex = interfaceIndex;
  }

  atBoundary(): boolean {
    return this.#skippedLength === 0;
  }

  lostPackets(): number {
    return this.#interfaces.reduce((sum, each) => sum + each.lostPackets, this.#lostInEarlierSections);
  }

  decode(window: ByteWindow, batch: ReusedBatch): string | undefined {
    while (batch.count < batch.capacity) {
      if (this.#skippedLength > 0) {
        const failure = this.#skip(window);
        if (failure !== undefined) return failure;
        if (this.#skippedLength > 0) return undefined;
      }
      if (window.available() < BLOCK_FRAME_BYTES) return undefined;
      const at = window.start;
      const type = window.view.getUint32(at, this.#littleEndian);
      // The section header's type reads the same in both orders; its order must be known to read its length.
      if (type === BLOCK_SECTION_HEADER && !this.#readByteOrder(window)) return corrupt(window, 'no byte-order magic');
      const length = window.view.getUint32(at + BLOCK_LENGTH, this.#littleEndian);
      if (length < BLOCK_FRAME_BYTES || length % 4 !== 0) return corrupt(window, `a block of ${length} bytes`);
      if (!isRead(type)) {
        this.#skipBytes = length - TRAILER_BYTES;
        this.#skippedLength = length;
        continue;
      }
      if (length > BLOCK_BYTES_MAX) return corrupt(window, `a block of ${length} bytes`);
      if (window.available() < length) return undefined;
      if (window.view.getUint32(at + length - TRAILER_BYTES, this.#littleEndian) !== length) {
        return corrupt(window, 'the two lengths of a block differ');
      }
      const failure = this.#readBlock(window, type, at, length, batch);
      if (failure !== undefined) return failure;
      window.start = at + length;
    }
    return undefined;
  }

  #skip(window: ByteWindow): string | undefined {
    const skipped = Math.min(this.#skipBytes, window.available());
    window.start += skipped;
    this.#skipBytes -= skipped;
    if (this.#skipBytes > 0 || window.available() < TRAILER_BYTES) return undefined;
    if (window.view.getUint32(window.start, this.#littleEndian) !== this.#skippedLength) {
      return corrupt(window, 'the two lengths of a block differ');
    }
    window.start += TRAILER_BYTES;
    this.#skippedLength = 0;
    return undefined;
  }

  #readByteOrder(window: ByteWindow): boolean {
    const { view, start } = window;
    if (view.getUint32(start + BLOCK_BODY, true) === BYTE_ORDER_MAGIC) this.#littleEndian = true;
    else if (view.getUint32(start + BLOCK_BODY, false) === BYTE_ORDER_MAGIC) this.#littleEndian = false;
    else return false;
    return true;
  }

  #readBlock(window: ByteWindow, type: number, at: number, length: number, batch: ReusedBatch): string | undefined {
    switch (type) {
      case BLOCK_ENHANCED_PACKET:
        return this.#readPacket(window, window.view.getUint32(at + BLOCK_BODY, this.#littleEndian), length, batch);
      case BLOCK_PACKET:
        return this.#readPacket(window, window.view.getUint16(at + BLOCK_BODY, this.#littleEndian), length, batch);
      case BLOCK_SIMPLE_PACKET:
        return this.#readSimplePacket(window, length, batch);
      case BLOCK_INTERFACE:
        return this.#readInterface(window, length);
      case BLOCK_INTERFACE_STATISTICS:
        return this.#readStatistics(window, length);
      default:
        return this.#readSection(window, length);
    }
  }

  #readSection(window: ByteWindow, length: number): string | undefined {
    if (length < SECTION_BYTES_MIN) return corrupt(window, `a section header of ${length} bytes`);
    const major = window.view.getUint16(window.start + SECTION_MAJOR, this.#littleEndian);
    if (major !== 1) return `pcapng version ${major} is not supported`;
    this.#lostInEarlierSections = this.lostPackets();
    this.#interfaces = [];
    return undefined;
  }

  #readInterface(window: ByteWindow, length: number): string | undefined {
    if (length < INTERFACE_BYTES_MIN) return corrupt(window, `an interface description of ${length} bytes`);
    if (this.#interfaces.length >= INTERFACES_MAX) return corrupt(window, `more than ${INTERFACES_MAX} interfaces`);
    const { view, start } = window;
    const little = this.#littleEndian;
    const linkType = view.getUint16(start + BLOCK_BODY, little);
    let resolution = PcapngClock.RESOLUTION_DEFAULT;
    let offsetSeconds = 0;
    this.#eachOption(window, INTERFACE_OPTIONS, length, (code, at, valueBytes) => {
      if (code === OPTION_TIME_RESOLUTION && valueBytes >= 1) resolution = view.getUint8(at);
      if (code === OPTION_TIME_OFFSET && valueBytes >= 8) offsetSeconds = Number(view.getBigInt64(at, little));
    });
    this.#interfaces.push({
      link: linkOf(linkType) ?? linkType,
      snapBytes: view.getUint32(start + INTERFACE_SNAP_LENGTH, little),
      clock: new PcapngClock(resolution, offsetSeconds),
      lostPackets: 0,
    });
    return undefined;
  }

  #readStatistics(window: ByteWindow, length: number): string | undefined {
    if (length < STATISTICS_BYTES_MIN) return corrupt(window, `interface statistics of ${length} bytes`);
    const { view, start } = window;
    const from = this.#interfaces[view.getUint32(start + BLOCK_BODY, this.#littleEndian)];
    if (from === undefined) return undefined;
    let lostPackets = 0;
    this.#eachOption(window, STATISTICS_OPTIONS, length, (code, at, valueBytes) => {
      if ((code !== OPTION_INTERFACE_DROPS && code !== OPTION_SYSTEM_DROPS) || valueBytes < 8) return;
      // All ones mean "not known" to some writers.
      const count = view.getBigUint64(at, this.#littleEndian);
      if (count < LOST_PACKETS_BELIEVED) lostPackets += Number(count);
    });
    from.lostPackets = lostPackets;
    return undefined;
  }

  /** Options of the block at the window's start (§3.5): `visit(code, position of the value, its bytes)`. */
  #eachOption(
    window: ByteWindow,
    offset: number,
    length: number,
    visit: (code: number, at: number, valueBytes: number) => void,
  ): void {
    const { view, start } = window;
    const end = start + length - TRAILER_BYTES;
    let at = start + offset;
    while (end - at >= OPTION_HEADER_BYTES) {
      const code = view.getUint16(at, this.#littleEndian);
      const valueBytes = view.getUint16(at + 2, this.#littleEndian);
      const value = at + OPTION_HEADER_BYTES;
      if (code === OPTION_END || valueBytes > end - value) return;
      visit(code, value, valueBytes);
      at = value + ((valueBytes + 3) & ~3);
    }
  }

  #readPacket(window: ByteWindow, interfaceId: number, length: number, batch: ReusedBatch): string | undefined {
    const from = this.#interfaces[interfaceId];
    if (from === undefined) return corrupt(window, `a packet of interface ${interfaceId}, which is not described`);
    const { view, start } = window;
    const little = this.#littleEndian;
    if (length < PACKET_DATA + TRAILER_BYTES) return corrupt(window, `a packet block of ${length} bytes`);
    const captured = view.getUint32(start + PACKET_CAPTURED, little);
    if (captured > PACKET_BYTES_MAX || captured > length - PACKET_DATA - TRAILER_BYTES) {
      return corrupt(window, `a packet of ${captured} bytes in a block of ${length}`);
    }
    const { clock } = from;
    clock.read(view.getUint32(start + PACKET_TIME_HIGH, little), view.getUint32(start + PACKET_TIME_LOW, little));
    this.#seconds = clock.seconds;
    this.#nanoseconds = clock.nanoseconds;
    const wire = view.getUint32(start + PACKET_WIRE, little);
    const data = start + PACKET_DATA;
    batch.add(data, captured, wire, 0, from.link, this.#interfaceIndex, clock.seconds, clock.nanoseconds);
    return undefined;
  }

  #readSimplePacket(window: ByteWindow, length: number, batch: ReusedBatch): string | undefined {
    const from = this.#interfaces[0];
    if (from === undefined) return corrupt(window, 'a simple packet before any interface is described');
    if (length < SIMPLE_DATA + TRAILER_BYTES) return corrupt(window, `a simple packet block of ${length} bytes`);
    const wire = window.view.getUint32(window.start + SIMPLE_WIRE, this.#littleEndian);
    const kept = from.snapBytes === 0 ? wire : Math.min(wire, from.snapBytes);
    const captured = Math.min(kept, length - SIMPLE_DATA - TRAILER_BYTES, PACKET_BYTES_MAX);
    const data = window.start + SIMPLE_DATA;
    batch.add(data, captured, wire, 0, from.link, this.#interfaceIndex, this.#seconds, this.#nanoseconds);
    return undefined;
  }
}

function isRead(type: number): boolean {
  return (
    type === BLOCK_ENHANCED_PACKET ||
    type === BLOCK_PACKET ||
    type === BLOCK_SIMPLE_PACKET ||
    type === BLOCK_INTERFACE ||
    type === BLOCK_INTERFACE_STATISTICS ||
    type === BLOCK_SECTION_HEADER
  );
}

function corrupt(window: ByteWindow, what: string): string {
  return `corrupt at byte ${window.position()}: ${what}`;
}
