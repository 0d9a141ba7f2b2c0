/**
 * The query language, one for the command line and the console:
 *
 *   user:alice op:DELETE,UPDATE table:orders* client:10.0.0.0/8 rows>1000 text:"drop table" (rule:pci-* or severity>=high)
 *
 *   query   = or ;                  or  = and { "or" and } ;        and = unary { ["and"] unary } ;
 *   unary   = "not" unary | primary ;                               primary = "(" or ")" | term | word ;
 *   term    = field (":" | "=" | ":=" | "!=" | "<" | "<=" | ">" | ">=") value { "," value } ;
 *
 * A word or quoted text without a field is looked for in the statement, character by character. In unquoted values of
 * other fields `*` and `?` are wildcards. `:=` compares the whole text as it is, but for case: `object:=orders` is not
 * `shop.orders`, which `object:orders` finds too, and `*` is an asterisk.
 */
import { HOUR_US, MINUTE_US, SECOND_US } from '../base/time.ts';
import { SEVERITIES } from '../contracts/record.ts';
import { QueryError } from './errors.ts';
import type { AddressField, Comparison, Filter, NumberField, Pattern, TextField } from './filter.ts';
import { parseMoment, parseRanges, type TimeRange } from './time.ts';
import { fieldsOf, RECORD_VOCABULARY, type Vocabulary } from './vocabulary.ts';

const QUERY_UNITS_MAX = 16_384;
const DEPTH_MAX = 50;
const TERMS_MAX = 500;

/** A query for audit records; `undefined` for an empty one. Throws `QueryError`. `nowUs` is for times. */
export function parseFilter(text: string, nowUs: number): Filter | undefined {
  return parseFilterOf<TextField, NumberField, AddressField>(RECORD_VOCABULARY, text, nowUs);
}

/** As `parseFilter`, in the words of another vocabulary. */
export function parseFilterOf<T extends string, N extends string, A extends string>(
  vocabulary: Vocabulary<T, N, A>,
  text: string,
  nowUs: number,
): Filter<T, N, A> | undefined {
  if (text.length > QUERY_UNITS_MAX) throw new QueryError(`query: longer than ${QUERY_UNITS_MAX} characters`);
  return new FilterParser(vocabulary, text, nowUs).parse();
}

/** A value, and where it stands. */
interface Value extends Pattern {
  readonly column: number;
}

class FilterParser<T extends string, N extends string, A extends string> {
  private readonly vocabulary: Vocabulary<T, N, A>;
  private readonly text: string;
  private readonly nowUs: number;
  private pos = 0;
  private terms = 0;

  constructor(vocabulary: Vocabulary<T, N, A>, text: string, nowUs: number) {
    this.vocabulary = vocabulary;
    this.text = text;
    this.nowUs = nowUs;
  }

  parse(): Filter<T, N, A> | undefined {
    this.skipSpace();
    if (this.pos === this.text.length) return undefined;
    const filter = this.or(0);
    if (this.pos < this.text.length) throw this.error(this.pos, 'unexpected )');
    return filter;
  }

  private or(depth: number): Filter<T, N, A> {
    if (depth > DEPTH_MAX) throw this.error(this.pos, 'nested too deeply');
    const terms = [this.and(depth)];
    while (this.keyword('or')) terms.push(this.and(depth));
    return terms.length === 1 ? (terms[0] as Filter<T, N, A>) : { kind: 'or', terms };
  }

  private and(depth: number): Filter<T, N, A> {
    const terms = [this.unary(depth)];
    for (;;) {
      const explicit = this.keyword('and');
      if (!explicit && (this.pos === this.text.length || this.text[this.pos] === ')' || this.atKeyword('or'))) break;
      terms.push(this.unary(depth));
    }
    return terms.length === 1 ? (terms[0] as Filter<T, N, A>) : { kind: 'and', terms };
  }

  private unary(depth: number): Filter<T, N, A> {
    let negated = false;
    while (this.keyword('not')) negated = !negated;
    const filter = this.primary(depth);
    return negated ? { kind: 'not', term: filter } : filter;
  }

  private primary(depth: number): Filter<T, N, A> {
    const start = this.pos;
    if (start === this.text.length) throw this.error(start, 'expected a condition');
    if (this.text[start] === ')') throw this.error(start, 'expected a condition before )');
    if (this.text[start] === '(') {
      this.pos++;
      this.skipSpace();
      const inner = this.or(depth + 1);
      if (this.text[this.pos] !== ')') throw this.error(start, 'this ( is not closed');
      this.pos++;
      this.skipSpace();
      return inner;
    }
    if (++this.terms > TERMS_MAX) throw this.error(start, `more than ${TERMS_MAX} conditions`);
    const filter = this.term();
    this.skipSpace();
    return filter;
  }

  private term(): Filter<T, N, A> {
    const start = this.pos;
    if (this.atKeyword('and') || this.atKeyword('or')) throw this.error(start, 'expected a condition');
    const head = /^([A-Za-z_]+)(!=|<=|>=|:=|[:=<>])/.exec(this.text.slice(start, start + 64));
    if (head === null) return this.word(start);
    const word = (head[1] ?? '').toLowerCase();
    const field = this.vocabulary.aliases[word] ?? word;
    const operator = head[2] ?? ':';
    const fields = fieldsOf(this.vocabulary);
    if (!fields.includes(field)) throw this.error(start, `unknown field ${word}; there are ${fields.join(', ')}`);
    this.pos += head[0].length;
    const values = this.values();
    if (operator === ':=') return this.exactly(field, values, start);
    const comparison = operator === ':' || operator === '!=' ? '=' : (operator as Comparison);
    const filter = this.condition(field, comparison, values, start);
    return operator === '!=' ? { kind: 'not', term: filter } : filter;
  }

  private exactly(field: string, values: readonly Value[], start: number): Filter<T, N, A> {
    if (!isOneOf(field, this.vocabulary.texts)) throw this.error(start, `:= compares names; write ${field}:VALUE`);
    const patterns = values.map(({ text }) => ({ text, wildcards: false, exact: true }));
    return { kind: 'match', field, patterns };
  }

  /** What stands without a field is looked for in texts, if there are any. */
  private word(start: number): Filter<T, N, A> {
    if (!this.vocabulary.specials.includes('text')) throw this.error(start, 'expected FIELD:VALUE');
    return { kind: 'text', needle: this.value().text };
  }

  private condition(field: string, comparison: Comparison, values: readonly Value[], start: number): Filter<T, N, A> {
    const { texts, numbers, addresses } = this.vocabulary;
    if (isOneOf(field, numbers)) {
      const terms = values.map((value) => this.numberTerm(field, comparison, value));
      return terms.length === 1 ? (terms[0] as Filter<T, N, A>) : { kind: 'or', terms };
    }
    if (comparison !== '=') throw this.error(start, `${field} has no order; write ${field}:VALUE`);
    const patterns = values.map(({ text, wildcards }) => ({ text, wildcards }));
    if (isOneOf(field, texts)) return { kind: 'match', field, patterns };
    if (isOneOf(field, addresses)) return { kind: 'address', field, patterns };
    const terms = values.map((value) => this.specialTerm(field, value));
    return terms.length === 1 ? (terms[0] as Filter<T, N, A>) : { kind: 'or', terms };
  }

  private specialTerm(field: string, value: Value): Filter<T, N, A> {
    if (field === 'text') return { kind: 'text', needle: value.text };
    if (field === 'failed') {
      if (/^(true|yes|1)$/i.test(value.text)) return { kind: 'failed', value: true };
      if (/^(false|no|0)$/i.test(value.text)) return { kind: 'failed', value: false };
      throw this.error(value.column, 'expected true or false');
    }
    try {
      return { kind: 'time', ranges: this.timeRanges(field, value.text) };
    } catch (error) {
      throw this.error(value.column, error instanceof Error ? error.message : 'not a time');
    }
  }

  /** `time:` names a range, `since:` and `until:` the moments at which one begins and ends. */
  private timeRanges(field: string, text: string): readonly TimeRange[] {
    if (field === 'since') return [{ fromUs: parseMoment(text, this.nowUs), toUs: Number.MAX_SAFE_INTEGER }];
    if (field === 'until') return [{ fromUs: 0, toUs: parseMoment(text, this.nowUs) }];
    return parseRanges(text, this.nowUs);
  }

  private numberTerm(field: N, comparison: Comparison, value: Value): Filter<T, N, A> {
    const number = field === 'severity' ? severityRank(value.text) : parseNumber(value.text, field === 'duration');
    if (number === undefined) {
      const expected =
        field === 'severity' ? SEVERITIES.join(', ') : field === 'duration' ? 'a time such as 10ms' : 'a number';
      throw this.error(value.column, `${field}: expected ${expected}`);
    }
    return { kind: 'number', field, comparison, value: number };
  }

  private values(): Value[] {
    const values = [this.value()];
    while (this.text[this.pos] === ',') {
      this.pos++;
      values.push(this.value());
    }
    return values;
  }

  private value(): Value {
    const column = this.pos;
    if (this.text[column] === '"') return { text: this.quoted(), wildcards: false, column };
    const [word = ''] = /^[^\s()",]+/.exec(this.text.slice(column)) ?? [];
    if (word === '') throw this.error(column, 'expected a value');
    this.pos += word.length;
    return { text: word, wildcards: true, column };
  }

  /** A backslash takes the next character as it is. */
  private quoted(): string {
    const start = this.pos++;
    let value = '';
    for (;;) {
      let unit = this.text[this.pos++];
      if (unit === '"') return value;
      if (unit === '\\') unit = this.text[this.pos++];
      if (unit === undefined) throw this.error(start, 'this " is not closed');
      value += unit;
    }
  }

  private atKeyword(word: string): boolean {
    const found = this.text.slice(this.pos, this.pos + word.length);
    const after = this.text[this.pos + word.length];
    return found.toLowerCase() === word && (after === undefined || /[\s()"]/.test(after));
  }

  private keyword(word: string): boolean {
    if (!this.atKeyword(word)) return false;
    this.pos += word.length;
    this.skipSpace();
    return true;
  }

  private skipSpace(): void {
    while (/\s/.test(this.text[this.pos] ?? '')) this.pos++;
  }

  /** Columns count from 1. */
  private error(pos: number, message: string): QueryError {
    return new QueryError(message, pos + 1);
  }
}

function isOneOf<T extends string>(field: string, list: readonly T[]): field is T {
  return (list as readonly string[]).includes(field);
}

function severityRank(text: string): number | undefined {
  const rank = (SEVERITIES as readonly string[]).indexOf(text.toLowerCase());
  return rank < 0 ? undefined : rank;
}

const SCALES: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };
const DURATIONS: Readonly<Record<string, number>> = { '': 1, us: 1, ms: 1e3, s: SECOND_US, m: MINUTE_US, h: HOUR_US };

/** `1000`, `1.5k`; durations in microseconds, or with `us`, `ms`, `s`, `m`, `h`. */
function parseNumber(text: string, duration: boolean): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?)([A-Za-z]{0,2})$/.exec(text) ?? [];
  const scale = (duration ? DURATIONS : SCALES)[unit];
  return digits === undefined || scale === undefined ? undefined : Number(digits) * scale;
}
