/**
 * Ids that were in the store before this run. Record ids depend on the traffic alone, so replaying a capture a second
 * time, or again after it was interrupted, brings the same ids: those records are already there and are left out.
 * Only records whose time an older segment covers are looked up; a live sensor's never are.
 */

import { openForReading } from '../segment/open.ts';
import { ID_BYTES } from './batch.ts';

export interface KnownSegment {
  readonly path: string;
  /** Last sequence number it held when this run began. */
  readonly seqMax: number;
  readonly rows: number;
  readonly timeMinUs: number;
  readonly timeMaxUs: number;
}

/** Sets of ids in memory at a time: 16 MiB each for a million records. */
const LOADED_MAX = 4;

export class KnownIds {
  private segments: readonly KnownSegment[];
  private readonly timeMaxUs: number;
  /** Most recently used last. */
  private readonly loaded = new Map<KnownSegment, IdSet>();

  constructor(segments: readonly KnownSegment[]) {
    this.segments = segments;
    this.timeMaxUs = segments.reduce((max, segment) => Math.max(max, segment.timeMaxUs), Number.NEGATIVE_INFINITY);
  }

  /** Whether a record of that time with the 128-bit id at `bytes[start]` is stored. Throws what SQLite throws. */
  has(timeUs: number, bytes: Uint8Array, start: number): boolean {
    if (timeUs > this.timeMaxUs) return false;
    for (const segment of this.segments) {
      if (timeUs < segment.timeMinUs || timeUs > segment.timeMaxUs) continue;
      if (this.idsOf(segment).has(bytes, start)) return true;
    }
    return false;
  }

  /** The segment's file is about to go. */
  forget(path: string): void {
    this.segments = this.segments.filter((segment) => segment.path !== path);
  }

  private idsOf(segment: KnownSegment): IdSet {
    const found = this.loaded.get(segment);
    if (found !== undefined) {
      this.loaded.delete(segment);
      this.loaded.set(segment, found);
      return found;
    }
    for (const oldest of this.loaded.keys()) {
      if (this.loaded.size < LOADED_MAX) break;
      this.loaded.delete(oldest);
    }
    const ids = readIds(segment);
    this.loaded.set(segment, ids);
    return ids;
  }
}

function readIds(segment: KnownSegment): IdSet {
  const ids = new IdSet(segment.rows);
  const db = openForReading(segment.path);
  try {
    const rows = db.prepare<[number], Uint8Array | string>('SELECT id FROM record WHERE seq <= ?').pluck();
    for (const id of rows.iterate(segment.seqMax)) if (typeof id !== 'string') ids.add(id);
  } finally {
    db.close();
  }
  return ids;
}

/** A set of 128-bit ids by their first 64 bits: open addressing, linear probing, at most half full. */
class IdSet {
  private readonly words: Uint32Array;
  private readonly mask: number;

  /** `count`: ids it will hold at most. */
  constructor(count: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(16, count * 2)));
    this.words = new Uint32Array(slots * 2);
    this.mask = slots - 1;
  }

  add(id: Uint8Array): void {
    if (id.length !== ID_BYTES) return;
    const slot = this.find(id, 0);
    this.words[slot] = word(id, 0);
    this.words[slot + 1] = word(id, 4);
  }

  has(bytes: Uint8Array, start: number): boolean {
    const slot = this.find(bytes, start);
    return this.words[slot] !== 0 || this.words[slot + 1] !== 0;
  }

  /** Index of the id's words, or of the free place where they belong. */
  private find(bytes: Uint8Array, start: number): number {
    const a = word(bytes, start);
    const b = word(bytes, start + 4);
    let slot = (a ^ b) & this.mask;
    for (;;) {
      const x = this.words[slot * 2];
      const y = this.words[slot * 2 + 1];
      if ((x === a && y === b) || (x === 0 && y === 0)) return slot * 2;
      slot = (slot + 1) & this.mask;
    }
  }
}

/** Never 0, which marks a free slot. */
function word(bytes: Uint8Array, start: number): number {
  const b0 = bytes[start] as number;
  const b1 = bytes[start + 1] as number;
  const b2 = bytes[start + 2] as number;
  const b3 = bytes[start + 3] as number;
  return (b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0 || 1;
}
