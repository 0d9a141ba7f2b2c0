/**
 * Which words may name a secret, or lead to one (`secrets.ts`): asked by the lexer for each word, so it rejects nearly
 * all of them by their last two letters, before any string is made.
 */
import { SECRET_PROCEDURES } from '../contracts/sql.ts';
import { KEYWORDS } from './keywords.ts';

const NAMES: readonly string[] = [
  ...'identified password passwd pwd secret passphrase connection credentials using openrowset opendatasource'.split(' '),
  ...'dblink dblink_connect dblink_connect_u dblink_exec'.split(' '),
  ...SECRET_PROCEDURES,
];

/** By the low five bits of two letters: how such names end. */
const ENDINGS: Uint8Array = new Uint8Array(1024);
for (const name of NAMES) ENDINGS[endingOf(name.charCodeAt(name.length - 2), name.charCodeAt(name.length - 1))] = 1;

/** By keyword id: the same for words that are known. */
const LEADING: Uint8Array = Uint8Array.from(KEYWORDS, (word) =>
  NAMES.some((name) => word.toLowerCase().endsWith(name)) ? 1 : 0,
);

function endingOf(beforeLast: number, last: number): number {
  return ((beforeLast & 31) << 5) | (last & 31);
}

/** Whether the keyword may. */
export function isLeading(id: number): boolean {
  return LEADING[id] === 1;
}

/** Whether the word, parameter or quoted name at `[start, end)` may; any quoted name may. */
export function mayNameSecret(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 3) return false;
  const last = bytes[end - 1] as number;
  if (last === 0x22 || last === 0x60 || last === 0x5d) return true;
  return last < 128 && ENDINGS[endingOf(bytes[end - 2] as number, last)] === 1;
}
