/** `wiretrail policy try`: what rules would have matched among the records of a store. Nothing is changed there. */
import { recordToJson } from '../audit/json.ts';
import { UserError } from '../base/errors.ts';
import { formatTime } from '../base/time.ts';
import type { AuditRecord } from '../contracts/record.ts';
import { SQL_DIALECTS, type SqlAnalyzer, type SqlStatement } from '../contracts/sql.ts';
import { createEngine, type ExplainingEngine } from '../policy/engine.ts';
import type { Evidence } from '../policy/explain.ts';
import type { Policy } from '../policy/policy.ts';
import { parseMoment } from '../query/time.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { StoreReader } from '../store/reader.ts';
import { recordAccess } from './access.ts';
import { grouped, say } from './text.ts';

export interface TryOptions {
  readonly store: string;
  readonly from?: string;
  readonly to?: string;
  readonly examples: number;
  readonly jsonl?: boolean;
}

const TEXT_CHARS_SHOWN = 160;

/** Prints matches as JSON lines, or examples of each rule as text; then how many records each rule matched. */
export function tryPolicy(policy: Policy, options: TryOptions): void {
  const nowUs = Date.now() * 1000;
  const fromUs = options.from === undefined ? undefined : parseMoment(options.from, nowUs);
  const toUs = options.to === undefined ? undefined : parseMoment(options.to, nowUs);
  if (fromUs !== undefined && toUs !== undefined && toUs <= fromUs)
    throw new UserError('the time range ends before it begins: check --from and --to');
  const engine = createEngine(policy);
  const analyzer = createAnalyzer();
  recordAccess(options.store, 'READ', 'policy try', policy.rules.map(({ id }) => id).join(' '));
  const reader = new StoreReader(options.store);
  let records = 0;
  try {
    for (const record of reader.query({ fromUs, toUs, filter: undefined, order: 'oldest' })) {
      records++;
      judge(engine, record, statementOf(record, analyzer), options);
    }
  } finally {
    for (const problem of reader.problems) say(`wiretrail: ${problem}`);
    reader.close();
  }
  for (const { id } of policy.rules)
    say(`${id}: ${grouped(engine.matches.get(id) ?? 0)} of ${grouped(records)} records`);
}

/** As the audit stage hands it to the engine. Stored texts have lost secrets and masked values. */
function statementOf(record: AuditRecord, analyzer: SqlAnalyzer): SqlStatement | undefined {
  if (record.text === undefined) return undefined;
  const statements = analyzer.analyze(record.text, SQL_DIALECTS[record.system ?? ''] ?? 'generic');
  return statements.find(({ start, end }) => end > start);
}

function judge(
  engine: ExplainingEngine,
  record: AuditRecord,
  statement: SqlStatement | undefined,
  options: TryOptions,
): void {
  const { text } = record;
  engine.evaluate(record, statement);
  if (record.policy === undefined) return;
  if (options.jsonl) {
    process.stdout.write(`${JSON.stringify(recordToJson(record))}\n`);
    return;
  }
  for (const { rule, evidence } of engine.explain(record, statement)) {
    if ((engine.matches.get(rule.id) ?? 0) > options.examples) continue;
    const who = `${formatTime(record.timeUs)} ${record.user ?? '(unknown)'} ${record.clientAddress ?? ''}`;
    process.stdout.write(`${rule.id}  ${who}  ${shown(text ?? record.kind)}\n`);
    for (const proof of evidence) process.stdout.write(`    ${because(proof)}\n`);
  }
}

function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > TEXT_CHARS_SHOWN ? `${line.slice(0, TEXT_CHARS_SHOWN)}…` : line;
}

function because({ condition, expected, found, byteStart, byteEnd }: Evidence): string {
  const place = byteStart === undefined ? '' : ` at bytes ${byteStart} to ${byteEnd}`;
  return `${condition} ${shown(expected)}: ${shown(found)}${place}`;
}
