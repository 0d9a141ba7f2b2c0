/**
 * Holds the rows of utility statements (COPY, FETCH, MOVE) against pg_stat_statements, which counts them though they have
 * no plan. It adds up by statement, not by execution, so sums are compared, of what PostgreSQL's own parser says is one
 * statement.
 */
import { fingerprintSync, loadModule } from 'libpg-query';
import type { RecordLine } from './align.ts';

/** A row of pg_stat_statements. */
export interface CountedText {
  readonly text: string;
  readonly calls: number;
  readonly rows: number;
}

export interface Sum {
  readonly text: string;
  calls: number;
  rows: number;
}

const UTILITIES: ReadonlySet<string> = new Set(['COPY', 'FETCH', 'MOVE']);
const POSTGRES_PORT = 5432;

await loadModule();

/** Sums that differ, as `[counted, recorded]`; and how many calls were compared. */
export function differingCounts(
  counted: readonly CountedText[],
  records: readonly RecordLine[],
): { readonly calls: number; readonly differing: readonly (readonly [Sum | undefined, Sum])[] } {
  const sums = new Map<string, Sum>();
  for (const { text, calls, rows } of counted) add(sums, text, calls, rows);
  const recorded = new Map<string, Sum>();
  for (const record of records)
    if (isUtility(record)) add(recorded, String(record['db.query.text']), 1, rowsOf(record));
  let calls = 0;
  const differing: (readonly [Sum | undefined, Sum])[] = [];
  for (const [key, sum] of recorded) {
    const other = sums.get(key);
    calls += sum.calls;
    if (other?.calls !== sum.calls || other.rows !== sum.rows) differing.push([other, sum]);
  }
  return { calls, differing };
}

/** What ended with an error is not counted. */
function isUtility(record: RecordLine): boolean {
  if (record['audit.kind'] !== 'statement' || record['server.port'] !== POSTGRES_PORT) return false;
  return UTILITIES.has(String(record['db.operation.name'])) && record['db.response.status_code'] === undefined;
}

function rowsOf(record: RecordLine): number {
  return Number(record['audit.affected_rows'] ?? record['db.response.returned_rows'] ?? 0);
}

function add(sums: Map<string, Sum>, text: string, calls: number, rows: number): void {
  const key = keyOf(text);
  const sum = sums.get(key);
  if (sum === undefined) sums.set(key, { text, calls, rows });
  else {
    sum.calls += calls;
    sum.rows += rows;
  }
}

/** What pg_stat_statements normalised so that it no longer parses (`interval $1`) stands for itself. */
function keyOf(text: string): string {
  try {
    return fingerprintSync(text);
  } catch {
    return text;
  }
}
