/**
 * Reader of classic pcap files (draft-ietf-opsawg-pcap): both byte orders, microseconds and nanoseconds, and the
 * variant with eight more bytes a record that some Linux systems wrote ("modified", magic a1b2cd34).
 */
import { type ByteWindow, PACKET_BYTES_MAX, type RecordDecoder, type ReusedBatch } from '../batch.ts';
import { linkOf, unsupportedLink } from './link.ts';

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const MAGIC_MODIFIED = 0xa1b2cd34;

/** File header (§4): magic, version, two unused words, snap length, link type. */
export const PCAP_HEADER_BYTES = 24;
const HEADER_MAJOR = 4;
const HEADER_MINOR = 6;
const HEADER_LINK = 20;
/** The link type proper; the bits above tell of a frame check sequence. */
const LINK_MASK = 0xffff;

/** Record header (§5): seconds, fraction, captured length, wire length. */
const RECORD_BYTES = 16;
const RECORD_BYTES_MODIFIED = 24;
const RECORD_FRACTION = 4;
const RECORD_CAPTURED = 8;
const RECORD_WIRE = 12;

const NANOSECONDS = 1_000_000_000;

/** Byte order of a pcap file by its first four bytes; `undefined` when it is none. */
export function pcapLittleEndian(view: DataView, at: number): boolean | undefined {
  if (isMagic(view.getUint32(at, true))) return true;
  return isMagic(view.getUint32(at, false)) ? false : undefined;
}

function isMagic(word: number): boolean {
  return word === MAGIC_MICROSECONDS || word === MAGIC_NANOSECONDS || word === MAGIC_MODIFIED;
}

export class PcapDecoder implements RecordDecoder {
  readonly #interfaceIndex: number;
  readonly #littleEndian: boolean;
  #headerDone = false;
  #link = 0;
  #recordHeaderBytes = RECORD_BYTES;
  /** Nanoseconds of one unit of the fraction. */
  #unitNs = 1000;

  constructor(littleEndian: boolean, interfaceIndex: number) {
    this.#littleEndian = littleEndian;
    this.#interfaceIndex = interfaceIndex;
  }

  atBoundary(): boolean {
    return this.#headerDone;
  }

  /** The format has no place for it. */
  lostPackets(): number {
    return 0;
  }

  decode(window: ByteWindow, batch: ReusedBatch): string | undefined {
    if (!this.#headerDone) {
      if (window.available() < PCAP_HEADER_BYTES) return undefined;
      const failure = this.#readHeader(window);
      if (failure !== undefined) return failure;
    }
    return this.#readRecords(window, batch);
  }

  #readHeader(window: ByteWindow): string | undefined {
    const { view, start } = window;
    const little = this.#littleEndian;
    const major = view.getUint16(start + HEADER_MAJOR, little);
    const minor = view.getUint16(start + HEADER_MINOR, little);
    // Before 2.4 the two lengths of a record were in the other order, or either; nothing has written that since 1998.
    if (major !== 2 || minor < 4) return `pcap version ${major}.${minor} is not supported`;
    const linkType = view.getUint32(start + HEADER_LINK, little) & LINK_MASK;
    const link = linkOf(linkType);
    if (link === undefined) return unsupportedLink(linkType);
    const magic = view.getUint32(start, little);
    this.#unitNs = magic === MAGIC_NANOSECONDS ? 1 : 1000;
    this.#recordHeaderBytes = magic === MAGIC_MODIFIED ? RECORD_BYTES_MODIFIED : RECORD_BYTES;
    this.#link = link;
    this.#headerDone = true;
    window.start = start + PCAP_HEADER_BYTES;
    return undefined;
  }

  #readRecords(window: ByteWindow, batch: ReusedBatch): string | undefined {
    const { view, end } = window;
    const little = this.#littleEndian;
    const unitNs = this.#unitNs;
    const headerBytes = this.#recordHeaderBytes;
    let at = window.start;
    let failure: string | undefined;
    while (end - at >= headerBytes && batch.count < batch.capacity) {
      const captured = view.getUint32(at + RECORD_CAPTURED, little);
      if (captured > PACKET_BYTES_MAX) {
        failure = `corrupt at byte ${window.base + at}: a packet of ${captured} bytes`;
        break;
      }
      if (end - at - headerBytes < captured) break;
      let seconds = view.getUint32(at, little);
      let nanoseconds = view.getUint32(at + RECORD_FRACTION, little) * unitNs;
      if (nanoseconds >= NANOSECONDS) {
        seconds += Math.floor(nanoseconds / NANOSECONDS);
        nanoseconds %= NANOSECONDS;
      }
      const wire = view.getUint32(at + RECORD_WIRE, little);
      batch.add(at + headerBytes, captured, wire, 0, this.#link, this.#interfaceIndex, seconds, nanoseconds);
      at += headerBytes + captured;
    }
    window.start = at;
    return failure;
  }
}
