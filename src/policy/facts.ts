/** What conditions look at: the record under judgement, and what is found out about it at most once. */
import type { AuditRecord, RecordKind } from '../contracts/record.ts';
import type { SqlStatement } from '../contracts/sql.ts';

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

/** What may stand between two words that are one operation: space, comments, CREATE's modifiers. */
const BETWEEN_WORDS = '[^;]{1,120}?';

/** Why a condition holds. Byte offsets are of `db.query.text` in UTF-8, where the reason stands in it. */
export interface Finding {
  readonly found: string;
  readonly byteStart?: number;
  readonly byteEnd?: number;
}

/**
 * Where `needle` stands in the statement's text, case aside: as whole words, perhaps with others between them, else
 * anywhere.
 */
export function locate(facts: Facts, found: string, needle: string): Finding {
  const text = facts.record.text;
  if (text === undefined || needle === '') return { found };
  const words = needle.split(/\s+/).map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const whole = new RegExp(`(?<![\\p{L}\\p{N}_$#])${words.join(BETWEEN_WORDS)}(?![\\p{L}\\p{N}_$#])`, 'iu').exec(text);
  if (whole !== null) return { found, ...byteRange(text, whole.index, whole.index + whole[0].length) };
  const at = text.toLowerCase().indexOf(needle.toLowerCase());
  return at < 0 ? { found } : { found, ...byteRange(text, at, at + needle.length) };
}

export function byteRange(text: string, start: number, end: number): { byteStart: number; byteEnd: number } {
  const byteStart = Buffer.byteLength(text.slice(0, start));
  return { byteStart, byteEnd: byteStart + Buffer.byteLength(text.slice(start, end)) };
}
