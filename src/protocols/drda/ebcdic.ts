/**
 * EBCDIC to text: the code pages 037, 500 and 1047 (IBM Character Data Representation Architecture), and 1140 and 1148,
 * which are 037 and 500 with the euro sign. All are permutations of Latin-1, written as 256 bytes in hexadecimal.
 */

const CP_037 = table(
  [
    '000102039c09867f978d8e0b0c0d0e0f101112139d8508871819928f1c1d1e1f80818283840a171b88898a8b8c05060790911693',
    '9495960498999a9b14159e1a20a0e2e4e0e1e3e5e7f1a22e3c282b7c26e9eaebe8edeeefecdf21242a293bac2d2fc2c4c0c1c3c5',
    'c7d1a62c255f3e3ff8c9cacbc8cdcecfcc603a2340273d22d8616263646566676869abbbf0fdfeb1b06a6b6c6d6e6f707172aaba',
    'e6b8c6a4b57e737475767778797aa1bfd0dddeae5ea3a5b7a9a7b6bcbdbe5b5dafa8b4d77b414243444546474849adf4f6f2f3f5',
    '7d4a4b4c4d4e4f505152b9fbfcf9faff5cf7535455565758595ab2d4d6d2d3d530313233343536373839b3dbdcd9da9f',
  ].join(''),
);
const CP_500 = table(
  [
    '000102039c09867f978d8e0b0c0d0e0f101112139d8508871819928f1c1d1e1f80818283840a171b88898a8b8c05060790911693',
    '9495960498999a9b14159e1a20a0e2e4e0e1e3e5e7f15b2e3c282b2126e9eaebe8edeeefecdf5d242a293b5e2d2fc2c4c0c1c3c5',
    'c7d1a62c255f3e3ff8c9cacbc8cdcecfcc603a2340273d22d8616263646566676869abbbf0fdfeb1b06a6b6c6d6e6f707172aaba',
    'e6b8c6a4b57e737475767778797aa1bfd0dddeaea2a3a5b7a9a7b6bcbdbeac7cafa8b4d77b414243444546474849adf4f6f2f3f5',
    '7d4a4b4c4d4e4f505152b9fbfcf9faff5cf7535455565758595ab2d4d6d2d3d530313233343536373839b3dbdcd9da9f',
  ].join(''),
);
const CP_1047 = table(
  [
    '000102039c09867f978d8e0b0c0d0e0f101112139d8508871819928f1c1d1e1f80818283840a171b88898a8b8c05060790911693',
    '9495960498999a9b14159e1a20a0e2e4e0e1e3e5e7f1a22e3c282b7c26e9eaebe8edeeefecdf21242a293b5e2d2fc2c4c0c1c3c5',
    'c7d1a62c255f3e3ff8c9cacbc8cdcecfcc603a2340273d22d8616263646566676869abbbf0fdfeb1b06a6b6c6d6e6f707172aaba',
    'e6b8c6a4b57e737475767778797aa1bfd05bdeaeaca3a5b7a9a7b6bcbdbedda8af5db4d77b414243444546474849adf4f6f2f3f5',
    '7d4a4b4c4d4e4f505152b9fbfcf9faff5cf7535455565758595ab2d4d6d2d3d530313233343536373839b3dbdcd9da9f',
  ].join(''),
);

const EURO_BYTE = 0x9f;

const PAGES: ReadonlyMap<number, Uint16Array> = new Map([
  [37, CP_037],
  [500, CP_500],
  [1047, CP_1047],
  [1140, withEuro(CP_037)],
  [1148, withEuro(CP_500)],
]);

/** Code page of an EBCDIC coded character set identifier; `undefined` when it is none of the known ones. */
export function ebcdicPage(ccsid: number): Uint16Array | undefined {
  return PAGES.get(ccsid);
}

/** Decodes `bytes[start, end)`; every byte is one character. */
export function decodeEbcdic(bytes: Uint8Array, start: number, end: number, page: Uint16Array): string {
  let text = '';
  for (let from = start; from < end; from += CHUNK_BYTES) {
    const codes: number[] = [];
    const to = Math.min(end, from + CHUNK_BYTES);
    for (let i = from; i < to; i++) codes.push(page[bytes[i] as number] as number);
    text += String.fromCharCode(...codes);
  }
  return text;
}

/**
 * Whether bytes of unknown encoding read as EBCDIC: letters, digits and blanks of EBCDIC, where ASCII text has none.
 * For sessions picked up after the client and the server agreed on an encoding.
 */
export function looksEbcdic(bytes: Uint8Array, start: number, end: number): boolean {
  let high = 0;
  const stop = Math.min(end, start + LOOK_BYTES_MAX);
  for (let i = start; i < stop; i++) {
    const byte = bytes[i] as number;
    if (byte === 0x40 || (byte >= 0x81 && byte <= 0xa9) || (byte >= 0xc1 && byte <= 0xf9)) high++;
  }
  return 2 * high > stop - start;
}

const CHUNK_BYTES = 4096;
const LOOK_BYTES_MAX = 256;

function table(hex: string): Uint16Array {
  return Uint16Array.from(Buffer.from(hex, 'hex'));
}

function withEuro(page: Uint16Array): Uint16Array {
  const copy = page.slice();
  copy[EURO_BYTE] = 0x20ac;
  return copy;
}
