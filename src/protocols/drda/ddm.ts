/** Objects of the distributed data management architecture: length, code point, content; possibly nested. */
import { Cursor } from '../../base/cursor.ts';

const OBJECT_HEADER_BYTES = 4;
const EXTENDED = 0x8000;

/**
 * Walks the objects in a stretch of bytes. `next` moves to the next one; `body` then covers its content. An object that
 * claims more than there is ends the walk with what is there and `cut` set.
 */
export class DdmReader {
  codePoint = 0;
  readonly body: Cursor = new Cursor();
  /** Content bytes the object claims to have; -1 when it goes on to the end of the data stream structure. */
  claimed = 0;
  cut = false;
  private bytes: Uint8Array = EMPTY;
  private pos = 0;
  private end = 0;

  reset(bytes: Uint8Array, start: number, end: number): this {
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
    this.cut = false;
    return this;
  }

  /** False at the end, and where the bytes are no object. */
  next(): boolean {
    const { bytes, pos, end } = this;
    if (end - pos < OBJECT_HEADER_BYTES) return false;
    const length = ((bytes[pos] as number) << 8) | (bytes[pos + 1] as number);
    this.codePoint = ((bytes[pos + 2] as number) << 8) | (bytes[pos + 3] as number);
    let start = pos + OBJECT_HEADER_BYTES;
    if (length & EXTENDED) {
      const lengthBytes = (length & ~EXTENDED) - OBJECT_HEADER_BYTES;
      if (lengthBytes < 0 || lengthBytes > 8 || lengthBytes & 1 || start + lengthBytes > end) return this.stop();
      this.claimed = lengthBytes === 0 ? -1 : this.number(start, lengthBytes);
      start += lengthBytes;
    } else {
      if (length < OBJECT_HEADER_BYTES) return this.stop();
      this.claimed = length - OBJECT_HEADER_BYTES;
    }
    const there = end - start;
    this.cut = this.claimed > there;
    const stop = this.claimed < 0 || this.cut ? end : start + this.claimed;
    this.body.reset(bytes, start, stop);
    this.pos = stop;
    return true;
  }

  /** The bytes still to be walked. */
  rest(): { readonly bytes: Uint8Array; readonly pos: number; readonly end: number } {
    return { bytes: this.bytes, pos: this.pos, end: this.end };
  }

  private stop(): false {
    this.pos = this.end;
    return false;
  }

  private number(start: number, count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 256 + (this.bytes[start + i] as number);
    return value;
  }
}

/** Code point and header length of the object at `start`; 0 bytes when there is none. */
export function headerBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < OBJECT_HEADER_BYTES) return 0;
  const length = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  const extra = length & EXTENDED ? (length & ~EXTENDED) - OBJECT_HEADER_BYTES : 0;
  return extra < 0 || extra > 8 || start + OBJECT_HEADER_BYTES + extra > end ? 0 : OBJECT_HEADER_BYTES + extra;
}

const EMPTY = new Uint8Array(0);
