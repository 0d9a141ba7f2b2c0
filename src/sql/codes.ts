/**
 * The characters of a text as bytes, by the same positions: they are read several times as fast as those of a string.
 * ASCII stands for itself; of other characters all that SQL asks is whether they are space or part of a word.
 */
import { CODE_WIDE, isWideSpace } from './dialects.ts';

/** Zero bytes behind the text, so that looking a few characters ahead needs no bound. No UTF-8 character is longer. */
const AHEAD = 4;
const BYTES_INITIAL = 8192;
/** A buffer that grew beyond this is freed with its text. */
const KEPT_BYTES = 64 * 1024;
const SPACE = 0x20;
// Called so it does without the checks of `write`.
const { utf8Write } = Buffer.prototype;

export class Codes {
  /** `bytes[0, length)` are the text's; behind them stand zeros. */
  bytes: Buffer = Buffer.alloc(BYTES_INITIAL);
  /** Of the same bytes. */
  data: DataView = viewOf(this.bytes);
  length = 0;
  isAscii = true;

  load(text: string): void {
    const { length } = text;
    this.length = length;
    const needed = length + AHEAD;
    if (needed > this.bytes.length) this.resize(Math.max(2 * this.bytes.length, needed));
    const { bytes } = this;
    // As many bytes as characters: there is room for any next character, so none was left out.
    this.isAscii = utf8Write.call(bytes, text, 0, bytes.length) === length;
    if (!this.isAscii) classify(text, bytes);
    for (let at = length; at < needed; at++) bytes[at] = 0;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.resize(BYTES_INITIAL);
  }

  private resize(size: number): void {
    this.bytes = Buffer.alloc(size);
    this.data = viewOf(this.bytes);
  }
}

/** What makes capital letters small ones, in four bytes. It makes `_` a character no word has, and no two others equal. */
const FOLD = 0x20202020;
/** The first bytes of a little-endian word, by their number. */
const FIRST_BYTES: Int32Array = Int32Array.of(0, 0xff, 0xffff, 0xffffff);

/** Up to four characters of the word that goes on at `at` and ends at `end`, as a number that is the same in any case. */
export function foldedFour(data: DataView, at: number, end: number): number {
  const four = data.getInt32(at, true) | FOLD;
  return end - at >= 4 ? four : four & (FIRST_BYTES[end - at] as number);
}

/** Whether two ASCII words of one length are the same but for the case of their letters. */
export function isSameWord(data: DataView, a: number, b: number, length: number): boolean {
  for (let done = 0; done < length; done += 4) {
    if (foldedFour(data, a + done, a + length) !== foldedFour(data, b + done, b + length)) return false;
  }
  return true;
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

function classify(text: string, bytes: Uint8Array): void {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    bytes[i] = c < 0x80 ? c : isWideSpace(c) ? SPACE : CODE_WIDE;
  }
}
