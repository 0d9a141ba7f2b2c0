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
const USE = /^\s*use\s+(?:`((?:[^`]|``)+)`|([^\s;`]+))\s*;?\s*$/i;
const SET_NAMES = /^\s*set\s+(?:names|character\s+set|charset)\s+['"`]?(\w+)/i;

/** What a successful statement set; `undefined` for all others. */
export function settingOf(text: string): Setting | undefined {
  if (text.length > TEXT_LENGTH_MAX || !MAY_SET.test(text)) return undefined;
  const use = USE.exec(text);
  if (use) return { database: use[1]?.replaceAll('``', '`') ?? use[2], charset: undefined };
  const names = SET_NAMES.exec(text);
  if (names) return { database: undefined, charset: names[1] };
  return undefined;
}
