/** Records as the API shows them in lists. */

import { formatTime } from '../../base/time.ts';
import { markNames } from '../../contracts/event.ts';
import { type AuditRecord, type Severity, worstSeverity } from '../../contracts/record.ts';
import type { Row } from '../api/records.ts';
import type { Limit } from './limit.ts';

const TEXT_CHARS_MAX = 600;

/** What the reader may see of statements. */
export interface Sight {
  /** Texts as recorded; else with literals as `?`. */
  readonly literals: boolean;
  /** To the databases whose records may be seen at all; `undefined`: of every database. */
  readonly limit: Limit | undefined;
}

type Facts<T> = { [K in keyof T]: T[K] | undefined };

export function rowOf(record: AuditRecord, sight: Sight): Row {
  const text = textOf(record, sight);
  return defined<Row>({
    id: record.id,
    time: formatTime(record.timeUs),
    kind: record.kind,
    user: record.user,
    effectiveUser: record.effectiveUser,
    program: record.program,
    client: record.clientAddress,
    server: endOf(record.serverAddress, record.serverPort),
    db: record.namespace,
    system: record.system,
    operation: record.operation,
    objects: record.objects?.length === 0 ? undefined : (record.objects as string[] | undefined),
    text: text?.slice(0, TEXT_CHARS_MAX),
    cut: text !== undefined && text.length > TEXT_CHARS_MAX ? true : undefined,
    rows: record.returnedRows ?? record.affectedRows,
    durationUs: record.durationUs,
    errorCode: record.errorCode,
    errorText: sight.literals ? record.errorText : undefined,
    severity: worstOf(record),
    rules: record.policy?.map(({ rule }) => rule),
    marks: record.marks === 0 ? undefined : markNames(record.marks),
    session: record.session,
    fingerprint: record.fingerprint,
    transaction: record.transaction,
    reason: record.reason,
  });
}

/** The statement's text as the reader may see it. */
export function textOf(record: AuditRecord, sight: Sight): string | undefined {
  if (sight.literals || record.text === undefined) return record.text;
  return record.summary ?? record.operation ?? '';
}

/** Highest severity of the rules that matched. */
export function worstOf(record: AuditRecord): Severity | undefined {
  return worstSeverity((record.policy ?? []).map(({ severity }) => severity));
}

export function endOf(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined || port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Without the properties that are `undefined`. */
export function defined<T extends object>(facts: Facts<T>): T {
  const kept = Object.entries(facts).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as T;
}
