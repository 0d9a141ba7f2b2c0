/** An alarm on its way out of the sensor: one match of a rule with `alert`, and the record as it is written. */
import type { AuditRecord, Severity } from '../contracts/record.ts';

/** Plain data: crosses threads. */
export interface Alarm {
  readonly rule: string;
  readonly severity: Severity;
  /** Microseconds since 1970, of the record. */
  readonly timeUs: number;
  /** The record with its public keys. */
  readonly record: Readonly<Record<string, unknown>>;
}

/** Alarms of a record; `toJson` gives its public form, and is asked only when there is one. */
export function alarmsOf(record: AuditRecord, toJson: (record: AuditRecord) => Record<string, unknown>): Alarm[] {
  const alarms: Alarm[] = [];
  let json: Record<string, unknown> | undefined;
  for (const { rule, severity, action } of record.policy ?? []) {
    if (action !== 'alert') continue;
    json ??= toJson(record);
    alarms.push({ rule, severity, timeUs: record.timeUs, record: json });
  }
  return alarms;
}

const TEXT_KEY = 'db.query.text';
/** What is left of a record that must be small. */
const CORE_KEYS = [
  'time',
  'audit.id',
  'audit.kind',
  'user.name',
  'client.address',
  'server.address',
  'db.operation.name',
];

/** Characters that are kept of each of them: a client chooses its user's name, and may choose a long one. */
const CORE_CHARS_MAX = 64;

/**
 * The alarm as one line of JSON of at most `bytesMax` bytes, of which 1,500 are enough for any record: a longer one loses
 * its binds, then its text's end.
 */
export function alarmLine({ rule, severity, record }: Alarm, bytesMax: number): string {
  const whole = JSON.stringify({ rule, severity, ...record });
  if (Buffer.byteLength(whole) <= bytesMax) return whole;
  const short = (value: unknown): unknown => (typeof value === 'string' ? value.slice(0, CORE_CHARS_MAX) : value);
  const core = Object.fromEntries(CORE_KEYS.flatMap((key) => (key in record ? [[key, short(record[key])]] : [])));
  const text = String(record[TEXT_KEY] ?? '');
  const withText = (chars: number): string =>
    JSON.stringify({ rule, severity, ...core, [TEXT_KEY]: text.slice(0, chars), 'audit.cut': true });
  const chars = longestPrefix(
    Math.min(text.length, bytesMax),
    (count) => Buffer.byteLength(withText(count)) <= bytesMax,
  );
  return withText(chars);
}

/** The largest of 0 to `max` that fits, where all below one that fits do. */
export function longestPrefix(max: number, fits: (chars: number) => boolean): number {
  let low = 0;
  let high = max;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
