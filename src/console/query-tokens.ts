/**
 * A query in parts, for colours, chips and completion: the grammar of `query/language.ts`, read without refusing
 * anything, because what people are still typing is rarely a query.
 */
import { fieldsOf, type Vocabulary } from '../query/vocabulary.ts';
import type { QUERY_TOKENS } from './api/records.ts';

export interface QueryToken {
  readonly kind: (typeof QUERY_TOKENS)[number];
  /** UTF-16 units, half open. */
  readonly start: number;
  readonly end: number;
}

const TIME_FIELDS: ReadonlySet<string> = new Set(['time', 'since', 'until']);
const TOKENS_MAX = 2000;

/** The fields that a query may name. */
export type Words = Vocabulary<string, string, string>;

export function isFieldOf(words: Words, name: string): boolean {
  const lower = name.toLowerCase();
  return fieldsOf(words).includes(lower) || words.aliases[lower] !== undefined;
}

export function queryTokens(text: string, words: Words): QueryToken[] {
  const tokens: QueryToken[] = [];
  let pos = 0;
  const add = (kind: QueryToken['kind'], length: number): void => {
    tokens.push({ kind, start: pos, end: pos + length });
    pos += length;
  };
  while (pos < text.length && tokens.length < TOKENS_MAX) {
    const rest = text.slice(pos);
    const space = /^\s+/.exec(rest);
    const head = /^([A-Za-z_]+)(!=|<=|>=|:=|[:=<>])/.exec(rest.slice(0, 64));
    if (space !== null) pos += space[0].length;
    else if (/^[()]/.test(rest)) add('bracket', 1);
    else if (/^(and|or|not)(?=[\s()"]|$)/i.test(rest)) add('keyword', rest.search(/[\s()"]|$/));
    else if (head === null) add('text', valueLength(rest));
    else {
      const field = (head[1] ?? '').toLowerCase();
      add(isFieldOf(words, field) ? 'field' : 'error', field.length);
      add('operator', (head[2] ?? '').length);
      pos = addValues(text, pos, TIME_FIELDS.has(field) ? 'time' : 'value', tokens);
    }
  }
  return tokens;
}

function addValues(text: string, from: number, kind: QueryToken['kind'], tokens: QueryToken[]): number {
  let pos = from;
  for (;;) {
    const length = valueLength(text.slice(pos));
    if (length > 0) tokens.push({ kind, start: pos, end: pos + length });
    pos += length;
    if (text[pos] !== ',') return pos;
    tokens.push({ kind: 'operator', start: pos, end: pos + 1 });
    pos++;
  }
}

/** Of a quoted text or a word; at least 1 where a word could not begin. */
function valueLength(rest: string): number {
  if (rest.startsWith('"')) return /^"(?:\\.|[^"\\])*"?/s.exec(rest)?.[0].length ?? 1;
  const word = /^[^\s()",]+/.exec(rest)?.[0].length ?? 0;
  return word === 0 && /^[,]/.test(rest) ? 1 : word;
}

export interface QueryTerm {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Conditions that must all hold, each with its place; one part when the query is not a plain row of conditions. */
export function queryTerms(text: string, tokens: readonly QueryToken[]): QueryTerm[] {
  const terms: QueryTerm[] = [];
  let depth = 0;
  let start = -1;
  let end = -1;
  const close = (): void => {
    if (start >= 0) terms.push({ start, end, text: text.slice(start, end) });
    start = -1;
  };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as QueryToken;
    const word = text.slice(token.start, token.end).toLowerCase();
    if (depth === 0 && token.kind === 'keyword' && word === 'or') return whole(text);
    if (depth === 0 && token.kind === 'keyword' && word === 'and') {
      close();
      continue;
    }
    const before = tokens[i - 1];
    const wasNot = before?.kind === 'keyword' && text.slice(before.start, before.end).toLowerCase() === 'not';
    const begins =
      token.kind === 'field' ||
      token.kind === 'error' ||
      token.kind === 'text' ||
      token.kind === 'keyword' ||
      word === '(';
    if (depth === 0 && begins && !wasNot) close();
    if (start < 0) start = token.start;
    end = token.end;
    if (word === '(' && token.kind === 'bracket') depth++;
    if (word === ')' && token.kind === 'bracket') depth--;
  }
  close();
  return terms;
}

function whole(text: string): QueryTerm[] {
  const trimmed = text.trim();
  const start = text.indexOf(trimmed);
  return [{ start, end: start + trimmed.length, text: trimmed }];
}
