/**
 * Client character sets: collation ids of the handshake and names of `SET NAMES` to encodings Node's ICU can read.
 * Ids from MySQL's `INFORMATION_SCHEMA.COLLATIONS`. Anything not listed is read as UTF-8.
 */
import type { TextEncodingName } from '../../base/text.ts';

/** MySQL's latin1 is Windows code page 1252. */
const LABELS: Readonly<Record<string, TextEncodingName>> = {
  latin1: 'windows-1252',
  latin2: 'iso-8859-2',
  latin5: 'windows-1254',
  latin7: 'iso-8859-13',
  greek: 'iso-8859-7',
  hebrew: 'iso-8859-8',
  koi8r: 'koi8-r',
  koi8u: 'koi8-u',
  cp1250: 'windows-1250',
  cp1251: 'windows-1251',
  cp1256: 'windows-1256',
  cp1257: 'windows-1257',
  cp866: 'ibm866',
  macroman: 'macintosh',
  tis620: 'windows-874',
  big5: 'big5',
  gb2312: 'gbk',
  gbk: 'gbk',
  gb18030: 'gb18030',
  sjis: 'shift_jis',
  cp932: 'shift_jis',
  ujis: 'euc-jp',
  eucjpms: 'euc-jp',
  euckr: 'euc-kr',
};

const COLLATIONS: Readonly<Record<string, readonly number[]>> = {
  big5: [1, 84],
  latin2: [2, 9, 21, 27, 77],
  latin1: [5, 8, 15, 31, 47, 48, 49, 94],
  koi8r: [7, 74],
  ujis: [12, 91],
  sjis: [13, 88],
  cp1251: [14, 23, 50, 51, 52],
  hebrew: [16, 71],
  tis620: [18, 89],
  euckr: [19, 85],
  latin7: [20, 41, 42, 79],
  koi8u: [22, 75],
  gb2312: [24, 86],
  greek: [25, 70],
  cp1250: [26, 34, 44, 66, 99],
  gbk: [28, 87],
  cp1257: [29, 58, 59],
  latin5: [30, 78],
  cp866: [36, 68],
  macroman: [39, 53],
  cp1256: [57, 67],
  cp932: [95, 96],
  eucjpms: [97, 98],
  gb18030: [248, 249, 250],
};

const byCollation = new Map<number, TextEncodingName>();
for (const [charset, ids] of Object.entries(COLLATIONS)) {
  for (const id of ids) byCollation.set(id, LABELS[charset] ?? 'utf8');
}

/** Encoding of a collation id as the handshake and COM_CHANGE_USER carry it. */
export function encodingOfCollation(id: number): TextEncodingName {
  return byCollation.get(id) ?? 'utf8';
}

/** Encoding of a character set by name, as `character_set_client` and `SET NAMES` give it. */
export function encodingOfCharset(name: string): TextEncodingName {
  const lower = name.toLowerCase();
  return Object.hasOwn(LABELS, lower) ? (LABELS[lower] as TextEncodingName) : 'utf8';
}
