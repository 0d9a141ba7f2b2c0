/** Tables for terminals: aligned, as wide as the terminal, nothing that came from the wire can move the cursor. */
import { formatTime } from '../../base/time.ts';
import type { AuditRecord } from '../../contracts/record.ts';

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Characters it may take at most; the last column takes what is left. */
  readonly widthMax: number;
}

const GAP = '  ';
const LAST_WIDTH_MIN = 20;

/** Lines of a table, header first when asked for. `widthMax` is the terminal's width in characters. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  widthMax: number,
  header = true,
): string[] {
  const cleaned = rows.map((row) => columns.map((_, i) => printable(row[i] ?? '')));
  const widths = columns.map((column, i) => {
    const longest = cleaned.reduce((width, row) => Math.max(width, row[i]?.length ?? 0), column.title.length);
    return Math.min(longest, column.widthMax);
  });
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  widths[last] = Math.min(widths[last] ?? 0, Math.max(LAST_WIDTH_MIN, widthMax - before));
  const titles = header ? [columns.map((column) => column.title)] : [];
  return [...titles, ...cleaned].map((row) => tableLine(columns, widths, row));
}

function tableLine(columns: readonly Column[], widths: readonly number[], row: readonly string[]): string {
  const cells = columns.map((column, i) => {
    const width = widths[i] ?? 0;
    const text = cut(row[i] ?? '', width);
    return column.align === 'right' ? text.padStart(width) : text.padEnd(width);
  });
  return cells.join(GAP).trimEnd();
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Control characters, line ends and direction marks become spaces, and runs of spaces one. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, ' ').replace(/ {2,}/g, ' ').trim();
}

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]/gu;

export const RECORD_COLUMNS: readonly Column[] = [
  { title: 'TIME', align: 'left', widthMax: 23 },
  { title: 'USER', align: 'left', widthMax: 16 },
  { title: 'CLIENT', align: 'left', widthMax: 21 },
  { title: 'SERVER', align: 'left', widthMax: 21 },
  { title: 'OPERATION', align: 'left', widthMax: 14 },
  { title: 'ROWS', align: 'right', widthMax: 9 },
  { title: 'MS', align: 'right', widthMax: 9 },
  { title: 'RESULT', align: 'left', widthMax: 20 },
  { title: 'STATEMENT', align: 'left', widthMax: Number.MAX_SAFE_INTEGER },
];

/** A record as the cells of `RECORD_COLUMNS`. */
export function recordCells(record: AuditRecord): string[] {
  return [
    formatTime(record.timeUs).slice(0, 23).replace('T', ' '),
    record.effectiveUser === undefined ? (record.user ?? '') : `${record.user ?? ''}→${record.effectiveUser}`,
    record.clientAddress ?? '',
    endpoint(record.serverAddress, record.serverPort),
    record.kind === 'statement' ? (record.operation ?? '') : record.kind,
    String(record.returnedRows ?? record.affectedRows ?? ''),
    record.durationUs === undefined ? '' : (record.durationUs / 1000).toFixed(1),
    resultText(record),
    record.text ?? record.errorText ?? record.reason ?? '',
  ];
}

/** The worst alert, else the error. */
function resultText(record: AuditRecord): string {
  const alert = record.policy?.find((match) => match.action === 'alert');
  if (alert !== undefined) return `${alert.severity}: ${alert.rule}`;
  return record.errorCode ?? '';
}

function endpoint(address: string | undefined, port: number | undefined): string {
  if (address === undefined || port === undefined) return address ?? '';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
