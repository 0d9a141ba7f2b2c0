/**
 * Length and digest of a text that is longer than what is kept of a request: the bytes that are dropped are still
 * followed, chunk by chunk, to the text's end.
 */
import { Digest } from '../sdk/long.ts';

const CHUNKED = 0xfe;

/** The three ways in which long texts are sent: chunks counted by a byte or an integer, or an announced number. */
export type TextForm =
  | { readonly kind: 'chunks'; readonly lengthBytes: 0 | 1 | 4; readonly bigEndian: boolean }
  | { readonly kind: 'raw'; readonly bytes: number };

export class LongText {
  /** The text ended; what follows is not looked at. */
  done = false;
  private readonly digest: Digest = new Digest();
  private readonly form: TextForm;
  private started = false;
  /** Bytes left of the chunk. */
  private left = 0;
  /** Bytes left of the chunk's length, and what there is of it. */
  private lengthLeft = 0;
  private value = 0;

  constructor(form: TextForm) {
    this.form = form;
    if (form.kind === 'raw') {
      this.left = form.bytes;
      this.started = true;
    }
  }

  /** Follows `bytes[start, end)`, which begin where the last ones ended; the first ones at the text's count. */
  feed(bytes: Uint8Array, start: number, end: number): void {
    let pos = start;
    while (pos < end && !this.done) {
      if (!this.started) {
        this.started = true;
        this.done = bytes[pos] !== CHUNKED;
        pos++;
      } else if (this.left > 0) {
        const count = Math.min(this.left, end - pos);
        this.digest.add(bytes, pos, pos + count);
        this.left -= count;
        pos += count;
        if (this.left === 0 && this.form.kind === 'raw') this.done = true;
      } else {
        this.readLength(bytes[pos] as number);
        pos++;
      }
    }
  }

  private readLength(byte: number): void {
    if (this.form.kind === 'raw') return;
    const { lengthBytes, bigEndian } = this.form;
    if (this.lengthLeft === 0) {
      this.value = lengthBytes === 0 ? 0 : byte;
      this.lengthLeft = lengthBytes === 0 ? byte & 0x7f : lengthBytes - 1;
    } else {
      const place = lengthBytes - this.lengthLeft;
      this.value = lengthBytes === 0 || bigEndian ? this.value * 256 + byte : this.value + byte * 256 ** place;
      this.lengthLeft--;
    }
    if (this.lengthLeft > 0) return;
    this.left = this.value;
    if (this.left === 0) this.done = true;
  }

  /** Bytes of the text so far. */
  get lengthBytes(): number {
    return this.digest.lengthBytes;
  }

  /** SHA-256 of the text so far. */
  sha256(): string {
    return this.digest.sha256();
  }
}
