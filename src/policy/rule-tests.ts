/** Runs the `tests` of rules: what `wiretrail policy test` prints. */
import { AuditRecord } from '../contracts/record.ts';
import { SQL_DIALECTS, type SqlAnalyzer, type SqlStatement } from '../contracts/sql.ts';
import { createEngine, type ExplainingEngine } from './engine.ts';
import type { Snippet } from './files/expectations.ts';
import type { Rule } from './files/policy-file.ts';
import type { Policy } from './policy.ts';

export interface RuleTestResult {
  readonly rule: string;
  readonly file: string;
  /** Of the test in the file. */
  readonly line: number;
  readonly expected: 'match' | 'miss';
  readonly passed: boolean;
  /** The statement or what stands for it, on one line. */
  readonly subject: string;
}

export interface RuleTestSummary {
  readonly results: readonly RuleTestResult[];
  /** Ids of rules without a `match` or without a `miss`. */
  readonly untested: readonly string[];
}

/** A Monday, 12:00 UTC. */
const START_US = Date.UTC(2026, 0, 5, 12) * 1000;

/** Several statements as the one that they are judged as where their results cannot be told apart. */
export type Merge = (statements: readonly SqlStatement[]) => SqlStatement | undefined;

/**
 * Each test sees its rule alone, with empty memory. Of several statements each has a record, unless the test says `batch`;
 * `merge` is the audit stage's.
 */
export function runPolicyTests(policy: Policy, analyzer: SqlAnalyzer, merge: Merge): RuleTestSummary {
  const results: RuleTestResult[] = [];
  for (const rule of policy.rules) {
    for (const expected of ['match', 'miss'] as const) {
      for (const snippet of rule.tests[expected]) {
        results.push(runOne(policy, rule, expected, snippet, analyzer, merge));
      }
    }
  }
  const untested = policy.rules.filter(({ tests }) => tests.match.length === 0 || tests.miss.length === 0);
  return { results, untested: untested.map((rule) => rule.id) };
}

function runOne(
  policy: Policy,
  rule: Rule,
  expected: 'match' | 'miss',
  snippet: Snippet,
  analyzer: SqlAnalyzer,
  merge: Merge,
): RuleTestResult {
  const engine = createEngine({ ...policy, rules: [rule] });
  let matched = false;
  for (let i = 0; i < snippet.repeat; i++) matched = play(engine, snippet, i, analyzer, merge) || matched;
  const subject = (snippet.sql ?? describe(snippet)).replace(/\s+/g, ' ').trim();
  return {
    rule: rule.id,
    file: rule.file,
    line: snippet.line,
    expected,
    passed: matched === (expected === 'match'),
    subject,
  };
}

function play(
  engine: ExplainingEngine,
  snippet: Snippet,
  repetition: number,
  analyzer: SqlAnalyzer,
  merge: Merge,
): boolean {
  const { sql } = snippet;
  const probe = toRecord(snippet, repetition, undefined, undefined);
  if (sql === undefined) return judge(engine, probe, undefined);
  const statements = analyzer.analyze(sql, SQL_DIALECTS[probe.system ?? ''] ?? 'generic');
  if (snippet.batch || statements.length < 2) {
    const whole = merge(statements);
    return judge(engine, toRecord(snippet, repetition, sql, whole), whole);
  }
  let matched = false;
  for (const statement of statements) {
    const text = sql.slice(statement.start, statement.end);
    matched = judge(engine, toRecord(snippet, repetition, text, statement), statement) || matched;
  }
  return matched;
}

function judge(engine: ExplainingEngine, record: AuditRecord, statement: SqlStatement | undefined): boolean {
  engine.evaluate(record, statement);
  return record.policy !== undefined;
}

/** As the audit stage fills a record. */
function toRecord(
  snippet: Snippet,
  repetition: number,
  text: string | undefined,
  statement: SqlStatement | undefined,
): AuditRecord {
  const record = new AuditRecord();
  record.timeUs = START_US;
  record.kind = snippet.sql === undefined ? 'login' : 'statement';
  record.text = text;
  if (statement !== undefined) {
    const { operations } = statement;
    record.operation = statement.operation;
    record.operations = operations.length > 1 ? operations : undefined;
    record.objects = statement.objects;
    record.procedure = statement.procedure;
    record.summary = statement.summary;
    record.fingerprint = statement.fingerprint;
  }
  for (const set of snippet.fields) set(record, repetition);
  record.timeUs += repetition * snippet.everyUs;
  return record;
}

function describe(snippet: Snippet): string {
  const record = toRecord(snippet, 0, undefined, undefined);
  const facts = [record.kind, record.user, record.clientAddress, record.errorCode].filter((fact) => fact !== undefined);
  return snippet.repeat > 1 ? `${facts.join(' ')} × ${snippet.repeat}` : facts.join(' ');
}
