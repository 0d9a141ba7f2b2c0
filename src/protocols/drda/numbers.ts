/** Numbers as strings that lose nothing: packed and zoned decimals, hexadecimal floating point. */

/** Packed decimal: two digits a byte, the last half byte is the sign. `undefined`: not a number. */
export function packedDecimal(bytes: Uint8Array, start: number, end: number, scale: number): string | undefined {
  let digits = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    const high = byte >> 4;
    const low = byte & 0x0f;
    if (high > 9 || (i < end - 1 && low > 9)) return undefined;
    digits += high;
    if (i < end - 1) digits += low;
  }
  const sign = end > start ? (bytes[end - 1] as number) & 0x0f : 0;
  return sign < 0x0a ? undefined : place(digits, scale, isMinus(sign));
}

/** Zoned decimal: one digit in each low half byte, the sign in the last high half byte. */
export function zonedDecimal(bytes: Uint8Array, start: number, end: number, scale: number): string | undefined {
  let digits = '';
  for (let i = start; i < end; i++) {
    const low = (bytes[i] as number) & 0x0f;
    if (low > 9) return undefined;
    digits += low;
  }
  if (end === start) return undefined;
  const zone = (bytes[end - 1] as number) >> 4;
  return place(digits, scale, isMinus(zone) || zone === ASCII_MINUS_ZONE);
}

const ASCII_MINUS_ZONE = 7;

function isMinus(sign: number): boolean {
  return sign === 0x0b || sign === 0x0d;
}

function place(digits: string, scale: number, minus: boolean): string {
  const padded = digits.padStart(scale + 1, '0');
  const whole = padded.slice(0, padded.length - scale).replace(/^0+(?=\d)/, '');
  const fraction = scale > 0 ? `.${padded.slice(padded.length - scale)}` : '';
  return `${minus ? '-' : ''}${whole}${fraction}`;
}

/** System/370 floating point of 4 or 8 bytes: base 16, excess 64, fraction without hidden bit. */
export function hexFloat(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start] as number;
  let fraction = 0;
  for (let i = end - 1; i > start; i--) fraction = (fraction + (bytes[i] as number)) / 256;
  const value = fraction * 16 ** ((first & 0x7f) - 64);
  return first & 0x80 ? -value : value;
}
