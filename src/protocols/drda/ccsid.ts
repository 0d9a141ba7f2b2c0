/** Wire text by coded character set identifier (CCSID), as TYPDEFOVR and the CCSID managers name encodings. */
import { decodeText, type TextEncodingName } from '../../base/text.ts';
import { decodeEbcdic, ebcdicPage, looksEbcdic } from './ebcdic.ts';

const CCSID_UTF8 = 1208;
export const CCSID_EBCDIC = 500;

const ENCODINGS: ReadonlyMap<number, TextEncodingName> = new Map([
  [CCSID_UTF8, 'utf8'],
  [367, 'utf8'],
  [819, 'latin1'],
  [1200, 'utf-16be'],
  [13488, 'utf-16be'],
  [1202, 'utf16le'],
  [813, 'iso-8859-7'],
  [912, 'iso-8859-2'],
  [915, 'iso-8859-5'],
  [916, 'iso-8859-8'],
  [920, 'windows-1254'],
  [923, 'iso-8859-15'],
  [866, 'ibm866'],
  [874, 'windows-874'],
  [932, 'shift_jis'],
  [943, 'shift_jis'],
  [954, 'euc-jp'],
  [949, 'euc-kr'],
  [970, 'euc-kr'],
  [1363, 'euc-kr'],
  [936, 'gbk'],
  [1386, 'gbk'],
  [1392, 'gb18030'],
  [5488, 'gb18030'],
  [950, 'big5'],
  ...[1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258].map((page): [number, string] => [page, `windows-${page}`]),
]);

/** EBCDIC pages that are not known in full: their letters A to Z and digits are where page 500 has them. */
const OTHER_EBCDIC: ReadonlySet<number> = new Set([273, 277, 278, 280, 284, 285, 297, 871, 930, 933, 935, 937, 939]);

/**
 * Decodes `bytes[start, end)`. `ccsid` 0: not known, judged by the bytes. What an encoding cannot express, or a page
 * that is not known has beyond ASCII, becomes U+FFFD.
 */
export function decodeCcsid(bytes: Uint8Array, start: number, end: number, ccsid: number): string {
  const known = ccsid !== 0 ? ccsid : looksEbcdic(bytes, start, end) ? CCSID_EBCDIC : CCSID_UTF8;
  const encoding = ENCODINGS.get(known);
  if (encoding !== undefined) return decodeText(bytes, start, end, encoding);
  const page = ebcdicPage(OTHER_EBCDIC.has(known) ? CCSID_EBCDIC : known);
  if (page !== undefined) return decodeEbcdic(bytes, start, end, page);
  return decodeText(bytes, start, end, 'latin1').replace(/[\x80-\xff]/g, '\uFFFD');
}

/** `cut` moved back so that it does not split a character of `ccsid`. */
export function characterBoundary(bytes: Uint8Array, start: number, cut: number, ccsid: number): number {
  if (ccsid === 1200 || ccsid === 13488 || ccsid === 1202) return cut - ((cut - start) & 1);
  if (ccsid !== CCSID_UTF8 && ccsid !== 0) return cut;
  let at = cut;
  while (at > start && cut - at < 3 && ((bytes[at] as number) & 0xc0) === 0x80) at--;
  return ((bytes[at] as number) & 0xc0) === 0x80 ? cut : at;
}
