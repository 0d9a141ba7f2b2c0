/** The `tests` of a rule: small records that must match it, and such that must not. */
import type { Node } from 'yaml';
import { isMap } from 'yaml';
import { MARK_NAMES } from '../../contracts/event.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import { RECORD_KINDS } from '../conditions/simple-conditions.ts';
import { parseCount, parseDurationUs } from '../conditions/units.ts';
import type { Entry, PolicyFile } from './source.ts';

/** `repetition` counts from 0. */
export type FieldSetter = (record: AuditRecord, repetition: number) => void;

/** One record of a test, or a row of equal ones. */
export interface Snippet {
  readonly line: number;
  readonly sql: string | undefined;
  /** Sets the facts the snippet names; after the analysis, so that they win. */
  readonly fields: readonly FieldSetter[];
  /** Several statements share one record: their results could not be told apart. */
  readonly batch: boolean;
  readonly repeat: number;
  /** Between repetitions. */
  readonly everyUs: number;
}

export interface Expectations {
  readonly match: readonly Snippet[];
  readonly miss: readonly Snippet[];
}

type TextField = {
  [F in keyof AuditRecord]: AuditRecord[F] extends string | undefined
    ? string | undefined extends AuditRecord[F]
      ? F
      : never
    : never;
}[keyof AuditRecord];
type NumberField = {
  [F in keyof AuditRecord]: AuditRecord[F] extends number | undefined
    ? undefined extends AuditRecord[F]
      ? F
      : never
    : never;
}[keyof AuditRecord];

const TEXT_FIELDS: Readonly<Record<string, TextField>> = {
  user: 'user',
  effective_user: 'effectiveUser',
  os_user: 'osUser',
  end_user: 'endUser',
  program: 'program',
  client_host: 'clientHost',
  client: 'clientAddress',
  server: 'serverAddress',
  database: 'namespace',
  system: 'system',
  call: 'call',
  sensor: 'sensor',
  session: 'session',
  reason: 'reason',
  operation: 'operation',
  procedure: 'procedure',
  error_code: 'errorCode',
  error_text: 'errorText',
};
const NUMBER_FIELDS: Readonly<Record<string, NumberField>> = {
  server_port: 'serverPort',
  rows: 'returnedRows',
  affected_rows: 'affectedRows',
  response_bytes: 'responseBytes',
};
const OTHER_KEYS = ['sql', 'kind', 'duration', 'time', 'marks', 'transaction', 'repeat', 'every', 'batch'] as const;

export const SNIPPET_KEYS: readonly string[] = [
  ...OTHER_KEYS,
  ...Object.keys(TEXT_FIELDS),
  ...Object.keys(NUMBER_FIELDS),
];

/** Stands for the number of the repetition, from 1: `10.0.0.<n>`. */
const NUMBER_MARK = '<n>';

const REPEAT_MAX = 100_000;
const EVERY_US_DEFAULT = 1e6;

export function readExpectations(file: PolicyFile, node: Node): Expectations {
  const lists: { match: readonly Snippet[]; miss: readonly Snippet[] } = { match: [], miss: [] };
  for (const { key, value } of file.entries(node, '"tests"', ['match', 'miss'])) {
    const snippets = file.items(value, key).map((item) => readSnippet(file, item));
    if (key === 'match') lists.match = snippets;
    else lists.miss = snippets;
  }
  return lists;
}

/** A snippet is SQL text, or a mapping of facts. */
function readSnippet(file: PolicyFile, node: Node): Snippet {
  const { line } = file.position(node);
  if (!isMap(node))
    return { line, sql: file.text(node, 'a test'), fields: [], batch: false, repeat: 1, everyUs: EVERY_US_DEFAULT };
  let sql: string | undefined;
  let batch = false;
  let repeat = 1;
  let everyUs = EVERY_US_DEFAULT;
  const fields: FieldSetter[] = [];
  for (const entry of file.entries(node, 'a test', SNIPPET_KEYS)) {
    if (entry.key === 'sql') sql = file.text(entry.value, 'sql');
    else if (entry.key === 'repeat') repeat = readRepeat(file, entry);
    else if (entry.key === 'batch') batch = file.flag(entry.value, 'batch') ?? batch;
    else if (entry.key === 'every') everyUs = readNumber(file, entry, parseDurationUs);
    else fields.push(readField(file, entry));
  }
  return { line, sql, fields, batch, repeat, everyUs };
}

function readRepeat(file: PolicyFile, { key, value }: Entry): number {
  const text = file.text(value, key);
  const repeat = text === undefined ? 1 : parseCount(text);
  if (repeat !== undefined && repeat >= 1 && repeat <= REPEAT_MAX) return repeat;
  file.problem(value, `repeat: "${text}" is not a number from 1 to ${REPEAT_MAX}`);
  return 1;
}

function readNumber(file: PolicyFile, { key, value }: Entry, parse: (text: string) => number | undefined): number {
  const text = file.text(value, key) ?? '0';
  const number = parse(text);
  if (number === undefined) file.problem(value, `${key}: "${text}" is not a number with its unit`);
  return number ?? 0;
}

function readField(file: PolicyFile, entry: Entry): FieldSetter {
  const { key, value } = entry;
  const textField = TEXT_FIELDS[key];
  if (textField !== undefined) {
    const text = file.text(value, key);
    return (record, repetition) => {
      record[textField] = text?.replaceAll(NUMBER_MARK, String(repetition + 1));
    };
  }
  const numberField = NUMBER_FIELDS[key];
  if (numberField !== undefined) {
    const number = readNumber(file, entry, parseCount);
    return (record) => {
      record[numberField] = number;
    };
  }
  return readOther(file, entry);
}

function readOther(file: PolicyFile, entry: Entry): FieldSetter {
  const { key, value } = entry;
  switch (key) {
    case 'kind': {
      const kind = file.word(value, key, RECORD_KINDS) ?? 'statement';
      return (record) => {
        record.kind = kind;
      };
    }
    case 'transaction': {
      const transaction = file.word(value, key, ['idle', 'open', 'failed']);
      return (record) => {
        record.transaction = transaction;
      };
    }
    case 'duration': {
      const durationUs = readNumber(file, entry, parseDurationUs);
      return (record) => {
        record.durationUs = durationUs;
      };
    }
    case 'time': {
      const timeMs = Date.parse(file.text(value, key) ?? '');
      if (Number.isNaN(timeMs)) file.problem(value, 'time: not a date and time (RFC 3339)');
      return (record) => {
        record.timeUs = timeMs * 1000;
      };
    }
    default: {
      const words = file.items(value, key).map((item) => file.word(item, 'mark', MARK_NAMES));
      return (record) => {
        for (const word of words) if (word !== undefined) record.marks |= 1 << MARK_NAMES.indexOf(word);
      };
    }
  }
}
