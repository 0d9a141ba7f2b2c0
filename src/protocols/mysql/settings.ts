/**
 * Statements that change what the protocol layer must know, for servers that do not track session state: `USE`, which
 * sets the database, and `SET NAMES` / `SET CHARACTER SET`, which set the encoding of the client's texts.
 */

export interface Setting {
  readonly database: string | undefined;
  readonly charset: string | undefined;
}

const TEXT_LENGTH_MAX = 256;
/** Asked first, of every statement. */
const MAY_SET = /^\s*(?:use|set)\s/i;
const USE = /^\s*use\s+(?:`((?:[^`]|``)+)`|([^\s;`]+))(?:\s*;)?\s*$/i;
const SET_NAMES = /^\s*set\s+(?:names|character\s+set|charset)\s+['"`]?(\w+)/i;

const A = 0x61;
const S = 0x73;
const T = 0x74;
const U = 0x75;
const Z = 0x7a;

/** Letters that begin neither USE nor SET: so it is with nearly all texts, and far cheaper to ask. */
function beginsOtherwise(text: string): boolean {
  const first = lowerAt(text, 0);
  if (first < A || first > Z) return false;
  return first === S ? lowerAt(text, 2) !== T : first !== U || lowerAt(text, 1) !== S;
}

function lowerAt(text: string, index: number): number {
  return text.charCodeAt(index) | 0x20;
}

/** What a successful statement set; `undefined` for all others. */
export function settingOf(text: string): Setting | undefined {
  if (text.length > TEXT_LENGTH_MAX || beginsOtherwise(text) || !MAY_SET.test(text)) return undefined;
  const use = USE.exec(text);
  if (use) return { database: use[1]?.replaceAll('``', '`') ?? use[2], charset: undefined };
  const names = SET_NAMES.exec(text);
  if (names) return { database: undefined, charset: names[1] };
  return undefined;
}
