/** What commands write to standard output: rows as a table, as JSON lines or as CSV. */
import { Option } from 'commander';
import { csvLine } from '../store/format/csv.ts';
import { type Column, tableLines } from '../store/format/table.ts';
import { counted, say } from './text.ts';

export type Format = 'table' | 'jsonl' | 'csv';

export function formatOption(): Option {
  return new Option('--format <form>', 'how to print').choices(['table', 'jsonl', 'csv']).default('table');
}

/** Rows of a table that nobody gave a limit. */
export const TABLE_LIMIT = 100;
/** Width of tables that do not go to a terminal. */
const PIPE_WIDTH = 200;
/** Tables are laid out in groups of rows, so that a long result starts to appear at once and still lines up. */
const GROUP_ROWS = 200;

export function print(line: string): Promise<void> {
  return write(`${line}\n`);
}

/** Waits while the reader of a pipe is slower than the store. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise<void>((resolve) => process.stdout.once('drain', () => resolve()));
}

/** As wide as the terminal. */
export async function printTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  header = true,
): Promise<void> {
  for (const line of tableLines(columns, rows, process.stdout.columns ?? PIPE_WIDTH, header)) await print(line);
}

/** How rows look in each format. */
export interface RowForm<T> {
  readonly columns: readonly Column[];
  readonly cells: (row: T) => readonly string[];
  readonly csvColumns: readonly string[];
  readonly csvCells: (row: T) => readonly unknown[];
  readonly json: (row: T) => object;
}

/** Prints rows as they come, up to a limit. */
export class RowPrinter<T> {
  private readonly form: RowForm<T>;
  private readonly format: Format;
  private readonly limit: number;
  private group: (readonly string[])[] = [];
  private shown = 0;
  private more = false;
  private hasHeader = false;

  /** `limit`: by default `TABLE_LIMIT` for a table, none for programs. */
  constructor(form: RowForm<T>, format: Format, limit: number | undefined) {
    this.form = form;
    this.format = format;
    this.limit = limit ?? (format === 'table' ? TABLE_LIMIT : Number.POSITIVE_INFINITY);
  }

  /** False when the limit was reached before: the row is not printed, and no other is to come. */
  async add(row: T): Promise<boolean> {
    if (this.shown === this.limit) {
      this.more = true;
      return false;
    }
    this.shown++;
    const { form, format, group } = this;
    if (format === 'jsonl') {
      await print(JSON.stringify(form.json(row)));
    } else if (format === 'csv') {
      await this.csvHeader();
      await write(csvLine(form.csvCells(row)));
    } else {
      group.push(form.cells(row));
      if (group.length >= GROUP_ROWS) await this.flush();
    }
    return true;
  }

  async addAll(rows: Iterable<T>): Promise<void> {
    for (const row of rows) if (!(await this.add(row))) return;
  }

  /** To be called once. People are told how many rows there were, by that name, when they got a table. */
  async end(noun?: string): Promise<void> {
    if (this.format === 'csv') await this.csvHeader();
    if (this.group.length > 0) await this.flush();
    if (this.format !== 'table' || noun === undefined) return;
    say(`${counted(this.shown, noun)}${this.more ? ', and more: raise --limit' : ''}`);
  }

  private async csvHeader(): Promise<void> {
    if (!this.hasHeader) await write(csvLine(this.form.csvColumns));
    this.hasHeader = true;
  }

  private async flush(): Promise<void> {
    await printTable(this.form.columns, this.group, !this.hasHeader);
    this.hasHeader = true;
    this.group = [];
  }
}
