/** Wire bytes to text. Every byte sequence gives a string: what an encoding cannot express becomes U+FFFD. */
import { TextDecoder } from 'node:util';

export type TextEncodingName = 'utf8' | 'latin1' | 'utf16le' | (string & {});

// Buffer's slice methods work on any Uint8Array; calling them so avoids a wrapper object per string.
const { utf8Slice, latin1Slice, ucs2Slice } = Buffer.prototype;

/** Decoders by label; only for encodings Node's ICU knows. `null`: unknown label, read as UTF-8. */
const decoders = new Map<string, TextDecoder | null>();

/** Decodes `bytes[start, end)`. Unknown encodings are read as UTF-8. Never throws. */
export function decodeText(bytes: Uint8Array, start: number, end: number, encoding: TextEncodingName): string {
  switch (encoding) {
    case 'utf8':
      return utf8Slice.call(bytes, start, end);
    case 'latin1':
      return latin1Slice.call(bytes, start, end);
    case 'utf16le':
      return ucs2Slice.call(bytes, start, end);
    default: {
      const decoder = decoderFor(encoding);
      return decoder ? decoder.decode(bytes.subarray(start, end)) : utf8Slice.call(bytes, start, end);
    }
  }
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
  return Buffer.prototype.hexSlice.call(bytes, start, end);
}
