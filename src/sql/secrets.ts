/**
 * Literals that are secrets by grammar: what follows IDENTIFIED BY and its variants, anything named `…password` that is
 * given a literal, connection strings, and the arguments of procedures that take passwords. When in doubt a literal
 * counts as a secret: it is kept out of the store, and nothing else of the statement is lost.
 */
import { SECRET_PROCEDURES } from '../contracts/sql.ts';
import { isAssignment } from './names.ts';
import { namesSecret } from './suspects.ts';
import { KIND_COMMA, KIND_LEFT, KIND_QUOTED, KIND_RIGHT, KIND_SEMICOLON, KIND_WORD, type Tokens } from './tokens.ts';

/** How far behind IDENTIFIED its secret may stand (`IDENTIFIED WITH plugin BY PASSWORD '…'`). */
const IDENTIFIED_TOKENS_MAX = 8;

const NAME_LENGTH_MAX = 64;

/** How far the arguments of OPENROWSET are read. */
const PROVIDER_TOKENS_MAX = 32;

/** The token indices of secret literals, rising, each once. */
export function findSecrets(tokens: Tokens): readonly number[] {
  const out: number[] = [];
  const isSetPassword = tokens.word(0) === 'SET' && isPasswordStatement(tokens);
  let behind = 0;
  for (let at = 0; at < tokens.suspectCount; at++) {
    const i = tokens.suspects[at] as number;
    if (i < behind || i >= tokens.count || tokens.endOf(i) - tokens.startOf(i) > NAME_LENGTH_MAX) continue;
    const name = tokens.slice(i).toLowerCase();
    if (SECRET_PROCEDURES.has(name)) behind = takeAll(tokens, i + 1, out) + 1;
    else if (name === 'identified') identified(tokens, i + 1, out);
    else if (namesSecret(name)) password(tokens, i + 1, out);
    else if (name === 'connection' || name === 'credentials')
      take(tokens, isAssignment(tokens, i + 1) ? i + 2 : i + 1, out);
    else if (name === 'using' && tokens.slice(0).toLowerCase() === 'connect') takeAny(tokens, i + 1, out);
    else if (name === 'openrowset' || name === 'opendatasource') takeProvider(tokens, i + 1, out);
    else if (name === 'dblink_connect' || name === 'dblink_connect_u') takeArguments(tokens, i + 1, out);
    else if (name === 'dblink' || name === 'dblink_exec') takeConnection(tokens, i + 1, out);
  }
  if (isSetPassword) {
    let p = 2;
    while (p < tokens.count && !isAssignment(tokens, p) && tokens.word(p) !== 'TO') p++;
    takeAll(tokens, p, out);
  }
  if (out.length > 1) sortUnique(out);
  return out;
}

function isPasswordStatement(tokens: Tokens): boolean {
  return tokens.word(1) === 'PASSWORD' || (tokens.word(2) === 'PASSWORD' && tokens.kindAt(1) === KIND_WORD);
}

/** `[WITH | VIA plugin] BY | AS | USING [PASSWORD | VALUES] secret [REPLACE secret]`; Oracle's may be a bare word. */
function identified(tokens: Tokens, from: number, out: number[]): void {
  const end = Math.min(tokens.count, from + IDENTIFIED_TOKENS_MAX);
  for (let i = from; i < end; i++) {
    const word = tokens.word(i);
    if (tokens.kindAt(i) === KIND_COMMA) return;
    if (word !== 'BY' && word !== 'AS' && word !== 'USING') continue;
    let at = i + 1;
    while (tokens.word(at) === 'PASSWORD' || tokens.word(at) === 'VALUES' || tokens.kindAt(at) === KIND_LEFT) at++;
    takeAny(tokens, at, out);
    for (let p = at + 1; p < Math.min(tokens.count, at + 3); p++) {
      if (tokens.word(p) === 'REPLACE') takeAny(tokens, p + 1, out);
    }
    return;
  }
}

/** What a name that says "password" is given: `'…'`, `= '…'`, `('…')`, `, '…'` of an option list, `TO '…'`. */
function password(tokens: Tokens, from: number, out: number[]): void {
  let at = from;
  while (isAssignment(tokens, at) || tokens.kindAt(at) === KIND_LEFT || tokens.word(at) === 'TO') at++;
  // `password FROM t` and `password, 'x'` name a column, not a secret.
  if (at > from && isDoubleQuoted(tokens, at)) out.push(at);
  else take(tokens, at, out);
}

/** The literal at `i` and the strings that continue it. */
function take(tokens: Tokens, i: number, out: number[]): void {
  if (!tokens.isLiteral(i)) return;
  out.push(i);
  for (let p = i + 1; tokens.isString(p); p++) out.push(p);
}

/** The literal or the bare name at `i`. */
function takeAny(tokens: Tokens, i: number, out: number[]): void {
  const kind = tokens.kindAt(i);
  if (kind === KIND_QUOTED || (kind === KIND_WORD && tokens.word(i) === '')) out.push(i);
  else take(tokens, i, out);
}

/** A name that is a string where the session has switched `QUOTED_IDENTIFIER` off, as old T-SQL clients do. */
function isDoubleQuoted(tokens: Tokens, i: number): boolean {
  return tokens.kindAt(i) === KIND_QUOTED && tokens.text.charCodeAt(tokens.startOf(i)) === 0x22;
}

/** All strings up to the separator; gives its position. */
function takeAll(tokens: Tokens, from: number, out: number[]): number {
  let i = from;
  for (; i < tokens.count && tokens.kindAt(i) !== KIND_SEMICOLON; i++) {
    if (tokens.isString(i) || isDoubleQuoted(tokens, i)) out.push(i);
  }
  return i;
}

/** The parts of `('provider', 'server';'user';'password', …)` and `('provider', 'connection string')` behind the first. */
function takeProvider(tokens: Tokens, from: number, out: number[]): void {
  if (tokens.kindAt(from) !== KIND_LEFT) return;
  let commas = 0;
  const end = Math.min(tokens.count, from + PROVIDER_TOKENS_MAX);
  for (let i = from + 1; i < end && commas < 2; i++) {
    if (tokens.kindAt(i) === KIND_COMMA) commas++;
    else if (commas === 1 && tokens.isString(i)) out.push(i);
  }
}

/** All strings of `(…)`: PostgreSQL's `dblink_connect('host=… password=…')`, with or without a name before. */
function takeArguments(tokens: Tokens, from: number, out: number[]): void {
  if (tokens.kindAt(from) !== KIND_LEFT) return;
  const end = Math.min(tokens.count, from + PROVIDER_TOKENS_MAX);
  for (let i = from + 1; i < end && tokens.kindAt(i) !== KIND_RIGHT; i++) if (tokens.isString(i)) out.push(i);
}

/** What stands before the SQL in `dblink('host=… password=…', 'SELECT …')`; SQL may also stand alone. */
function takeConnection(tokens: Tokens, from: number, out: number[]): void {
  const hasTwo = tokens.kindAt(from) === KIND_LEFT && tokens.kindAt(from + 2) === KIND_COMMA;
  if (hasTwo && tokens.isString(from + 1) && tokens.isString(from + 3)) out.push(from + 1);
}

function sortUnique(list: number[]): void {
  list.sort((a, b) => a - b);
  let kept = 1;
  for (let i = 1; i < list.length; i++) {
    if (list[i] !== list[i - 1]) list[kept++] = list[i] as number;
  }
  list.length = kept;
}
