/**
 * JSON as clients bind it (OSON: a dictionary of field names, and a tree of nodes at offsets), as JSON text. Offsets are
 * the client's word: nodes and depth are limited, so that neither loops nor shared nodes matter.
 */
import { Cursor } from '../../base/cursor.ts';
import { decodeText, toHex } from '../../base/text.ts';
import { float, intervalDs, intervalYm, numberValue, timestamp, timestampWithZone } from './scalars.ts';
import { vectorText } from './vector.ts';

const MAGIC = 0xff4a5a;
const VERSION_SHORT_NAMES = 1;
const VERSION_LONG_NAMES = 3;
const FLAG_RELATIVE = 0x0001;
const FLAG_NAMES_32 = 0x0008;
const FLAG_SCALAR = 0x0010;
const FLAG_NAMES_16 = 0x0400;
const FLAG_NAME_SEGMENT_32 = 0x0800;
const FLAG_TREE_32 = 0x1000;
const FLAG_LONG_SEGMENT_16 = 0x0100;
/** Longer images are not spelt out. */
const IMAGE_BYTES_MAX = 4096;
const NODES_MAX = 4096;
const DEPTH_MAX = 64;
const TEXT_UNITS_MAX = 16_384;

/** Text of the image; `undefined` for what is no image, contradicts itself or is too long. */
export function osonText(image: Uint8Array): string | undefined {
  if (image.length > IMAGE_BYTES_MAX) return undefined;
  const decoder = new OsonDecoder(image);
  const text = decoder.decode();
  return decoder.failed ? undefined : text;
}

class OsonDecoder {
  failed = false;
  private readonly cursor: Cursor;
  private names: string[] = [];
  private nameIdBytes: 1 | 2 | 4 = 1;
  private relative = false;
  private treeStart = 0;
  private nodes = 0;
  private units = 0;

  constructor(image: Uint8Array) {
    this.cursor = new Cursor().reset(image, 0, image.length);
  }

  decode(): string {
    const { cursor } = this;
    if (cursor.u8() * 65_536 + cursor.u16be() !== MAGIC) return this.fail();
    const version = cursor.u8();
    if (version !== VERSION_SHORT_NAMES && version !== VERSION_LONG_NAMES) return this.fail();
    const flags = cursor.u16be();
    this.relative = (flags & FLAG_RELATIVE) !== 0;
    if ((flags & FLAG_SCALAR) !== 0) {
      cursor.skip((flags & FLAG_TREE_32) !== 0 ? 4 : 2);
      return this.node(0);
    }
    this.nameIdBytes = (flags & FLAG_NAMES_32) !== 0 ? 4 : (flags & FLAG_NAMES_16) !== 0 ? 2 : 1;
    const names = this.uint(this.nameIdBytes);
    const offsetBytes = (flags & FLAG_NAME_SEGMENT_32) !== 0 ? 4 : 2;
    const segmentBytes = this.uint(offsetBytes);
    let long = { count: 0, offsetBytes: 4 as 2 | 4, segmentBytes: 0 };
    if (version === VERSION_LONG_NAMES) {
      const wide = (cursor.u16be() & FLAG_LONG_SEGMENT_16) === 0;
      long = { offsetBytes: wide ? 4 : 2, count: cursor.u32be(), segmentBytes: cursor.u32be() };
    }
    cursor.skip((flags & FLAG_TREE_32) !== 0 ? 4 : 2);
    cursor.skip(2); // number of tiny nodes
    this.readNames(names, offsetBytes, segmentBytes, 1);
    this.readNames(long.count, long.offsetBytes, long.segmentBytes, 2);
    this.treeStart = cursor.pos;
    return this.node(0);
  }

  private fail(): string {
    this.failed = true;
    return '';
  }

  private uint(bytes: 1 | 2 | 4): number {
    const { cursor } = this;
    return bytes === 1 ? cursor.u8() : bytes === 2 ? cursor.u16be() : cursor.u32be();
  }

  /** Hashes, offsets, and the segment in which each name stands behind its length. */
  private readNames(count: number, offsetBytes: 2 | 4, segmentBytes: number, lengthBytes: 1 | 2): void {
    const { cursor } = this;
    if (count * (lengthBytes + offsetBytes) > cursor.remaining()) {
      this.failed = true;
      return;
    }
    cursor.skip(count * lengthBytes);
    const offsets = Array.from({ length: count }, () => this.uint(offsetBytes));
    const segment = cursor.pos;
    if (!cursor.skip(segmentBytes)) this.failed = true;
    for (const offset of offsets) {
      const name = new Cursor().reset(cursor.bytes, Math.min(segment + offset, cursor.pos), cursor.pos);
      const length = lengthBytes === 1 ? name.u8() : name.u16be();
      this.names.push(name.text(length, 'utf8'));
    }
  }

  private node(depth: number): string {
    const { cursor } = this;
    const type = cursor.u8();
    if (cursor.failed || this.failed || ++this.nodes > NODES_MAX || depth > DEPTH_MAX) return this.fail();
    const text = (type & 0x80) !== 0 ? this.container(type, depth) : this.scalar(type);
    if (text === undefined || cursor.failed) return this.fail();
    this.units += text.length;
    return this.units > TEXT_UNITS_MAX ? this.fail() : text;
  }

  private container(type: number, depth: number): string | undefined {
    const { cursor } = this;
    const from = cursor.pos - 1 - this.treeStart;
    const isObject = (type & 0x40) === 0;
    const offsetBytes = (type & 0x20) !== 0 ? 4 : 2;
    let count = this.children(type);
    let ids = cursor.pos;
    let offsets = isObject && count !== undefined ? ids + this.nameIdBytes * count : ids;
    if (count === undefined) {
      // The names are those of another object.
      const shared = this.uint(offsetBytes);
      offsets = cursor.pos;
      if (!this.goTo(this.treeStart + shared)) return undefined;
      count = this.children(cursor.u8());
      ids = cursor.pos;
      if (count === undefined) return undefined;
    }
    const parts: string[] = [];
    for (let i = 0; i < count && !this.failed; i++) {
      if (isObject && !this.goTo(ids + this.nameIdBytes * i)) return undefined;
      const name = isObject ? this.names[this.uint(this.nameIdBytes) - 1] : undefined;
      if (!this.goTo(offsets + offsetBytes * i)) return undefined;
      const offset = this.uint(offsetBytes);
      if (!this.goTo(this.treeStart + offset + (this.relative ? from : 0))) return undefined;
      const value = this.node(depth + 1);
      parts.push(isObject ? `${JSON.stringify(name ?? '')}:${value}` : value);
    }
    return isObject ? `{${parts.join(',')}}` : `[${parts.join(',')}]`;
  }

  /** False for a place beyond the image. */
  private goTo(pos: number): boolean {
    const { cursor } = this;
    if (pos > cursor.end) return false;
    cursor.pos = pos;
    return true;
  }

  /** Number of children; `undefined` when the container shares another one's names. */
  private children(type: number): number | undefined {
    switch (type & 0x18) {
      case 0:
        return this.uint(1);
      case 0x08:
        return this.uint(2);
      case 0x10:
        return this.uint(4);
      default:
        return undefined;
    }
  }

  private take(length: number): Uint8Array {
    const { cursor } = this;
    const start = cursor.pos;
    return cursor.skip(length) ? cursor.bytes.subarray(start, cursor.pos) : NONE;
  }

  private scalar(type: number): string | undefined {
    const fixed = FIXED.get(type);
    if (fixed !== undefined) return fixed(this.take(WIDTHS.get(type) ?? 0));
    switch (type) {
      case 0x33:
        return this.string(this.uint(1));
      case 0x37:
        return this.string(this.uint(2));
      case 0x38:
        return this.string(this.uint(4));
      case 0x34:
        return numberText(this.take(this.uint(1)));
      case 0x3a:
        return this.binary(this.uint(2));
      case 0x3b:
        return this.binary(this.uint(4));
      case 0x7e:
        return this.binary(this.uint(1));
      case 0x7b:
        return this.uint(1) === 1 ? vectorText(this.take(this.uint(4))) : undefined;
      default:
    }
    const length = type & 0x0f;
    switch (type & 0xf0) {
      case 0x20:
      case 0x60:
        return numberText(this.take(length + 1));
      case 0x40:
      case 0x50:
        return numberText(this.take(length));
      default:
        return type < 0x20 ? this.string(type) : undefined;
    }
  }

  private string(length: number): string {
    const bytes = this.take(length);
    return JSON.stringify(decodeText(bytes, 0, bytes.length, 'utf8'));
  }

  private binary(length: number): string {
    const bytes = this.take(length);
    return JSON.stringify(toHex(bytes, 0, bytes.length));
  }
}

const NONE = new Uint8Array(0);

function numberText(bytes: Uint8Array): string | undefined {
  const value = numberValue(bytes);
  return value === undefined ? undefined : String(value);
}

function quoted(value: string | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

type ReadNode = (bytes: Uint8Array) => string | undefined;

/** Nodes of one width, or without any value. */
const FIXED: ReadonlyMap<number, ReadNode> = new Map<number, ReadNode>([
  [0x30, () => 'null'],
  [0x31, () => 'true'],
  [0x32, () => 'false'],
  [0x36, (bytes) => (bytes.length === 8 ? String(float(bytes)) : undefined)],
  [0x39, (bytes) => quoted(timestamp(bytes))],
  [0x3c, (bytes) => quoted(timestamp(bytes))],
  [0x3d, (bytes) => quoted(intervalYm(bytes))],
  [0x3e, (bytes) => quoted(intervalDs(bytes))],
  [0x7c, (bytes) => quoted(timestampWithZone(bytes))],
  [0x7d, (bytes) => quoted(timestamp(bytes))],
  [0x7f, (bytes) => (bytes.length === 4 ? String(float(bytes)) : undefined)],
]);
const WIDTHS: ReadonlyMap<number, number> = new Map([
  [0x36, 8],
  [0x39, 11],
  [0x3c, 7],
  [0x3d, 5],
  [0x3e, 11],
  [0x7c, 13],
  [0x7d, 7],
  [0x7f, 4],
]);
