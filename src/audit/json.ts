/** The record as JSON: flat, public keys, absent when unknown. The one form of `--jsonl`, exports and the API. */
import { formatTime } from '../base/time.ts';
import { markNames } from '../contracts/event.ts';
import { type AuditRecord, RECORD_KEYS, type RecordField } from '../contracts/record.ts';

const FIELDS = Object.keys(RECORD_KEYS) as RecordField[];

/** Plain object with public keys in the contract's order. */
export function recordToJson(record: AuditRecord): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = record[field];
    if (value === undefined) continue;
    if (field === 'timeUs') json[RECORD_KEYS.timeUs] = formatTime(record.timeUs);
    else if (field !== 'marks') json[RECORD_KEYS[field]] = value;
    else if (record.marks !== 0) json[RECORD_KEYS.marks] = markNames(record.marks);
  }
  return json;
}

/** One JSON Lines line, without its newline. */
export function recordToLine(record: AuditRecord): string {
  return JSON.stringify(recordToJson(record));
}
