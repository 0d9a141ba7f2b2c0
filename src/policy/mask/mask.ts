/**
 * Masking before anything is written: values of certain columns and values found by pattern in every record, all literals
 * and binds of records that a rule with `mask` matched. In place of a value stands its keyed hash (HMAC-SHA-256, RFC
 * 2104), the same for a literal, a bind and a number found by pattern, so that equal values can still be joined by who has
 * no key and no value.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { type BindValue, MARK_MASKED, MARK_REDACTED, MARK_UNKNOWN_HANDLE } from '../../contracts/event.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import { type ColumnValueFinder, SQL_DIALECTS, type SqlStatement, type TextSpan } from '../../contracts/sql.ts';
import { MaskColumns } from './mask-columns.ts';
import { findSensitive, type SensitiveKind } from './sensitive.ts';

export interface MaskOptions {
  /** Kinds of values to find in every record. */
  readonly kinds: readonly SensitiveKind[];
  /** Columns whose values are masked in every record. */
  readonly columns?: readonly string[];
  /** Finds those values; without it a record that may name such a column loses all its values. */
  readonly finder?: ColumnValueFinder | undefined;
  /** Secret of the keyed hash. When absent, a random one: equal values join within one run only. */
  readonly key?: string | Uint8Array;
}

/** Of the hash, in hexadecimal digits: 64 bits tell a trillion values apart. */
const HASH_DIGITS = 16;

export class Masker {
  private readonly kinds: ReadonlySet<SensitiveKind>;
  private readonly key: string | Uint8Array;
  private readonly columns: MaskColumns;
  private readonly finder: ColumnValueFinder | undefined;
  /** What stands for values in the record at hand: its digits are nobody's. */
  private readonly issued = new Set<string>();

  constructor(options: MaskOptions) {
    this.kinds = new Set(options.kinds);
    this.columns = new MaskColumns(options.columns ?? []);
    this.finder = options.finder;
    this.key = options.key ?? randomBytes(32);
  }

  /** Masks the values of certain columns, then what the patterns find. */
  mask(record: AuditRecord, statement: SqlStatement | undefined): void {
    this.forgetIssued();
    if (!this.columns.isEmpty && record.kind === 'statement') this.maskColumns(record, statement);
    this.maskPatterns(record);
  }

  /** Servers quote values in their errors, so a record that loses one loses the error's text; its code stays. */
  private maskColumns(record: AuditRecord, statement: SqlStatement | undefined): void {
    const { text } = record;
    if (text === undefined) {
      // Whatever was prepared, its binds may be of any column.
      if ((record.marks & MARK_UNKNOWN_HANDLE) !== 0 && record.parameters !== undefined)
        this.hideAll(record, statement);
      return;
    }
    const wanted = this.columns.wantedIn(text);
    // EXECUTE of a statement prepared in SQL: its columns are known, but not which value is whose.
    const isExecute = statement?.executes !== undefined && this.columns.anyIn(statement.columns, statement.objects);
    if (isExecute || (wanted !== undefined && this.finder === undefined)) this.hideAll(record, statement);
    else if (wanted !== undefined && this.finder !== undefined) {
      const dialect = SQL_DIALECTS[record.system ?? ''] ?? 'generic';
      const { literals, binds } = this.finder.find(text, dialect, wanted, record.parameters?.length ?? 0);
      if (literals.length > 0) record.text = this.replace(text, literals);
      const isBound = this.maskBinds(record, record.textLength === undefined ? binds : undefined);
      if (literals.length === 0 && !isBound) return;
      record.errorText = undefined;
      this.mark(record);
    }
  }

  /** Masks the binds at these places, or all of them; false when there is none. */
  private maskBinds(record: AuditRecord, places: readonly number[] | undefined): boolean {
    const { parameters } = record;
    if (parameters === undefined || parameters.length === 0 || places?.length === 0) return false;
    const chosen = places && new Set(places);
    record.parameters = parameters.map((value, i) =>
      value === null || chosen?.has(i) === false ? value : this.token('value', bindText(value)),
    );
    return true;
  }

  /** Masks what the patterns find in text, binds and error. */
  private maskPatterns(record: AuditRecord): void {
    if (this.kinds.size === 0) return;
    const text = record.text === undefined ? undefined : this.byPattern(record.text);
    const errorText = record.errorText === undefined ? undefined : this.byPattern(record.errorText);
    const parameters = record.parameters?.map((value) => this.bindByPattern(value));
    const changed = parameters?.some((value, i) => value !== record.parameters?.[i]) ?? false;
    if (text === record.text && errorText === record.errorText && !changed) return;
    record.text = text;
    record.errorText = errorText;
    record.parameters = parameters;
    this.mark(record);
  }

  /** Masks every literal and every bind. A text whose literals are not known for sure gives way to its normal form. */
  maskAll(record: AuditRecord, statement: SqlStatement | undefined): void {
    this.forgetIssued();
    this.hideAll(record, statement);
  }

  private hideAll(record: AuditRecord, statement: SqlStatement | undefined): void {
    const { text } = record;
    if (text !== undefined) {
      const literals = literalsOf(record, text, statement);
      record.text = literals === undefined ? record.summary : this.replace(text, literals);
    }
    this.maskBinds(record, undefined);
    // Servers quote values in their errors.
    if (record.errorText !== undefined) record.errorText = undefined;
    this.mark(record);
  }

  private mark(record: AuditRecord): void {
    record.marks |= MARK_MASKED;
    // The hash of the text as it was would let anyone try values.
    record.textSha256 = undefined;
  }

  private byPattern(text: string): string {
    const spans = findSensitive(text, this.kinds);
    let masked = '';
    let from = 0;
    for (const { kind, start, end, value } of spans) {
      if (this.issued.has(text.slice(text.lastIndexOf('<', start), end + 1))) continue;
      masked += text.slice(from, start) + this.token(kind, value);
      from = end;
    }
    return from === 0 ? text : masked + text.slice(from);
  }

  private bindByPattern(value: BindValue): BindValue {
    if (typeof value === 'string') return this.byPattern(value);
    if (typeof value === 'number') {
      const masked = this.byPattern(String(value));
      return masked === String(value) ? value : masked;
    }
    if (value === null || typeof value === 'boolean') return value;
    // A type that was not decoded may still carry the digits as text.
    const plain = 'text' in value ? value.text : Buffer.from(value.hex, 'hex').toString('latin1');
    const text = this.byPattern(plain);
    return text === plain ? value : text;
  }

  private replace(text: string, spans: readonly TextSpan[]): string {
    let masked = '';
    let from = 0;
    for (const { start, end } of spans) {
      masked += `${text.slice(from, start)}'${this.token('value', literalValue(text.slice(start, end)))}'`;
      from = end;
    }
    return masked + text.slice(from);
  }

  /** Clearing an empty set makes a new table, which outlives it: of every record that would be a hundred bytes. */
  private forgetIssued(): void {
    if (this.issued.size > 0) this.issued.clear();
  }

  private token(kind: string, value: string): string {
    const token = `<${kind}:${createHmac('sha256', this.key).update(value).digest('hex').slice(0, HASH_DIGITS)}>`;
    this.issued.add(token);
    return token;
  }
}

/** What a literal says, as a bind would say it: without prefix and quotes. */
function literalValue(literal: string): string {
  const quoted = /^[A-Za-z]{0,2}&?(['"])(.*)\1$/s.exec(literal);
  if (quoted !== null) return (quoted[2] ?? '').replaceAll((quoted[1] ?? '').repeat(2), quoted[1] ?? '');
  return /^(\$[^$]*\$)(.*)\1$/s.exec(literal)?.[2] ?? literal;
}

function bindText(value: string | number | boolean | object): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * Literals of the record's text, or `undefined` when they are not sure: spans count in the text as sent, of which the
 * record has all, or exactly its statement; secrets that were cut out before have moved what follows them.
 */
function literalsOf(
  record: AuditRecord,
  text: string,
  statement: SqlStatement | undefined,
): readonly TextSpan[] | undefined {
  if (statement === undefined || (record.marks & MARK_REDACTED) !== 0 || record.textLength !== undefined)
    return undefined;
  if (record.summary !== statement.summary) return undefined;
  const isSlice = statement.start > 0 && text.length === statement.end - statement.start;
  const shift = isSlice ? statement.start : 0;
  if (statement.end - shift > text.length) return undefined;
  return statement.literals.map(({ start, end }) => ({ start: start - shift, end: end - shift }));
}
