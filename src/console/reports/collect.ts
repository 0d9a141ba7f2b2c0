/** What a report says, from the store: its figures, its tables in full, and how complete they are. */
import { formatTime } from '../../base/time.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import { both, valuesFilter } from '../../query/build.ts';
import type { Filter, Query } from '../../query/filter.ts';
import type { ReportKind } from '../api/reports.ts';
import { coverage } from '../reads/coverage.ts';
import { alertQuery } from '../reads/overview.ts';
import { type Sight, worstOf } from '../reads/row.ts';
import type { Question, Source } from '../reads/source.ts';
import { CATALOGUE, type ReportModel, type ReportRequest, type ReportTable } from './model.ts';

/** Rows of one table; of more, the note says how many there are. */
const ROWS_MAX = 10_000;
const TEXT_CHARS_MAX = 400;

const ACCOUNTS = ['USER', 'ROLE', 'LOGIN', 'PROFILE', 'AUTHORIZATION', 'CREDENTIAL'];
const PRIVILEGED: readonly string[] = [
  ...['GRANT', 'REVOKE', 'DENY', 'REASSIGN OWNED', 'SET ROLE', 'SET AUTHORIZATION', 'SET PASSWORD', 'ALTER SYSTEM'],
  ...ACCOUNTS.flatMap((name) => [`CREATE ${name}*`, `ALTER ${name}*`, `DROP ${name}*`, `RENAME ${name}*`]),
];
const SCHEMA: readonly string[] = ['CREATE *', 'ALTER *', 'DROP *', 'TRUNCATE*', 'RENAME*', 'COMMENT*'];

function operations(patterns: readonly string[]): Filter {
  return { kind: 'match', field: 'op', patterns: patterns.map((text) => ({ text, wildcards: true })) };
}

/** Which records a report is about; `undefined`: all. */
function subjectOf(kind: ReportKind): Filter | undefined {
  switch (kind) {
    case 'privileged':
      return operations(PRIVILEGED);
    case 'schema':
      return { kind: 'and', terms: [operations(SCHEMA), { kind: 'not', term: operations(PRIVILEGED) }] };
    case 'logins':
      return valuesFilter('kind', ['login', 'opaque']);
    case 'objects':
      return { kind: 'match', field: 'rule', patterns: [{ text: '*', wildcards: true }] };
    case 'alerts':
      return alertQuery({}).filter;
    default:
      return undefined;
  }
}

export function collect(
  source: Source,
  request: ReportRequest,
): { readonly model: ReportModel; readonly records: number } {
  const { kind, q, db, fromUs, toUs, by, createdAt, version, sight } = request;
  const scoped = source.question({ q, db, t: `${formatTime(fromUs)}/${formatTime(toUs)}` });
  const query: Query = { ...scoped.query, filter: both(scoped.query.filter, subjectOf(kind)) };
  const records = kind === 'console' ? request.trail.length : source.count(query);
  const asked = source.asked(scoped);
  const view = coverage(source, {
    t: `${formatTime(fromUs)}/${formatTime(toUs)}`,
    ...(db === undefined ? {} : { db }),
    sight,
  });
  const policies = new Set<string>();
  const model: ReportModel = {
    kind,
    ...CATALOGUE[kind],
    from: asked.from,
    to: asked.to,
    query: [q, db === undefined ? '' : `db:${db}`].filter((part) => part !== '').join(' '),
    by,
    createdAt,
    store: source.directory,
    watermark: asked.watermark,
    completeness: [view.coverage.statement, ...rightsOf(sight), ...asked.problems].join(' '),
    figures: kind === 'console' ? [{ name: 'Entries', value: String(records) }] : figuresOf(source, query),
    tables: tablesOf(source, { request, query, question: scoped, records, policies }),
    policies: [...policies].sort(),
    version,
  };
  return { model, records };
}

function rightsOf({ limit }: Sight): string[] {
  if (limit === undefined) return [];
  return [`Made with rights to ${limit.databases.join(', ')} only: records of other databases are not in it.`];
}

function figuresOf(source: Source, query: Query): ReportModel['figures'] {
  const kinds = source.aggregate(query, { fields: ['kind'] });
  const sum = (of: (group: (typeof kinds)[number]) => number): string =>
    String(kinds.reduce((total, group) => total + of(group), 0));
  const users = source.aggregate(query, { fields: ['user'] }).filter(({ labels }) => labels[0] !== '').length;
  return [
    { name: 'Records', value: sum(({ records }) => records) },
    { name: 'Failed', value: sum(({ failed }) => failed) },
    { name: 'Rows returned or changed', value: sum(({ rows }) => rows) },
    { name: 'Users', value: String(users) },
  ];
}

interface Subject {
  readonly request: ReportRequest;
  readonly query: Query;
  readonly question: Question;
  readonly records: number;
  readonly policies: Set<string>;
}

function tablesOf(source: Source, subject: Subject): ReportTable[] {
  const { request, query } = subject;
  switch (request.kind) {
    case 'completeness':
      return completenessTables(source, request);
    case 'console':
      return [table('What was done', TRAIL_COLUMNS, request.trail, request.trail.length, 'entries')];
    case 'alerts':
      return [
        countTable(source, query, 'By rule and user', ['rule', 'user']),
        table('Decisions', DECISION_COLUMNS, request.decisions, request.decisions.length, 'decisions'),
        listTable(source, subject),
      ];
    case 'logins':
      return [
        countTable(source, query, 'By user and client', ['user', 'client', 'program']),
        countTable(source, { ...query, filter: both(query.filter, { kind: 'failed', value: true }) }, 'Failed', [
          'user',
          'client',
          'error',
        ]),
        listTable(source, subject),
      ];
    case 'objects':
      return [countTable(source, query, 'By object and user', ['object', 'user', 'op']), listTable(source, subject)];
    default:
      return [countTable(source, query, 'By user and operation', ['user', 'op']), listTable(source, subject)];
  }
}

const TRAIL_COLUMNS = ['Time (UTC)', 'Who', 'From', 'Action', 'Subject', 'Detail'];
const DECISION_COLUMNS = ['Time (UTC)', 'Who', 'Alert', 'State', 'Verdict', 'Reason'];

function table(
  title: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  total: number,
  noun: string,
): ReportTable {
  const shown = rows.slice(0, ROWS_MAX);
  const cut =
    total > shown.length ? ` The first ${shown.length} are listed: reports of shorter times have the others.` : '';
  return {
    title,
    note: `${total} ${noun}.${cut}`,
    columns: columns.map((name) => ({ title: name, width: WIDTHS[name] ?? 1 })),
    rows: shown,
  };
}

/** Shares of the width; 1 where none is given. */
const WIDTHS: Readonly<Record<string, number>> = {
  'Time (UTC)': 1.7,
  'Minute (UTC)': 1.7,
  Statement: 4,
  Detail: 3,
  Reason: 3,
  'Statement in words': 4,
  Subject: 3,
  Alert: 3,
};

function countTable(
  source: Source,
  query: Query,
  title: string,
  fields: readonly ('rule' | 'user' | 'client' | 'program' | 'error' | 'object' | 'op')[],
): ReportTable {
  const groups = [...source.aggregate(query, { fields })];
  groups.sort((a, b) => b.records - a.records || (a.labels.join('\u0000') < b.labels.join('\u0000') ? -1 : 1));
  const rows = groups
    .slice(0, ROWS_MAX)
    .map(({ labels, records, failed, rows: found }) => [
      ...labels.map((label) => (label === '' ? '–' : label)),
      String(records),
      String(failed),
      String(found),
    ]);
  const names = fields.map((field) => NAMES[field]);
  return table(title, [...names, 'Records', 'Failed', 'Rows'], rows, groups.length, 'combinations');
}

const NAMES = {
  rule: 'Rule',
  user: 'User',
  client: 'Client',
  program: 'Program',
  error: 'Error',
  object: 'Object',
  op: 'Operation',
} as const;

/** Every record, oldest first; its rows are counted against the query's own count. */
function listTable(source: Source, { query, records, policies }: Subject): ReportTable {
  const rows: string[][] = [];
  for (const record of source.query({ ...query, order: 'oldest', limit: ROWS_MAX })) {
    if (record.policyVersion !== undefined) policies.add(record.policyVersion);
    rows.push(cellsOf(record));
  }
  const missing = Math.min(records, ROWS_MAX) - rows.length;
  const title = missing > 0 ? `Records (${missing} could not be read)` : 'Records';
  return table(
    title,
    ['Time (UTC)', 'User', 'Client', 'Database', 'Outcome', 'Severity', 'Statement'],
    rows,
    records,
    'records',
  );
}

function cellsOf(record: AuditRecord): string[] {
  const text = (record.text ?? record.operation ?? record.reason ?? record.kind).replace(/\s+/g, ' ');
  const outcome = record.errorCode ?? `${record.returnedRows ?? record.affectedRows ?? 0} rows`;
  return [
    formatTime(record.timeUs).slice(0, 23),
    record.user ?? '–',
    record.clientAddress ?? '–',
    record.namespace ?? '–',
    record.kind === 'statement' || record.errorCode !== undefined ? outcome : record.kind,
    worstOf(record) ?? '',
    text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text,
  ];
}

function completenessTables(source: Source, { fromUs, toUs, db, sight }: ReportRequest): ReportTable[] {
  const t = `${formatTime(fromUs)}/${formatTime(toUs)}`;
  const { strips, coverage: whole } = coverage(source, { t, ...(db === undefined ? {} : { db }), sight });
  const sum = (counts: readonly number[]): string => String(counts.reduce((total, count) => total + count, 0));
  const seen = strips.map((strip) => [
    strip.db === '' ? '–' : strip.db,
    strip.system ?? '–',
    strip.server ?? '–',
    sum(strip.records),
    sum(strip.touched),
    sum(strip.opaque),
    strip.statement,
  ]);
  const losses = whole.gaps.map(({ to, sensor, reason, detail, lostBytes }) => [
    to.slice(0, 19),
    sensor ?? '–',
    reason,
    String(lostBytes ?? ''),
    detail,
  ]);
  const columns = ['Database', 'System', 'Server', 'Records', 'Touched', 'Encrypted', 'Statement in words'];
  return [
    table('By database', columns, seen, seen.length, 'databases'),
    table('Losses', ['Minute (UTC)', 'Sensor', 'Reason', 'Bytes', 'Detail'], losses, whole.lossRecords, 'losses'),
  ];
}
