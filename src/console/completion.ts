/** What may stand at the cursor of a query field, in the words of one vocabulary: fields, and values as a language knows them. */
import { QueryError } from '../query/errors.ts';
import { fieldsOf } from '../query/vocabulary.ts';
import type { Completion } from './api/records.ts';
import { queryRefusal } from './error.ts';
import { isFieldOf, type QueryToken, queryTerms, queryTokens, type Words } from './query-tokens.ts';

export type Candidate = Completion['candidates'][number];

/** A query language: its fields and what they mean. */
export interface Language {
  readonly words: Words;
  /** Meaning of a field in one line. */
  readonly hints: Readonly<Record<string, string>>;
  /** Refuses a text that is no query. Throws `QueryError`. */
  check(text: string, nowUs: number): void;
}

/** The part of a query that is being written. */
export interface Place {
  readonly from: number;
  readonly to: number;
  /** Name of the field, without aliases, whose value is being written; `undefined`: a field or a word is. */
  readonly field: string | undefined;
  readonly prefix: string;
}

export const CANDIDATES_MAX = 20;

/** Where the cursor stands at `pos`, in UTF-16 units. */
export function placeIn({ words }: Language, text: string, pos: number): Place {
  const place = placeOf(text, queryTokens(text, words), pos);
  return place.field === undefined ? place : { ...place, field: words.aliases[place.field] ?? place.field };
}

/** The whole answer, with `values` of the field at the cursor, where there is one. */
export function completionOf(language: Language, text: string, place: Place, values: readonly Candidate[]): Completion {
  const tokens = queryTokens(text, language.words);
  const problem = problemOf(language, text);
  const candidates = place.field === undefined ? fieldCandidates(language, place.prefix) : values;
  return {
    from: place.from,
    to: place.to,
    candidates: candidates.slice(0, CANDIDATES_MAX),
    tokens,
    terms: queryTerms(text, tokens),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Those of a few known values that begin as it is typed. */
export function fixedCandidates(values: readonly string[], prefix: string): Candidate[] {
  return values.filter((value) => startsWith(value, prefix)).map((value) => valueCandidate(value));
}

/** Values that contain what is typed, the most frequent first. */
export function countedCandidates(
  found: readonly { readonly value: string; readonly count: number }[],
  prefix: string,
): Candidate[] {
  const part = prefix.replace(/^"/, '').toLowerCase();
  return found
    .filter(({ value }) => value !== '' && value.toLowerCase().includes(part))
    .sort((a, b) => b.count - a.count)
    .slice(0, CANDIDATES_MAX)
    .map(({ value, count }) => valueCandidate(value, count));
}

function problemOf(language: Language, text: string): Completion['problem'] {
  try {
    language.check(text, Date.now() * 1000);
    return undefined;
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    const { message, column } = queryRefusal(error);
    return { message, ...(column === undefined ? {} : { column }) };
  }
}

function placeOf(text: string, tokens: readonly QueryToken[], pos: number): Place {
  const at = tokens.findLastIndex(({ start, end }) => start < pos && pos <= end);
  const token = tokens[at];
  if (token === undefined) return { from: pos, to: pos, field: undefined, prefix: '' };
  const prefix = text.slice(token.start, pos);
  if (token.kind === 'operator') return { from: pos, to: pos, field: fieldBefore(text, tokens, at), prefix: '' };
  if (token.kind === 'value' || token.kind === 'time')
    return { from: token.start, to: token.end, field: fieldBefore(text, tokens, at), prefix };
  return { from: token.start, to: token.end, field: undefined, prefix };
}

function fieldBefore(text: string, tokens: readonly QueryToken[], at: number): string | undefined {
  for (let i = at; i >= 0; i--) {
    const token = tokens[i];
    if (token?.kind === 'field') return text.slice(token.start, token.end).toLowerCase();
    if (token?.kind === 'keyword' || token?.kind === 'bracket' || token?.kind === 'text') return undefined;
  }
  return undefined;
}

function fieldCandidates({ words, hints }: Language, prefix: string): Candidate[] {
  const fields = fieldsOf(words);
  const known = fields.filter((name) => startsWith(name, prefix));
  const near = known.length === 0 && prefix.length > 2 && !isFieldOf(words, prefix) ? [nearest(fields, prefix)] : [];
  return [...known, ...near].map((name) => {
    // Ports and networks are numbers that nobody compares.
    const hasOrder = words.numbers.includes(name) && name !== 'port' && name !== 'vlan';
    const hint = hints[name];
    return { insert: `${name}${hasOrder ? '>=' : ':'}`, kind: 'field', ...(hint === undefined ? {} : { hint }) };
  });
}

/** The field with most letters of the word. */
function nearest(fields: readonly string[], word: string): string {
  const letters = new Set(word.toLowerCase());
  const share = (name: string): number =>
    [...new Set(name)].filter((letter) => letters.has(letter)).length / name.length;
  return fields.reduce((best, name) => (share(name) > share(best) ? name : best));
}

function valueCandidate(value: string, count?: number): Candidate {
  const insert = /^(?!=)[^\s()",*?]+$/.test(value) ? value : JSON.stringify(value);
  return { insert, kind: 'value', ...(count === undefined ? {} : { count }) };
}

function startsWith(value: string, prefix: string): boolean {
  return value.toLowerCase().startsWith(prefix.toLowerCase());
}
