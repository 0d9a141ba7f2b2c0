/**
 * Code pages of character values: a collation (MS-TDS §2.2.5.1.2: 20 bits of locale, flags, sort order) names one, and
 * so does the character set of a Sybase login.
 */
import { isUtf8 } from 'node:buffer';
import type { Cursor } from '../../base/cursor.ts';
import { decodeText, type TextEncodingName } from '../../base/text.ts';

const UTF8_FLAG = 0x04000000;

/** Encoding of the collation in `bytes[at, at + 5)`. */
export function encodingOfCollation(bytes: Uint8Array, at: number): TextEncodingName {
  const word =
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24);
  if ((word & UTF8_FLAG) !== 0) return 'utf8';
  const sortOrder = bytes[at + 4] as number;
  return sortOrder === 0 ? encodingOfLocale(word & 0xffff) : encodingOfSortOrder(sortOrder);
}

/** Windows locale ids (MS-LCID): the low ten bits are the language. */
function encodingOfLocale(locale: number): TextEncodingName {
  switch (locale) {
    case 0x0404:
    case 0x0c04:
    case 0x1404:
      return 'big5';
    case 0x0c1a:
    case 0x1c1a:
    case 0x082c:
    case 0x0843:
      return 'windows-1251';
    default:
      return LANGUAGES.get(locale & 0x3ff) ?? 'windows-1252';
  }
}

const LANGUAGES: ReadonlyMap<number, TextEncodingName> = new Map([
  ...languages('windows-1250', 0x05, 0x0e, 0x15, 0x18, 0x1a, 0x1b, 0x1c, 0x24, 0x42),
  ...languages('windows-1251', 0x02, 0x19, 0x22, 0x23, 0x2f, 0x3f, 0x40, 0x44, 0x50, 0x6d, 0x85),
  ...languages('windows-1253', 0x08),
  ...languages('windows-1254', 0x1f, 0x2c, 0x43),
  ...languages('windows-1255', 0x0d),
  ...languages('windows-1256', 0x01, 0x20, 0x29, 0x80, 0x8c),
  ...languages('windows-1257', 0x25, 0x26, 0x27),
  ...languages('windows-1258', 0x2a),
  ...languages('windows-874', 0x1e),
  ...languages('shift_jis', 0x11),
  ...languages('euc-kr', 0x12),
  ...languages('gbk', 0x04),
]);

function languages(encoding: TextEncodingName, ...ids: readonly number[]): [number, TextEncodingName][] {
  return ids.map((id) => [id, encoding]);
}

/** First and last sort order of each code page (the `charset` and `id` columns of SQL Server's syscharsets). */
const SORT_ORDERS: readonly (readonly [number, number, TextEncodingName])[] = [
  [30, 34, 'cp437'],
  [40, 49, 'cp850'],
  [50, 54, 'windows-1252'],
  [55, 61, 'cp850'],
  [71, 75, 'windows-1252'],
  [80, 98, 'windows-1250'],
  [104, 108, 'windows-1251'],
  [112, 124, 'windows-1253'],
  [128, 130, 'windows-1254'],
  [136, 138, 'windows-1255'],
  [144, 146, 'windows-1256'],
  [152, 160, 'windows-1257'],
  [183, 186, 'windows-1252'],
  [192, 193, 'shift_jis'],
  [194, 195, 'euc-kr'],
  [196, 197, 'big5'],
  [198, 199, 'gbk'],
  [200, 200, 'shift_jis'],
  [201, 201, 'euc-kr'],
  [202, 202, 'big5'],
  [203, 203, 'gbk'],
  [204, 206, 'windows-874'],
];

function encodingOfSortOrder(order: number): TextEncodingName {
  return SORT_ORDERS.find(([first, last]) => order >= first && order <= last)?.[2] ?? 'windows-1252';
}

/** Names that Sybase gives its character sets. */
const CHARSETS: ReadonlyMap<string, TextEncodingName> = new Map([
  ['utf8', 'utf8'],
  ['utf-8', 'utf8'],
  ['iso_1', 'latin1'],
  ['iso-8859-1', 'latin1'],
  ['ascii_8', 'latin1'],
  ['iso15', 'iso-8859-15'],
  ['iso88592', 'iso-8859-2'],
  ['iso88595', 'iso-8859-5'],
  ['iso88597', 'iso-8859-7'],
  ['iso88599', 'windows-1254'],
  ['cp437', 'cp437'],
  ['cp850', 'cp850'],
  ['cp874', 'windows-874'],
  ['cp932', 'shift_jis'],
  ['sjis', 'shift_jis'],
  ['eucjis', 'euc-jp'],
  ['cp936', 'gbk'],
  ['eucgb', 'gbk'],
  ['gb18030', 'gb18030'],
  ['cp949', 'euc-kr'],
  ['eucksc', 'euc-kr'],
  ['cp950', 'big5'],
  ['big5', 'big5'],
  ['koi8', 'koi8-r'],
  ['mac', 'macintosh'],
  ...[1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258].map((n): [string, string] => [`cp${n}`, `windows-${n}`]),
]);

/** Encoding of a Sybase character set; Latin-1, in which no byte is lost, where the name is not known. */
export function encodingOfCharset(name: string): TextEncodingName {
  return CHARSETS.get(name.toLowerCase()) ?? 'latin1';
}

/** Characters 128 to 255 of the code pages of DOS, which Node's ICU has not. */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';
const CP850 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0';

/** The character set was not said: UTF-8 where the bytes are, else Latin-1, in which no byte is lost. */
export const UNSTATED: TextEncodingName = 'unstated';

/** Decodes `bytes[start, end)`; as `decodeText`, with the code pages of DOS. */
export function decodeChars(bytes: Uint8Array, start: number, end: number, encoding: TextEncodingName): string {
  if (encoding === UNSTATED) {
    return decodeText(bytes, start, end, isUtf8(bytes.subarray(start, end)) ? 'utf8' : 'latin1');
  }
  if (encoding !== 'cp437' && encoding !== 'cp850') return decodeText(bytes, start, end, encoding);
  const upper = encoding === 'cp437' ? CP437 : CP850;
  const text = decodeText(bytes, start, end, 'latin1');
  return text.replace(/[\x80-\xff]/g, (char) => upper[char.charCodeAt(0) - 128] as string);
}

/** The next `length` bytes as text; fails the cursor when they are not there. */
export function readChars(cursor: Cursor, length: number, encoding: TextEncodingName): string {
  const start = cursor.pos;
  return cursor.skip(length) ? decodeChars(cursor.bytes, start, cursor.pos, encoding) : '';
}

/** `end`, moved back over an incomplete character at the end of a cut text. */
export function textEnd(bytes: Uint8Array, start: number, end: number, encoding: TextEncodingName): number {
  if (encoding === 'utf16le') {
    const even = end - ((end - start) & 1);
    const high = even - start >= 2 ? (bytes[even - 1] as number) & 0xfc : 0;
    return high === 0xd8 ? even - 2 : even;
  }
  if (encoding !== 'utf8' && encoding !== UNSTATED) return end;
  let at = end;
  while (at > start && end - at < 3 && ((bytes[at - 1] as number) & 0xc0) === 0x80) at--;
  if (at === start) return end;
  const lead = bytes[at - 1] as number;
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return size > 1 && end - (at - 1) < size ? at - 1 : end;
}
