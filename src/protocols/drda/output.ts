/** Output parameters of calls: the row of SQLDTARD (DRDA volume 1, "SQLDTARD"). */
import type { Cursor } from '../../base/cursor.ts';
import type { StatementEvent } from '../../contracts/event.ts';
import type { Descriptor } from './descriptor.ts';
import { NULL, readSqlca, SQLAM_WITH_DIAGNOSTICS, type Sqlca } from './sqlca.ts';
import type { Typdef } from './typdef.ts';
import { type Row, readRows } from './values.ts';

export interface Output {
  readonly sqlca: Sqlca | undefined;
  /** `undefined`: no row, or not one that can be read. */
  readonly values: Row | undefined;
}

/** The SQLCA group in front of the row, then the row. */
export function readOutput(cursor: Cursor, descriptor: Descriptor | undefined, typdef: Typdef, sqlam: number): Output {
  const sqlca = readSqlca(cursor, typdef, sqlam);
  // Diagnostics in full are nested arrays, sent on request only: where they are, the row is not read.
  const hasDiagnostics = sqlca !== undefined && sqlam >= SQLAM_WITH_DIAGNOSTICS && cursor.u8() !== NULL;
  if (descriptor === undefined || hasDiagnostics || cursor.peek() !== 0) return { sqlca, values: undefined };
  const row = readRows(cursor, descriptor, typdef);
  return { sqlca, values: cursor.failed ? undefined : row };
}

const CALL = /^\s*\{?\s*(?:\?\s*=\s*)?CALL\b/i;

export function isCallText(text: string | undefined): boolean {
  return text !== undefined && CALL.test(text);
}

/**
 * Completes a call's values: a parameter for which the client had none to send gets the one that came back. What was
 * sent stays as it was, and large objects are not among them.
 */
export function mergeOutput(event: StatementEvent, row: Row): void {
  const large = new Set(row.placeholders.map(({ index }) => index));
  const values = [...(event.parameters ?? [])];
  for (const [index, value] of row.values.entries()) {
    if (!large.has(index) && (values[index] ?? null) === null) values[index] = value;
    else values[index] ??= null;
  }
  event.parameters = values;
}
