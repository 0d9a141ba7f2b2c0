/** What the policy engine offers the pipeline. */
import type { AuditRecord, Severity } from './record.ts';
import type { SqlStatement } from './sql.ts';

/** Write the record down. */
export const DISPOSITION_RECORD = 0;
/** A rule said `ignore`, or nothing matched under `record: matched`. */
export const DISPOSITION_DROP = 1;
/** Only an engine that sees the records of all flows can tell: a rule remembers, and this engine sees a part of them. */
export const DISPOSITION_DEFER = 2;
export type Disposition = 0 | 1 | 2;

export interface PolicyEngine {
  /** Sets `record.policy` and says whether the record is kept. `statement` is the record's analysed text, if it has one. */
  evaluate(record: AuditRecord, statement: SqlStatement | undefined): Disposition;
  /** Matches so far by rule id. */
  readonly matches: ReadonlyMap<string, number>;
  /** Highest severity among alerts so far. */
  readonly worst: Severity | undefined;
}
