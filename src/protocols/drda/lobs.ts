/** Large objects: EXTDTA, after the row whose placeholder announced it. */
import { createHash, type Hash } from 'node:crypto';
import { toHex } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import { characterBoundary, decodeCcsid } from './ccsid.ts';
import { LIMITS } from './limits.ts';
import type { Typdef } from './typdef.ts';
import * as t from './types.ts';
import { ccsidOf, decode, type Placeholder } from './values.ts';

/** Derby ends a streamed object with a byte that says whether all of it could be read. */
const STATUS_COMPLETE = 0x7f;
/** Left off the end of a cut text, so that looking for a character's boundary never leaves the kept bytes. */
const CHARACTER_BYTES_MAX = 4;

/** Takes an object as it comes in: its beginning is kept, the whole is hashed. */
export class LobReader {
  private readonly place: Placeholder;
  private readonly typdef: Typdef;
  private readonly fromDerby: boolean;
  private readonly kept: Uint8Array = new Uint8Array(LIMITS.valueBytesMax);
  private readonly hash: Hash = createHash('sha256');
  private indicator: boolean;
  private isNull = false;
  /** Bytes before the last one. */
  private length = 0;
  /** The last byte, which may be no part of the object; -1: none yet. */
  private last = -1;

  constructor(place: Placeholder, typdef: Typdef, fromDerby: boolean) {
    this.place = place;
    this.typdef = typdef;
    this.fromDerby = fromDerby;
    this.indicator = place.column.nullable;
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    let from = start;
    if (this.indicator && from < end) {
      this.indicator = false;
      this.isNull = ((bytes[from++] as number) & 0x80) !== 0;
    }
    if (from >= end) return;
    if (this.last >= 0) this.add(Uint8Array.of(this.last));
    this.add(bytes.subarray(from, end - 1));
    this.last = bytes[end - 1] as number;
  }

  value(): BindValue {
    if (this.isNull) return null;
    if (this.last >= 0 && !this.endsWithStatus()) this.add(Uint8Array.of(this.last));
    this.last = -1;
    const { kept, typdef, length } = this;
    const { column } = this.place;
    if (length <= kept.length) return decode(kept, 0, length, column, typdef);
    const sha256 = this.hash.digest('hex');
    if (column.type === t.LOB_BYTES) return { type: 'blob', hex: toHex(kept, 0, kept.length), length, sha256 };
    const ccsid = ccsidOf(column, typdef);
    const cut = characterBoundary(kept, 0, kept.length - CHARACTER_BYTES_MAX, ccsid);
    return { type: 'clob', text: decodeCcsid(kept, 0, cut, ccsid), length, sha256 };
  }

  private add(part: Uint8Array): void {
    this.hash.update(part);
    const room = Math.max(0, this.kept.length - this.length);
    this.kept.set(part.subarray(0, room), this.length < this.kept.length ? this.length : 0);
    this.length += part.length;
  }

  private endsWithStatus(): boolean {
    const { column, length } = this.place;
    if (length >= 0 && column.type === t.LOB_BYTES) return this.length === length;
    if (length >= 0 && column.type === t.LOB_DBCS) return this.length === 2 * length;
    return this.fromDerby && this.last === STATUS_COMPLETE;
  }
}
