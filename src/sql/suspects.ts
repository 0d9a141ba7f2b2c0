/**
 * Which words may name a secret, or lead to one (`secrets.ts`). The lexer asks it of each word, so nearly all of them are
 * rejected by their last four letters, before any string is made.
 */
import { SECRET_PROCEDURES } from '../contracts/sql.ts';
import { foldedFour } from './codes.ts';
import { KEYWORDS } from './keywords.ts';

/** What comes behind any of these may be a secret. */
const LEADS: ReadonlySet<string> = new Set([
  ...'identified connection credentials using openrowset opendatasource'.split(' '),
  ...'dblink dblink_connect dblink_connect_u dblink_exec'.split(' '),
  ...SECRET_PROCEDURES,
]);
const SECRET_NAMES: readonly string[] = ['password', 'passwd', 'pwd', 'secret', 'passphrase'];
const SECRET_NAME: RegExp = new RegExp(`(?:${SECRET_NAMES.join('|')})["\`\\]]?$`);

/** Whether the name, in small letters, says that it is one of a secret. Its quotes may be part of it. */
export function namesSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Whether the name, in small letters, says so or leads to a secret in another way. */
export function leadsToSecret(name: string): boolean {
  return LEADS.has(name) || namesSecret(name);
}

/** The shortest of all, and the only one of less than four letters. */
const PWD = lastFour('pwd');
const ENDING_BITS = 10;
/** By a hash of the last four letters of a word: 1 where such a name ends so. */
const ENDINGS: Uint8Array = new Uint8Array(1 << ENDING_BITS);
for (const name of [...LEADS, ...SECRET_NAMES]) ENDINGS[slotOf(lastFour(name))] = 1;

/** By keyword id: whether the keyword is such a name. */
const LEADING: Uint8Array = Uint8Array.from(KEYWORDS, (word) => (leadsToSecret(word.toLowerCase()) ? 1 : 0));

function lastFour(name: string): number {
  const bytes = Uint8Array.from(name.slice(-4).padEnd(4, '\0'), (letter) => letter.charCodeAt(0));
  return foldedFour(new DataView(bytes.buffer), 0, Math.min(4, name.length));
}

function slotOf(four: number): number {
  return Math.imul(four, 0x9e3779b1) >>> (32 - ENDING_BITS);
}

/** Whether the keyword leads to a secret. */
export function isLeading(id: number): boolean {
  return LEADING[id] === 1;
}

/** Whether the word, parameter or quoted name at `[start, end)` may; any quoted name may. */
export function mayLead(data: DataView, start: number, end: number): boolean {
  if (end - start < 4) return end - start === 3 && foldedFour(data, start, end) === PWD;
  const four = foldedFour(data, end - 4, end);
  const last = four >>> 24;
  return ENDINGS[slotOf(four)] === 1 || four >>> 8 === PWD || last === QUOTED || last === BACKTICK || last === BRACKET;
}

// As `foldedFour` has them.
const QUOTED = 0x22;
const BACKTICK = 0x60;
const BRACKET = 0x7d;
