/** Why a record of a store matched: by the very policy that judged it, which the store keeps. */
import { merged, withText } from '../audit/split.ts';
import { setNewest } from '../base/bounded-map.ts';
import { UserError } from '../base/errors.ts';
import type { AuditRecord } from '../contracts/record.ts';
import { SQL_DIALECTS, type SqlAnalyzer, type SqlStatement } from '../contracts/sql.ts';
import { createEngine, type ExplainingEngine } from '../policy/engine.ts';
import { type ExplainedMatch, explainMatches } from '../policy/sentences.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { readArchivedPolicy } from './policy-archive.ts';

/** Policies kept compiled; records looked at together were mostly judged by one or two. */
const ENGINES_MAX = 4;

/** Analyses a stored text again, as the auditor did before the record was judged. Secrets and masked values are gone. */
export function statementOf(record: AuditRecord, analyzer: SqlAnalyzer): SqlStatement | undefined {
  if (record.text === undefined) return undefined;
  const dialect = SQL_DIALECTS[record.system ?? ''] ?? 'generic';
  return merged(withText(analyzer.analyze(record.text, dialect)));
}

export class RecordExplainer {
  private readonly store: string;
  private readonly analyzer: SqlAnalyzer = createAnalyzer();
  private readonly engines = new Map<string, ExplainingEngine | undefined>();

  constructor(store: string) {
    this.store = store;
  }

  /** One entry for each rule in `record.policy`; none when the store does not have the policy that judged the record. */
  explain(record: AuditRecord): readonly ExplainedMatch[] {
    const { policyVersion } = record;
    if (policyVersion === undefined || record.policy === undefined) return [];
    const engine = this.engineOf(policyVersion);
    return engine === undefined ? [] : explainMatches(engine, record, statementOf(record, this.analyzer));
  }

  private engineOf(version: string): ExplainingEngine | undefined {
    if (this.engines.has(version)) return this.engines.get(version);
    const engine = this.load(version);
    setNewest(this.engines, version, engine, ENGINES_MAX);
    return engine;
  }

  private load(version: string): ExplainingEngine | undefined {
    try {
      return createEngine(readArchivedPolicy(this.store, version));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return undefined;
    }
  }
}
