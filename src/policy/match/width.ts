/**
 * Full-width forms of ASCII (U+FF01 to U+FF5E, U+3000): SQL Server's usual collations take a name written in them for the
 * same name, and application servers turn them into ASCII. Rules see them as what they stand for.
 */
const WIDE = /[\uff01-\uff5e\u3000]/;
const WIDE_ALL: RegExp = new RegExp(WIDE, 'g');
const DISTANCE = 0xfee0;

/** The text with full-width forms replaced, of the same length in UTF-16 units; itself when it has none. */
export function foldWidth(text: string): string {
  return WIDE.test(text) ? text.replace(WIDE_ALL, narrow) : text;
}

function narrow(wide: string): string {
  return wide === '\u3000' ? ' ' : String.fromCharCode(wide.charCodeAt(0) - DISTANCE);
}
