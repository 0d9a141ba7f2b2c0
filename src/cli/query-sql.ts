/** `wiretrail query --sql` and `--explain`. */

import type { Query } from '../query/filter.ts';
import type { StoreReader } from '../store/reader.ts';
import { querySql, type SqlCell } from '../store/search/sql.ts';
import { type Format, print, type RowForm, RowPrinter } from './output.ts';
import { counted, grouped, say } from './text.ts';

const CELL_WIDTH_MAX = 60;

/** Prints what one SELECT gives, all of it. */
export async function runSql(reader: StoreReader, sql: string, nowUs: number, format: Format): Promise<void> {
  const { columns, rows } = querySql(reader, sql, nowUs);
  const form: RowForm<readonly SqlCell[]> = {
    columns: columns.map((title) => ({ title, align: 'left', widthMax: CELL_WIDTH_MAX })),
    cells: (row) => row.map((cell) => String(plain(cell) ?? '')),
    csvColumns: columns,
    csvCells: (row) => row.map(plain),
    json: (row) => Object.fromEntries(columns.map((name, i) => [name, plain(row[i])])),
  };
  const out = new RowPrinter(form, format, Number.POSITIVE_INFINITY);
  await out.addAll(rows);
  await out.end('row');
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
