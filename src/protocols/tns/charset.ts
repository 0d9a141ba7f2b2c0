/** Oracle character set numbers to encodings Node's ICU can read. Anything not listed is read as UTF-8. */
import type { TextEncodingName } from '../../base/text.ts';

const LABELS: ReadonlyMap<number, TextEncodingName> = new Map([
  [1, 'latin1'],
  [31, 'latin1'],
  [32, 'iso-8859-2'],
  [35, 'iso-8859-5'],
  [37, 'iso-8859-7'],
  [38, 'iso-8859-8'],
  [39, 'windows-1254'],
  [46, 'iso-8859-15'],
  [170, 'windows-1250'],
  [171, 'windows-1251'],
  [174, 'windows-1253'],
  [175, 'windows-1255'],
  [177, 'windows-1254'],
  [178, 'windows-1252'],
  [179, 'windows-1257'],
  [830, 'euc-jp'],
  [832, 'shift_jis'],
  [838, 'shift_jis'],
  [840, 'euc-kr'],
  [846, 'euc-kr'],
  [850, 'gbk'],
  [852, 'gbk'],
  [854, 'gb18030'],
  [865, 'big5'],
  [867, 'big5'],
  [871, 'utf8'],
  [873, 'utf8'],
  [2000, 'utf-16be'],
]);

export function encodingOf(charset: number): TextEncodingName {
  return LABELS.get(charset) ?? 'utf8';
}
