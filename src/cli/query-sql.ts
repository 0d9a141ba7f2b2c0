/** `wiretrail query --sql` and `--explain`. */

import type { Query } from '../query/filter.ts';
import { csvLine } from '../store/format/csv.ts';
import { TABLE_GROUP_ROWS, tableLines } from '../store/format/table.ts';
import type { StoreReader } from '../store/reader.ts';
import { querySql, type SqlCell } from '../store/search/sql.ts';
import { counted, grouped, say } from './text.ts';

export type Format = 'table' | 'jsonl' | 'csv';

/** Width of tables that do not go to a terminal. */
export const PIPE_WIDTH = 200;
const CELL_WIDTH_MAX = 60;

/** Prints what one SELECT gives. */
export async function runSql(reader: StoreReader, sql: string, nowUs: number, format: Format): Promise<void> {
  const { columns, rows } = querySql(reader, sql, nowUs);
  let shown = 0;
  let header = true;
  let group: string[][] = [];
  const table = async (): Promise<void> => {
    const titles = columns.map((title) => ({ title, align: 'left' as const, widthMax: CELL_WIDTH_MAX }));
    const lines = tableLines(titles, group, process.stdout.columns ?? PIPE_WIDTH, header);
    for (const line of lines) await print(line);
    header = false;
    group = [];
  };
  if (format === 'csv') await write(csvLine(columns));
  for (const cells of rows) {
    shown++;
    if (format === 'csv') await write(csvLine(cells.map(plain)));
    else if (format === 'jsonl') {
      await print(JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, plain(cells[i])]))));
    } else {
      group.push(cells.map((cell) => String(plain(cell) ?? '')));
      if (group.length >= TABLE_GROUP_ROWS) await table();
    }
  }
  if (format !== 'table') return;
  if (group.length > 0) await table();
  say(counted(shown, 'row'));
}

function plain(cell: SqlCell | undefined): string | number | null {
  if (typeof cell === 'bigint') return String(cell);
  return cell instanceof Uint8Array ? Buffer.from(cell).toString('hex') : (cell ?? null);
}

/** Prints how the query would be answered, a line a segment. */
export async function explain(reader: StoreReader, query: Query): Promise<void> {
  let looked = 0;
  for (const plan of reader.explain(query)) {
    looked += plan.looked;
    const skipped = plan.how === 'other time' || plan.how === 'filter';
    const found =
      plan.indexed.length > 0
        ? ` finds ${grouped(plan.looked)} by ${plan.indexed.join(', ')}`
        : ` read: ${grouped(plan.looked)}`;
    const how = skipped ? `not read: ${plan.how}` : `${plan.how}${found}`;
    const asked = plan.asked.length > 0 ? `; asked of each: ${plan.asked.join(', ')}` : '';
    await print(`${plan.path}  ${grouped(plan.rows)} records  ${how}${asked}`);
  }
  say(`${counted(looked, 'record')} looked at`);
}

export function print(line: string): Promise<void> {
  return write(`${line}\n`);
}

/** Waits while the reader of a pipe is slower than the store. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise<void>((resolve) => process.stdout.once('drain', () => resolve()));
}
