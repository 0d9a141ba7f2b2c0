/** Statement texts and values that are longer than what is kept: cut on a character, hashed to the end. */
import { createHash, type Hash } from 'node:crypto';
import { indexOfByte } from '../../base/cursor.ts';
import { decodeText, type TextEncodingName } from '../../base/text.ts';

/** Decodes `bytes[start, end)`, but at most `bytesMax` of them and no part of a character. */
export function keptText(
  bytes: Uint8Array,
  start: number,
  end: number,
  encoding: TextEncodingName,
  bytesMax: number,
): string {
  if (end - start <= bytesMax) return decodeText(bytes, start, end, encoding);
  const cut = start + bytesMax;
  if (encoding !== 'utf8') return decodeText(bytes, start, cut, encoding).replace(/\uFFFD$/, '');
  return decodeText(bytes, start, utf8Boundary(bytes, start, cut), encoding);
}

/** `cut` moved back to the start of the UTF-8 character it would split. */
function utf8Boundary(bytes: Uint8Array, start: number, cut: number): number {
  let at = cut;
  while (at > start && cut - at < 3 && ((bytes[at] as number) & 0xc0) === 0x80) at--;
  return ((bytes[at] as number) & 0xc0) === 0x80 ? cut : at;
}

/** SHA-256 of `bytes[start, end)` in lower-case hexadecimal. */
export function sha256(bytes: Uint8Array, start: number, end: number): string {
  return createHash('sha256').update(bytes.subarray(start, end)).digest('hex');
}

/** Called with the whole length in bytes and the SHA-256 in hexadecimal. */
export type TailDone = (lengthBytes: number, sha256: string) => void;

/** Hashes a text or value that goes on in the part of a message that is not kept. */
export class Tail {
  private readonly hash: Hash = createHash('sha256');
  private readonly done: TailDone;
  /** Bytes still to come; -1: up to the next NUL. */
  private left: number;
  private length = 0;
  private finished = false;

  constructor(left: number, done: TailDone) {
    this.left = left;
    this.done = done;
  }

  /** Takes the part that was kept; it does not count as "to come". */
  begin(bytes: Uint8Array, start: number, end: number): this {
    this.length += end - start;
    this.hash.update(bytes.subarray(start, end));
    return this;
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    if (this.finished) return;
    const nul = this.left < 0 ? indexOfByte(bytes, 0, start, end) : -1;
    const stop = this.left < 0 ? (nul < 0 ? end : nul) : Math.min(end, start + this.left);
    this.begin(bytes, start, stop);
    if (this.left >= 0) this.left -= stop - start;
    if (this.left === 0 || nul >= 0) {
      this.finished = true;
      this.done(this.length, this.hash.digest('hex'));
    }
  }
}
