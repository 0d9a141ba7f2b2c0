/**
 * CRC-32 as in zlib (ISO-HDLC, reflected polynomial EDB88320), over part of a buffer. For the hundred bytes of a record
 * two tables in JavaScript are faster than a native call with a view made for it.
 */
const POLYNOMIAL = 0xedb88320;

const FIRST: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  return crc;
});
/** What a byte does one place further on. */
const SECOND: Int32Array = FIRST.map((crc) => (crc >>> 8) ^ (FIRST[crc & 0xff] as number));

/** CRC-32 of `bytes[start, end)`, unsigned; `before`: that of what comes before these bytes. */
export function crc32(bytes: Uint8Array, start: number, end: number, before = 0): number {
  let crc = ~before;
  let i = start;
  for (; i + 1 < end; i += 2) {
    const word = crc ^ ((bytes[i] as number) | ((bytes[i + 1] as number) << 8));
    crc = (crc >>> 16) ^ (SECOND[word & 0xff] as number) ^ (FIRST[(word >>> 8) & 0xff] as number);
  }
  if (i < end) crc = (crc >>> 8) ^ (FIRST[(crc ^ (bytes[i] as number)) & 0xff] as number);
  return (crc ^ -1) >>> 0;
}
