/** Wire bytes to text. Every byte sequence gives a string: what an encoding cannot express becomes U+FFFD. */
import { TextDecoder } from 'node:util';

export type TextEncodingName = 'utf8' | 'latin1' | 'utf16le' | (string & {});

// Buffer's slice methods work on any Uint8Array; calling them so avoids a wrapper object per string.
const { utf8Slice, latin1Slice, ucs2Slice } = Buffer.prototype;

/** Decoders by label; only for encodings Node's ICU knows. `null`: unknown label, read as UTF-8. */
const decoders = new Map<string, TextDecoder | null>();

/** Decodes `bytes[start, limit)`, as far as it lies in `bytes`. Unknown encodings are read as UTF-8. Never throws. */
export function decodeText(bytes: Uint8Array, start: number, limit: number, encoding: TextEncodingName): string {
  // The native slices throw on a range that is reversed or reaches beyond the bytes.
  const end = Math.min(limit, bytes.length);
  if (start >= end) return '';
  switch (encoding) {
    case 'utf8':
      return utf8Slice.call(bytes, start, end);
    case 'latin1':
      return latin1Slice.call(bytes, start, end);
    case 'utf16le':
      return ucs2Slice.call(bytes, start, end);
    case 'windows-1252':
      return decodeWindows1252(bytes, start, end);
    default: {
      const decoder = decoderFor(encoding);
      return decoder ? decoder.decode(bytes.subarray(start, end)) : utf8Slice.call(bytes, start, end);
    }
  }
}

/** Characters of 0x80 to 0x9f; the five unassigned bytes are C1 controls, as everywhere on the web. */
const WINDOWS_1252_HIGH =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

/** Node's own decoder reads 0x80 to 0x9f as latin1 does. */
function decodeWindows1252(bytes: Uint8Array, start: number, end: number): string {
  const text = latin1Slice.call(bytes, start, end);
  return text.replace(/[\x80-\x9f]/g, (character: string) => WINDOWS_1252_HIGH.charAt(character.charCodeAt(0) - 0x80));
}

function decoderFor(label: string): TextDecoder | null {
  let decoder = decoders.get(label);
  if (decoder === undefined) {
    try {
      decoder = new TextDecoder(label, { ignoreBOM: true });
    } catch {
      decoder = null; // RangeError: the label is not one ICU knows
    }
    decoders.set(label, decoder);
  }
  return decoder;
}

/** Lower-case hexadecimal of `bytes[start, end)`. */
export function toHex(bytes: Uint8Array, start: number, end: number): string {
  if (start >= end) return '';
  return Buffer.prototype.hexSlice.call(bytes, start, end);
}

/** `text` without the zeros and ASCII space at its end, in time that grows with their number only. */
export function withoutPadding(text: string): string {
  let end = text.length;
  while (end > 0 && isPadding(text.charCodeAt(end - 1))) end--;
  return text.slice(0, end);
}

function isPadding(c: number): boolean {
  return c === 0 || c === 0x20 || (c >= 0x09 && c <= 0x0d);
}
