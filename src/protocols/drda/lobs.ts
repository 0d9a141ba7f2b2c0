/** Large objects: EXTDTA, after the row whose placeholder announced it. */
import { toHex } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import { LongBytes } from '../sdk/long.ts';
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
  /** What came but for the last byte. */
  private readonly content: LongBytes = new LongBytes(LIMITS.valueBytesMax);
  private indicator: boolean;
  private isNull = false;
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
    this.takeLast();
    this.content.add(bytes, from, end - 1);
    this.last = bytes[end - 1] as number;
  }

  /** Bytes of it that its value is made of. */
  get heldBytes(): number {
    return this.content.keptBytes;
  }

  value(): BindValue {
    if (this.isNull) return null;
    if (!this.endsWithStatus()) this.takeLast();
    this.last = -1;
    const { content, typdef } = this;
    const { column } = this.place;
    const { kept, lengthBytes: length } = content;
    const sha256 = content.sha256();
    if (sha256 === undefined) return decode(kept, 0, length, column, typdef);
    if (column.type === t.LOB_BYTES) return { type: 'blob', hex: toHex(kept, 0, kept.length), length, sha256 };
    const ccsid = ccsidOf(column, typdef);
    const cut = characterBoundary(kept, 0, kept.length - CHARACTER_BYTES_MAX, ccsid);
    return { type: 'clob', text: decodeCcsid(kept, 0, cut, ccsid), length, sha256 };
  }

  private takeLast(): void {
    if (this.last >= 0) this.content.add(Uint8Array.of(this.last), 0, 1);
  }

  private endsWithStatus(): boolean {
    const { column, length } = this.place;
    const { lengthBytes } = this.content;
    if (length >= 0 && column.type === t.LOB_BYTES) return lengthBytes === length;
    if (length >= 0 && column.type === t.LOB_DBCS) return lengthBytes === 2 * length;
    return this.fromDerby && this.last === STATUS_COMPLETE;
  }
}
