/**
 * Masking before anything is written: values found by pattern in every record, all literals and binds of records that a
 * rule with `mask` matched. In place of a value stands its keyed hash (HMAC-SHA-256, RFC 2104), so that equal values can
 * still be joined by who has no key and no value.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { type BindValue, MARK_MASKED, MARK_REDACTED } from '../contracts/event.ts';
import type { AuditRecord } from '../contracts/record.ts';
import type { SqlStatement, TextSpan } from '../contracts/sql.ts';
import { findSensitive, type SensitiveKind } from './sensitive.ts';

export interface MaskOptions {
  /** Kinds of values to find in every record. */
  readonly kinds: readonly SensitiveKind[];
  /** Secret of the keyed hash. When absent, a random one: equal values join within one run only. */
  readonly key?: string | Uint8Array;
}

/** Of the hash, in hexadecimal digits: 64 bits tell a trillion values apart. */
const HASH_DIGITS = 16;

export class Masker {
  private readonly kinds: ReadonlySet<SensitiveKind>;
  private readonly key: string | Uint8Array;

  constructor(options: MaskOptions) {
    this.kinds = new Set(options.kinds);
    this.key = options.key ?? randomBytes(32);
  }

  /** Masks what the patterns find in text, binds and error. */
  maskPatterns(record: AuditRecord): void {
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
    const { text } = record;
    if (text !== undefined) {
      const literals = literalsOf(record, text, statement);
      record.text = literals === undefined ? record.summary : this.replace(text, literals);
    }
    record.parameters = record.parameters?.map((value) =>
      value === null ? null : this.token('value', bindText(value)),
    );
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
      masked += `${text.slice(from, start)}'${this.token('value', text.slice(start, end))}'`;
      from = end;
    }
    return masked + text.slice(from);
  }

  private token(kind: string, value: string): string {
    return `<${kind}:${createHmac('sha256', this.key).update(value).digest('hex').slice(0, HASH_DIGITS)}>`;
  }
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
