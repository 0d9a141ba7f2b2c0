/** CSV after RFC 4180, safe to open in a spreadsheet. */
import { RECORD_KEYS } from '../../contracts/record.ts';

/** A record as its public keys and values: what `--jsonl` prints. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Columns of an export: every public key, in the contract's order. */
export const CSV_COLUMNS: readonly string[] = Object.values(RECORD_KEYS);

/** A record's cells, by `CSV_COLUMNS`. */
export function csvCells(record: JsonRecord): unknown[] {
  return CSV_COLUMNS.map((column) => record[column]);
}

/** Cells as one line, CRLF included. Lists and objects are written as JSON. */
export function csvLine(cells: readonly unknown[]): string {
  return `${cells.map(cellText).join(',')}\r\n`;
}

/**
 * Spreadsheets run a cell that starts with one of these as a formula, and every text here came from the wire. A quote
 * in front makes it text.
 */
const FORMULA_START = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

function cellText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const raw = typeof value === 'string' ? value : JSON.stringify(value);
  const text = FORMULA_START.test(raw) ? `'${raw}` : raw;
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
