/** An export: every matching record, a chunk at a time, and a last line that says how many there were and their hash. */
import { createHash } from 'node:crypto';
import { recordToJson } from '../../audit/json.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import { RECORD_KEYS } from '../../contracts/record.ts';
import { CSV_COLUMNS, csvCells, csvLine } from '../../store/format/csv.ts';
import type { ExportQuery } from '../api/records.ts';
import { ConsoleError } from '../error.ts';
import { questionOf } from './lists.ts';
import { rowOf } from './row.ts';
import type { Source } from './source.ts';
import type { ExportChunk, Seen } from './task.ts';

const CHUNK_CHARS = 256 * 1024;

/** Columns that a row of a list has, in the order of the schema. */
const ROW_COLUMNS: ReadonlySet<string> = new Set([
  'id',
  'time',
  'kind',
  'user',
  'effectiveUser',
  'program',
  'client',
  'server',
  'db',
  'system',
  'operation',
  'objects',
  'text',
  'rows',
  'durationUs',
  'errorCode',
  'errorText',
  'severity',
  'rules',
  'marks',
  'session',
  'fingerprint',
  'transaction',
  'reason',
]);

export function* exportRecords(source: Source, args: Seen<ExportQuery>): Generator<ExportChunk> {
  const question = questionOf(source, args);
  const columns = columnsOf(args);
  const hash = createHash('sha256');
  let rows = 0;
  let text = args.format === 'csv' ? csvLine(columns ?? CSV_COLUMNS) : '';
  const flush = (): ExportChunk => {
    hash.update(text);
    const chunk = { text, rows };
    text = '';
    return chunk;
  };
  for (const record of source.query({ ...question.query, order: args.dir ?? 'newest' })) {
    text += lineOf(record, args, columns);
    rows++;
    if (text.length >= CHUNK_CHARS) yield flush();
  }
  yield flush();
  yield { text: lastLine(args.format, rows, hash.digest('hex'), source.asked(question).problems.length), rows };
}

function columnsOf({ cols, format }: ExportQuery): readonly string[] | undefined {
  if (cols === undefined) return undefined;
  if (format !== 'csv') throw new ConsoleError('bad-request', 'only a CSV has columns to choose');
  const columns = cols.split(',');
  const unknown = columns.find((column) => !ROW_COLUMNS.has(column));
  if (unknown !== undefined) throw new ConsoleError('bad-request', `there is no column ${unknown}`);
  return columns;
}

function lineOf(
  record: AuditRecord,
  { format, sight }: Seen<ExportQuery>,
  columns: readonly string[] | undefined,
): string {
  if (columns !== undefined) {
    const row: Readonly<Record<string, unknown>> = rowOf(record, sight);
    return csvLine(columns.map((column) => (column === 'text' ? record.text : row[column])));
  }
  // Bind values leave the console only by a reveal, which has a reason.
  const json = recordToJson(record);
  delete json[RECORD_KEYS.parameters];
  return format === 'csv' ? csvLine(csvCells(json)) : `${JSON.stringify(json)}\n`;
}

/** A file without this line was cut. The hash is of all bytes before it. */
function lastLine(format: 'csv' | 'jsonl', rows: number, sha256: string, problems: number): string {
  if (format === 'jsonl')
    return `${JSON.stringify({ 'export.rows': rows, 'export.sha256': sha256, 'export.problems': problems })}\n`;
  return csvLine([`rows ${rows}`, `sha256 ${sha256}`, `problems ${problems}`]);
}
