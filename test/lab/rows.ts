/** Holds the rows of audit records against what the server counted. */
import type { RecordLine } from './align.ts';
import type { LoggedRows, LoggedStatement } from './log.ts';

/** Statements that PostgreSQL plans: of all others it counts no rows in its log. */
const PLANNED: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'VALUES', 'TABLE']);

/** Rows by the server's count and by the records where they differ; `undefined` where they agree or can't be compared. */
export function differingRows(
  entry: LoggedStatement,
  records: readonly RecordLine[],
): { readonly logged: readonly LoggedRows[]; readonly recorded: readonly LoggedRows[] } | undefined {
  const logged = entry.rows;
  if (logged === undefined || entry.errorCode !== undefined) return undefined;
  // One statement that has a count, or each of a message has, or those that are planned have.
  const counted = records.length === logged.length ? records : records.filter(isPlanned);
  const recorded = counted.map((record) => rowsOf(record, logged[0]?.processed !== undefined));
  const same = logged.length === recorded.length && logged.every((rows, index) => isSame(rows, recorded[index]));
  return same ? undefined : { logged, recorded };
}

function isPlanned(record: RecordLine): boolean {
  return PLANNED.has(String(record['db.operation.name']));
}

function rowsOf(record: RecordLine, asTag: boolean): LoggedRows {
  const returned = numberAt(record, 'db.response.returned_rows');
  const affected = numberAt(record, 'audit.affected_rows');
  if (asTag) return { processed: affected ?? returned ?? 0 };
  return { returned: returned ?? 0, affected: affected ?? 0 };
}

function numberAt(record: RecordLine, key: string): number | undefined {
  const value = record[key];
  return typeof value === 'number' ? value : undefined;
}

function isSame(a: LoggedRows, b: LoggedRows | undefined): boolean {
  return b !== undefined && a.processed === b.processed && a.returned === b.returned && a.affected === b.affected;
}
