/** `client_encoding` names (PostgreSQL documentation, "Character Set Support") to decoder labels. */
import type { TextEncodingName } from '../../base/text.ts';

const LABELS: ReadonlyMap<string, TextEncodingName> = new Map([
  ['utf8', 'utf8'],
  ['unicode', 'utf8'],
  ['latin1', 'latin1'],
  ['iso88591', 'latin1'],
  ['latin2', 'iso-8859-2'],
  ['latin3', 'iso-8859-3'],
  ['latin4', 'iso-8859-4'],
  ['latin5', 'windows-1254'],
  ['latin6', 'iso-8859-10'],
  ['latin7', 'iso-8859-13'],
  ['latin8', 'iso-8859-14'],
  ['latin9', 'iso-8859-15'],
  ['latin10', 'iso-8859-16'],
  ['iso88595', 'iso-8859-5'],
  ['iso88596', 'iso-8859-6'],
  ['iso88597', 'iso-8859-7'],
  ['iso88598', 'iso-8859-8'],
  ['koi8', 'koi8-r'],
  ['koi8r', 'koi8-r'],
  ['koi8u', 'koi8-u'],
  ['win', 'windows-1251'],
  ['alt', 'ibm866'],
  ['win866', 'ibm866'],
  ['win874', 'windows-874'],
  ['win1250', 'windows-1250'],
  ['win1251', 'windows-1251'],
  ['win1252', 'windows-1252'],
  ['win1253', 'windows-1253'],
  ['win1254', 'windows-1254'],
  ['win1255', 'windows-1255'],
  ['win1256', 'windows-1256'],
  ['win1257', 'windows-1257'],
  ['win1258', 'windows-1258'],
  ['eucjp', 'euc-jp'],
  ['eucjis2004', 'euc-jp'],
  ['sjis', 'shift_jis'],
  ['shiftjis', 'shift_jis'],
  ['shiftjis2004', 'shift_jis'],
  ['mskanji', 'shift_jis'],
  ['euckr', 'euc-kr'],
  ['uhc', 'euc-kr'],
  ['euccn', 'gbk'],
  ['gbk', 'gbk'],
  ['gb18030', 'gb18030'],
  ['big5', 'big5'],
]);

/** Decoder for a `client_encoding`; UTF-8 for SQL_ASCII (bytes as they are) and for what Node cannot decode. */
export function encodingOf(clientEncoding: string): TextEncodingName {
  const name = clientEncoding.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return LABELS.get(name) ?? LABELS.get(name.replace('windows', 'win')) ?? 'utf8';
}
