/** What conditions look at: the record under judgement, and what is found out about it at most once. */
import type { AuditRecord, RecordKind } from '../../contracts/record.ts';
import type { SqlStatement } from '../../contracts/sql.ts';

export const KIND_LOGIN = 1;
export const KIND_STATEMENT = 2;
export const KIND_LOGOUT = 4;
export const KIND_OPAQUE = 8;
export const KIND_LOSS = 16;
export const KIND_ALL = 31;

export const KIND_BITS: { readonly [K in RecordKind]: number } = {
  login: KIND_LOGIN,
  statement: KIND_STATEMENT,
  logout: KIND_LOGOUT,
  opaque: KIND_OPAQUE,
  loss: KIND_LOSS,
};

const QUOTE = 0x27;

/** One instance an engine, filled anew for every record. */
export class Facts {
  record: AuditRecord;
  statement: SqlStatement | undefined = undefined;
  /** Changes with every record, so that what was found for another one is not taken for this one's. */
  generation = 0;

  constructor(record: AuditRecord) {
    this.record = record;
  }

  set(record: AuditRecord, statement: SqlStatement | undefined): void {
    this.record = record;
    this.statement = statement;
    this.generation = (this.generation + 1) | 0;
  }

  /** Whether there is a string among the literals of a statement with a template. */
  hasStrings(): boolean {
    const { text } = this.record;
    return this.statement?.literals.some(({ start }) => text?.charCodeAt(start) === QUOTE) ?? false;
  }

  /** The record's text without literals and comments; `undefined` when it was not analysed. */
  code(): string | undefined {
    return this.record.summary ?? this.statement?.summary;
  }
}

/** Characters that may stand between two words that are one operation: space, comments, CREATE's modifiers. */
const BETWEEN_CHARS_MAX = 120;
/** A name of more words is looked for only as it is written. */
const WORDS_MAX = 8;

/** Why a condition holds. Byte offsets are of `db.query.text` in UTF-8, where the reason stands in it. */
export interface Finding {
  readonly found: string;
  readonly byteStart?: number;
  readonly byteEnd?: number;
}

/**
 * Where `needle` stands in the statement's text, case aside: as whole words, perhaps with others between them, else
 * anywhere. Both may be an attacker's: the search takes time linear in the text.
 */
export function locate(facts: Facts, found: string, needle: string): Finding {
  const { text } = facts.record;
  if (text === undefined || needle === '') return { found };
  const lower = lowerUnits(text);
  const wanted = lowerUnits(needle);
  const words = wanted.trim().split(/\s+/);
  const whole = words.length <= WORDS_MAX ? findWords(lower, words) : undefined;
  if (whole !== undefined) return { found, ...byteRange(text, whole.start, whole.end) };
  const at = lower.indexOf(wanted);
  return at < 0 ? { found } : { found, ...byteRange(text, at, at + wanted.length) };
}

/** Small letters, and as many UTF-16 units: a place in the result is a place in the text. */
function lowerUnits(text: string): string {
  // The one letter whose small form is longer.
  return text.replaceAll('\u0130', 'i').toLowerCase();
}

interface UnitRange {
  readonly start: number;
  readonly end: number;
}

/** The first place where the words follow one another, each the nearest one behind the word before. */
function findWords(text: string, words: readonly string[]): UnitRange | undefined {
  const [first = '', ...others] = words;
  for (let start = wordAt(text, first, 0, text.length); start >= 0; ) {
    let end = start + first.length;
    for (const word of others) {
      const at = wordAt(text, word, end + 1, end + BETWEEN_CHARS_MAX);
      const isReached = at >= 0 && !text.slice(end, at).includes(';');
      end = isReached ? at + word.length : -1;
      if (!isReached) break;
    }
    if (end >= 0) return { start, end };
    start = wordAt(text, first, start + 1, text.length);
  }
  return undefined;
}

/** The first whole `word` that begins in `text[from, last]`, or -1. */
function wordAt(text: string, word: string, from: number, last: number): number {
  const stretch = text.slice(from, last + word.length);
  for (let at = stretch.indexOf(word); at >= 0; at = stretch.indexOf(word, at + 1)) {
    if (!isWordUnit(text, from + at - 1) && !isWordUnit(text, from + at + word.length)) return from + at;
  }
  return -1;
}

function isWordUnit(text: string, at: number): boolean {
  return /[\p{L}\p{N}_$#]/u.test(text.charAt(at));
}

export function byteRange(text: string, start: number, end: number): { byteStart: number; byteEnd: number } {
  const byteStart = Buffer.byteLength(text.slice(0, start));
  return { byteStart, byteEnd: byteStart + Buffer.byteLength(text.slice(start, end)) };
}
