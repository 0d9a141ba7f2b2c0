/** How a record stands in a table: the columns there are, and the query field that each narrows by. */
import type { JSX } from 'preact';
import type { Row } from '#src/console/api/records.js';
import { formatClock, formatCount, formatDay, formatDuration } from '../base/format.ts';
import { pinnedIds } from '../base/pins.ts';
import { zone } from '../base/scope.ts';
import { SeverityBadge } from './badge.tsx';
import type { GridColumn } from './grid.tsx';
import { Icon } from './icon.tsx';

export interface RecordColumn extends GridColumn<Row> {
  /** Field of the query language and the cell's value in it, for "filter by" and "exclude". */
  readonly field?: string;
  readonly value?: (row: Row) => string | undefined;
}

function textColumn(
  id: string,
  title: string,
  widthPx: number,
  value: (row: Row) => string | undefined,
  field: string = id,
): RecordColumn {
  return { id, title, widthPx, field, value, cell: (row) => value(row) ?? <span class="muted">–</span> };
}

export const RECORD_COLUMNS: readonly RecordColumn[] = [
  { id: 'time', title: 'Time', widthPx: 184, cell: timeCell },
  { id: 'severity', title: 'Rule', widthPx: 42, field: 'severity', value: (row) => row.severity, cell: severityCell },
  textColumn('user', 'User', 80, (row) => row.user),
  textColumn('db', 'Database', 72, (row) => row.db),
  textColumn('operation', 'Operation', 92, (row) => row.operation ?? row.kind, 'op'),
  { id: 'text', title: 'Statement', widthPx: 136, flexible: true, cell: (row) => <StatementText row={row} /> },
  {
    id: 'rows',
    title: 'Rows',
    widthPx: 56,
    number: true,
    cell: (row) => (row.rows === undefined ? '' : formatCount(row.rows)),
  },
  {
    id: 'duration',
    title: 'Took',
    widthPx: 76,
    number: true,
    cell: (row) => (row.durationUs === undefined ? '' : formatDuration(row.durationUs)),
  },
  {
    id: 'outcome',
    title: 'Outcome',
    widthPx: 76,
    field: 'error',
    value: (row) => row.errorCode,
    cell: (row) => <Outcome row={row} />,
  },
  textColumn('objects', 'Objects', 150, (row) => row.objects?.join(', '), 'object'),
  textColumn('program', 'Program', 130, (row) => row.program),
  textColumn('client', 'Client', 130, (row) => row.client),
  textColumn('server', 'Server', 140, (row) => row.server),
  textColumn('system', 'System', 100, (row) => row.system),
  textColumn('effectiveUser', 'Acts as', 110, (row) => row.effectiveUser, 'user'),
  textColumn('kind', 'Kind', 90, (row) => row.kind),
  textColumn('rules', 'Rules', 150, (row) => row.rules?.join(', '), 'rule'),
  textColumn('session', 'Session', 150, (row) => row.session),
];

export const COLUMNS_SHOWN = [
  'time',
  'severity',
  'user',
  'db',
  'operation',
  'text',
  'rows',
  'duration',
  'outcome',
] as const;

/** How much room there is: the whole page, beside an open statement, a phone. */
export type Room = 'page' | 'beside' | 'phone';

const COLUMNS_FITTING: Readonly<Record<Room, string>> = {
  page: COLUMNS_SHOWN.join(','),
  beside: 'time,severity,user,text',
  phone: 'time,text',
};

export function roomFor(isOpen: boolean): Room {
  if (matchMedia('(max-width: 560px)').matches) return 'phone';
  return isOpen ? 'beside' : 'page';
}

/** Columns by the `cols` of the address (`user.180,text`: a width may follow); unknown names are left out. */
export function columnsOf(cols: string | null, room: Room = 'page'): readonly RecordColumn[] {
  const chosen = cols === null || cols === '' ? COLUMNS_FITTING[room] : cols;
  const wanted = chosen.split(',');
  return wanted.flatMap((name) => {
    const [id = '', width] = name.split('.');
    const column = RECORD_COLUMNS.find((one) => one.id === id);
    if (column === undefined) return [];
    const widthPx = Number(width);
    return [widthPx >= 40 && widthPx <= 1200 ? { ...column, widthPx } : column];
  });
}

/** One value of the cell for a condition; of a list the first. */
export function conditionValue(column: RecordColumn, row: Row): string | undefined {
  if (column.id === 'objects') return row.objects?.[0];
  if (column.id === 'rules') return row.rules?.[0];
  return column.value?.(row);
}

/** Day and time of day; `short` to the millisecond, with the whole time on hovering. */
export function Moment({ time, short }: { readonly time: string; readonly short?: boolean }): JSX.Element {
  const tz = zone();
  return (
    <time class="moment" dateTime={time} title={short === true ? formatClock(time, tz) : undefined}>
      <span class="muted">{formatDay(time, tz).slice(5)}</span> {formatClock(time, tz, short === true ? 3 : undefined)}
    </time>
  );
}

export function Outcome({ row }: { readonly row: Row }): JSX.Element {
  if (row.errorCode !== undefined || row.errorText !== undefined) {
    return (
      <span class="outcome failed" title={row.errorText}>
        {row.errorCode ?? 'failed'}
      </span>
    );
  }
  if (row.marks?.includes('no_reply') === true) return <span class="muted">no reply</span>;
  return row.kind === 'statement' || row.kind === 'login' ? (
    <span class="outcome">ok</span>
  ) : (
    <span class="muted">{reasonText(row) ?? ''}</span>
  );
}

/** How a connection ended, where the record says it by the name of a TCP flag. */
const ENDS: Readonly<Record<string, string>> = { fin: 'closed', rst: 'reset' };

export function reasonText(row: Row): string | undefined {
  return row.reason === undefined ? undefined : (ENDS[row.reason] ?? row.reason);
}

/** What was said, in one line: the statement, or in words what else the record is. */
export function StatementText({ row }: { readonly row: Row }): JSX.Element {
  if (row.text !== undefined) return <code>{row.text.replace(/\s+/g, ' ')}</code>;
  const words = {
    statement: row.operation ?? 'statement without text',
    login: row.errorCode === undefined && row.errorText === undefined ? 'signed in' : 'sign-in refused',
    logout: 'signed out',
    opaque: `encrypted: ${row.reason ?? 'cannot be read'}`,
    loss: `not seen: ${row.reason ?? 'loss'}`,
  } as const;
  return <em class="muted">{words[row.kind]}</em>;
}

function timeCell(row: Row): JSX.Element {
  return (
    <>
      <Moment time={row.time} short />
      <PinSign id={row.id} />
    </>
  );
}

/** Shown beside a record that is pinned. */
export function PinSign({ id }: { readonly id: string }): JSX.Element | null {
  if (!pinnedIds.value.has(id)) return null;
  return (
    <span class="pin-sign" role="img" aria-label="pinned">
      <Icon name="pin" />
    </span>
  );
}

function severityCell(row: Row): JSX.Element | string {
  return row.severity === undefined ? '' : <SeverityBadge severity={row.severity} short />;
}
