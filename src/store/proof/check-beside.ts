/**
 * What lies beside the sealed segments against their rows: columns, sums, index and filter are made again and must come
 * out byte for byte. Check sums find damage; this finds what somebody wrote there with check sums that fit, so that a
 * search passes a record by which `verify` finds in its place.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { toStoreError } from '../errors.ts';
import { Catalog, catalogOf } from '../segment/catalog.ts';
import { ColumnBuilder } from '../segment/column-builder.ts';
import { COLUMN_SQL, ColumnBudget, type ColumnTuple, openColumns, rowOf } from '../segment/column-file.ts';
import { columnsPath } from '../segment/columns.ts';
import { FILTERS_FILE, readFilter } from '../segment/filters.ts';
import { openForReading } from '../segment/open.ts';
import { indexPath } from '../segment/postings.ts';
import { rollupPath } from '../segment/rollup.ts';
import { makeBeside, type SealedSegment } from '../segment/seal.ts';

export interface BesideReport {
  readonly segments: number;
  /** One line each. */
  readonly faults: readonly string[];
}

/** Segments that cannot be read are passed: those are for `verifyStore` to name. Throws `StoreError` when there is no store. */
export function checkBeside(directory: string): BesideReport {
  const path = catalogOf(directory);
  const catalog = Catalog.open(path, 'read');
  try {
    const sealed = catalog
      .segments()
      .filter(({ state }) => state === 'sealed')
      .map(({ file, firstSeq, rows }) => ({ path: join(directory, file), firstSeq, rows }))
      .filter((segment) => existsSync(segment.path));
    return { segments: sealed.length, faults: sealed.flatMap(faultsOf) };
  } finally {
    catalog.close();
  }
}

function faultsOf(segment: SealedSegment): string[] {
  const { path } = segment;
  let db: Database.Database | undefined;
  try {
    db = openForReading(path);
    if (!areColumnsRight(segment, db)) return [`${columnsPath(path)}: ${WRONG}`];
    const beside = makeBeside(segment, db);
    if (beside === undefined) return [`${columnsPath(path)}: ${WRONG}`];
    const faults: string[] = [];
    if (!isFile(rollupPath(path), beside.sums)) faults.push(`${rollupPath(path)}: ${WRONG}`);
    if (!isFile(indexPath(path), beside.index)) faults.push(`${indexPath(path)}: ${WRONG}`);
    const filter = readFilter(segment);
    if (filter === undefined || !beside.filter.equals(filter))
      faults.push(`${path}: its filter in ${FILTERS_FILE} ${WRONG}`);
    return faults;
  } catch (error) {
    return [toStoreError(error, path).message];
  } finally {
    db?.close();
  }
}

const WRONG = 'is missing, damaged, or does not say what the rows say; removed, it is made again by the next writer';

function isFile(path: string, wanted: Uint8Array): boolean {
  return existsSync(path) && readFileSync(path).equals(wanted);
}

/** Makes every chunk again of the rows that it is of. */
function areColumnsRight({ path, firstSeq, rows }: SealedSegment, db: Database.Database): boolean {
  const file = columnsPath(path);
  if (!existsSync(file)) return false;
  const bytes = readFileSync(file);
  const select = db
    .prepare<[number, number], ColumnTuple>(`${COLUMN_SQL} WHERE seq BETWEEN ? AND ? ORDER BY seq`)
    .raw();
  const builder = new ColumnBuilder();
  const columns = openColumns(path, firstSeq, rows, new ColumnBudget(0));
  try {
    let offset = 0;
    for (const chunk of columns.chunks) {
      builder.clear();
      for (const tuple of select.iterate(chunk.firstSeq, chunk.firstSeq + chunk.rows - 1)) builder.add(rowOf(tuple));
      const made = builder.encode(chunk.firstSeq);
      if (!made.equals(bytes.subarray(offset, offset + chunk.bytes))) return false;
      offset += chunk.bytes;
    }
    return offset === bytes.length;
  } finally {
    columns.close();
  }
}
