/**
 * Why rules matched a record, in sentences: what each condition asks for, what was found, and at which bytes of the
 * statement. For people: the console and `wiretrail policy try` show these.
 */
import type { AuditRecord, Severity } from '../contracts/record.ts';
import type { SqlStatement } from '../contracts/sql.ts';
import type { ExplainingEngine, Explanation } from './engine.ts';
import type { Evidence } from './explain.ts';

export interface Sentence {
  readonly text: string;
  /** Half-open range of bytes of `db.query.text` in UTF-8, where the reason stands in it. */
  readonly byteStart: number | undefined;
  readonly byteEnd: number | undefined;
  /** The same range in UTF-16 units, as strings are sliced. */
  readonly start: number | undefined;
  readonly end: number | undefined;
  /** Of the condition, in the rule's file; from 1. */
  readonly line: number;
  readonly column: number;
}

export interface ExplainedMatch {
  readonly rule: string;
  readonly title: string;
  readonly reason: string;
  readonly references: readonly string[];
  readonly severity: Severity;
  /** Empty when the conditions no longer hold for what is kept of the record: what they looked at is masked. */
  readonly sentences: readonly Sentence[];
}

const SHOWN_CHARS_MAX = 160;

/** Explains every rule in `record.policy` that the engine's policy has. `statement` as the record was judged with. */
export function explainMatches(
  engine: ExplainingEngine,
  record: AuditRecord,
  statement: SqlStatement | undefined,
): readonly ExplainedMatch[] {
  return engine.explain(record, statement).map(({ rule, evidence }: Explanation) => ({
    rule: rule.id,
    title: rule.title,
    reason: rule.reason,
    references: rule.references,
    severity: rule.severity,
    sentences: evidence.map((proof) => sentenceOf(proof, record.text)),
  }));
}

function sentenceOf(evidence: Evidence, text: string | undefined): Sentence {
  const { condition, expected, found, byteStart, byteEnd, position } = evidence;
  const range = text === undefined ? undefined : charRange(text, byteStart, byteEnd);
  const place = byteStart === undefined ? '' : ` at bytes ${byteStart} to ${byteEnd}`;
  const name = condition.replaceAll('_', ' ');
  const wanted = shown(expected);
  const said = name.startsWith('not ')
    ? `The rule asks for no ${name.slice(4)} ${wanted}; there is none.`
    : `The rule asks for ${name} ${wanted}; found ${shown(found)}${place}.`;
  return { text: said, byteStart, byteEnd, start: range?.start, end: range?.end, ...position };
}

function charRange(
  text: string,
  byteStart: number | undefined,
  byteEnd: number | undefined,
): { readonly start: number; readonly end: number } | undefined {
  if (byteStart === undefined || byteEnd === undefined) return undefined;
  const bytes = Buffer.from(text);
  const start = bytes.toString('utf8', 0, byteStart).length;
  return { start, end: start + bytes.toString('utf8', byteStart, byteEnd).length };
}

function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > SHOWN_CHARS_MAX ? `${line.slice(0, SHOWN_CHARS_MAX)}…` : line;
}
