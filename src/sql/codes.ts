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

export class Codes {
  /** `bytes[0, length)` are the text's; behind them stand zeros. */
  bytes: Buffer = Buffer.alloc(BYTES_INITIAL);
  length = 0;
  isAscii = true;

  load(text: string): void {
    const { length } = text;
    this.length = length;
    const needed = length + AHEAD;
    if (needed > this.bytes.length) this.bytes = Buffer.alloc(Math.max(2 * this.bytes.length, needed));
    const { bytes } = this;
    // As many bytes as characters: there is room for any next character, so none was left out.
    this.isAscii = bytes.write(text, 'utf8') === length;
    if (!this.isAscii) classify(text, bytes);
    for (let at = length; at < needed; at++) bytes[at] = 0;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.alloc(BYTES_INITIAL);
  }
}

function classify(text: string, bytes: Uint8Array): void {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    bytes[i] = c < 0x80 ? c : isWideSpace(c) ? SPACE : CODE_WIDE;
  }
}
