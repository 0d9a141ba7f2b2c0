/** What came of a statement, in its record. */
import type { Outcome, StatementEvent } from '../contracts/event.ts';
import type { AuditRecord } from '../contracts/record.ts';

/** Sums the results of one record: rows of all, error of the one that failed, first and last byte of the reply. */
export function setOutcome(record: AuditRecord, event: StatementEvent, outcomes: readonly Outcome[]): void {
  let firstByteUs = 0;
  let endUs = 0;
  let responseBytes = 0;
  let bulkBytes = 0;
  for (const outcome of outcomes) {
    if (outcome.errorCode !== undefined) record.errorCode = outcome.errorCode;
    if (outcome.errorText !== undefined) record.errorText = outcome.errorText;
    if (outcome.returnedRows !== undefined) record.returnedRows = (record.returnedRows ?? 0) + outcome.returnedRows;
    if (outcome.affectedRows !== undefined) record.affectedRows = (record.affectedRows ?? 0) + outcome.affectedRows;
    responseBytes += outcome.responseBytes;
    bulkBytes += outcome.bulkBytes;
    if (firstByteUs === 0) firstByteUs = outcome.firstByteUs;
    if (outcome.endUs > endUs) endUs = outcome.endUs;
  }
  if (outcomes.length > 0) record.responseBytes = responseBytes;
  if (bulkBytes > 0) record.bulkBytes = bulkBytes;
  setTimes(record, event.startUs, firstByteUs, endUs);
}

/** Durations from the request's first byte; 0 stands for "not seen". Clocks that step back give 0, not less. */
export function setTimes(record: AuditRecord, startUs: number, firstByteUs: number, endUs: number): void {
  if (firstByteUs > 0) record.firstByteUs = Math.max(0, firstByteUs - startUs);
  if (endUs > 0) record.durationUs = Math.max(0, endUs - startUs);
}
