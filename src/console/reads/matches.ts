/** Why the rules on a record matched: the policy that judged it is kept beside the store, and is asked again. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditRecord } from '../../contracts/record.ts';
import { SQL_DIALECTS, type SqlAnalyzer, type SqlStatement } from '../../contracts/sql.ts';
import { createEngine, type ExplainingEngine, type Explanation } from '../../policy/engine.ts';
import type { Evidence } from '../../policy/explain.ts';
import { parsePolicies } from '../../policy/policy.ts';
import type { PolicySource } from '../../policy/source.ts';
import { POLICY_FOLDER } from '../../sensor/policy-archive.ts';
import { createAnalyzer } from '../../sql/analyzer.ts';
import type { Match } from '../api/records.ts';
import type { Sight } from './row.ts';

const ENGINES_MAX = 8;
const engines = new Map<string, ExplainingEngine | undefined>();
let analyzer: SqlAnalyzer | undefined;

export function explainMatches(directory: string, record: AuditRecord, sight: Sight): Match[] {
  const { policy = [], policyVersion } = record;
  if (policy.length === 0) return [];
  const engine = policyVersion === undefined ? undefined : engineOf(directory, policyVersion);
  const explanations = engine?.explain(record, statementOf(record)) ?? [];
  return policy.map(({ rule, severity, action }) => {
    const explanation = explanations.find((one) => one.rule.id === rule);
    const because = explanation?.evidence.map((evidence) => becauseOf(evidence, record, sight)) ?? [];
    return {
      rule,
      severity,
      action,
      ...factsOf(explanation),
      because,
      ...(because.length > 0 ? {} : { note: NO_TEXT }),
    };
  });
}

const NO_TEXT =
  'the policy that judged this record was not kept, or the condition looked at what was masked before it was stored';

function factsOf(explanation: Explanation | undefined): Pick<Match, 'title' | 'reason' | 'references'> {
  if (explanation === undefined) return { references: [] };
  const { title, reason, references } = explanation.rule;
  return { title, reason, references: [...references] };
}

/** As the audit stage hands it to the engine. */
export function statementOf(record: AuditRecord): SqlStatement | undefined {
  if (record.text === undefined) return undefined;
  analyzer ??= createAnalyzer();
  const statements = analyzer.analyze(record.text, SQL_DIALECTS[record.system ?? ''] ?? 'generic');
  return statements.find(({ start, end }) => end > start);
}

function becauseOf(evidence: Evidence, record: AuditRecord, sight: Sight): Match['because'][number] {
  const { condition, expected, found, byteStart, byteEnd } = evidence;
  const shown = sight.literals ? found : '(not shown to your role)';
  const text = record.text ?? '';
  // Places are bytes of the text in UTF-8; browsers count UTF-16 units.
  const bytes = byteStart === undefined || !sight.literals ? undefined : Buffer.from(text);
  const unitsTo = (end: number): number => bytes?.toString('utf8', 0, end).length ?? 0;
  return {
    sentence: `${condition}: found ${shown}, the rule asks for ${expected}`,
    condition,
    expected,
    found: shown,
    ...(bytes === undefined ? {} : { start: unitsTo(byteStart ?? 0), end: unitsTo(byteEnd ?? 0) }),
  };
}

function engineOf(directory: string, version: string): ExplainingEngine | undefined {
  if (engines.has(version)) return engines.get(version);
  const oldest = engines.keys().next();
  if (engines.size >= ENGINES_MAX && oldest.done !== true) engines.delete(oldest.value);
  const engine = openEngine(directory, version);
  engines.set(version, engine);
  return engine;
}

function openEngine(directory: string, version: string): ExplainingEngine | undefined {
  const path = join(directory, POLICY_FOLDER, `${version}.json`);
  if (!/^[0-9a-f]{12}$/.test(version) || !existsSync(path)) return undefined;
  try {
    const { sources } = JSON.parse(readFileSync(path, 'utf8')) as { sources: readonly PolicySource[] };
    return createEngine(parsePolicies(sources));
  } catch {
    return undefined; // what cannot be read explains nothing; the record says what matched all the same
  }
}
