/** Rows of a segment's tables back into audit records, exactly as they were written. */
import { decodeText, toHex } from '../../base/text.ts';
import { AuditRecord, type PolicyMatch, type RecordKind } from '../../contracts/record.ts';
import { StoreError } from '../errors.ts';
import { parseList } from '../search/functions.ts';
import { readRest, SESSION_NUMBERS, SESSION_TEXTS } from '../write/codec.ts';
import { ByteWriter, cursorOver } from './bytes.ts';
import { readTextForm } from './delta.ts';
import type { RowSource, SegmentTable, SqlCell } from './row-source.ts';

/** As `ROW_COLUMNS` names them. */
type RecordRow = readonly [
  seq: number | null,
  timeUs: number,
  id: Uint8Array | string,
  sessionRow: number,
  shapeRow: number,
  verdictRow: number | null,
  durationUs: number | null,
  returnedRows: number | null,
  affectedRows: number | null,
  marks: number,
  errorCode: string | null,
  endUser: string | null,
  body: Uint8Array,
];

type ShapeRow = readonly [
  row: number | null,
  kind: RecordKind,
  call: string | null,
  operation: string | null,
  operations: string | null,
  objects: string | null,
  procedure: string | null,
  summary: string | null,
  fingerprint: string | null,
  reference: Uint8Array | null,
];

type VerdictRow = readonly [row: number | null, severity: number, policy: string];

/** Columns of a record's row up to its time. */
const TIME_COLUMNS = 2;
/** Rows of the small tables kept at hand. */
const CACHED_ROWS_MAX = 4096;
/** Used again by every call: it holds nothing between two. */
const SCRATCH = new ByteWriter(4096);

export class RecordReader {
  private readonly path: string;
  private readonly source: RowSource;
  private readonly sessions: RowCache<readonly SqlCell[]>;
  private readonly shapes: RowCache<ShapeRow>;
  private readonly verdicts: RowCache<VerdictRow>;

  /** `path`: of the segment's file, for messages. */
  constructor(path: string, source: RowSource) {
    this.path = path;
    this.source = source;
    this.sessions = new RowCache(source, 'session');
    this.shapes = new RowCache(source, 'shape');
    this.verdicts = new RowCache(source, 'verdict');
  }

  /** `undefined` when there is no such record. */
  timeOf(seq: number): number | undefined {
    const timeUs = this.source.get('record', seq, TIME_COLUMNS)?.[1];
    return typeof timeUs === 'number' ? timeUs : undefined;
  }

  /** The text that others of its shape are stored as differences from. */
  referenceOf(shapeRow: number): Uint8Array | undefined {
    return this.shapes.get(shapeRow)?.[9] ?? undefined;
  }

  /** The record with that sequence number. Throws `StoreError` (`damaged`) when it cannot be put together. */
  record(seq: number): AuditRecord {
    const row = this.source.get('record', seq) as RecordRow | undefined;
    const session = row && this.sessions.get(row[3]);
    const shape = row && this.shapes.get(row[4]);
    if (row === undefined || session === undefined || shape === undefined) throw this.damaged(seq);
    const [, timeUs, id, , , verdict, duration, returned, affected, marks, errorCode, endUser, body] = row;
    const reference = shape[9] ?? undefined;
    if (!(body instanceof Uint8Array)) throw this.damaged(seq);
    const record = new AuditRecord();
    record.id = typeof id === 'string' ? id : toHex(id, 0, id.length);
    record.timeUs = timeUs;
    record.durationUs = duration ?? undefined;
    record.returnedRows = returned ?? undefined;
    record.affectedRows = affected ?? undefined;
    record.marks = marks;
    record.errorCode = errorCode ?? undefined;
    record.endUser = endUser ?? undefined;
    fillSession(record, session);
    fillShape(record, shape);
    if (verdict !== null) record.policy = parseList(this.verdicts.get(verdict)?.[2]) as PolicyMatch[];
    const cursor = cursorOver(body);
    const text = readTextForm(cursor, reference, SCRATCH);
    if (text !== undefined) record.text = decodeText(text, 0, text.length, 'utf8');
    readRest(cursor, record);
    if (cursor.failed) throw this.damaged(seq);
    return record;
  }

  damaged(seq: number): StoreError {
    return new StoreError('damaged', `${this.path}: record ${seq} is damaged`);
  }
}

/** Rows of a small table by number, the latest few kept. */
class RowCache<T extends readonly SqlCell[]> {
  private readonly source: RowSource;
  private readonly table: SegmentTable;
  private readonly rows = new Map<number, T>();

  constructor(source: RowSource, table: SegmentTable) {
    this.source = source;
    this.table = table;
  }

  get(row: number): T | undefined {
    const cached = this.rows.get(row);
    if (cached !== undefined) return cached;
    const found = this.source.get(this.table, row) as T | undefined;
    if (found === undefined) return undefined;
    if (this.rows.size >= CACHED_ROWS_MAX) this.rows.clear();
    this.rows.set(row, found);
    return found;
  }
}

/** `row`: its number, then the fields in the order of `SESSION_TEXTS` and `SESSION_NUMBERS`. */
function fillSession(record: AuditRecord, row: readonly SqlCell[]): void {
  const texts = SESSION_TEXTS.length;
  for (let i = 0; i < texts; i++) {
    const value = row[1 + i];
    if (typeof value === 'string') record[SESSION_TEXTS[i] as (typeof SESSION_TEXTS)[number]] = value;
  }
  for (let i = 0; i < SESSION_NUMBERS.length; i++) {
    const value = row[1 + texts + i];
    if (typeof value === 'number') record[SESSION_NUMBERS[i] as (typeof SESSION_NUMBERS)[number]] = value;
  }
}

function fillShape(record: AuditRecord, row: ShapeRow): void {
  const [, kind, call, operation, operations, objects, procedure, summary, fingerprint] = row;
  record.kind = kind;
  record.call = call ?? undefined;
  record.operation = operation ?? undefined;
  record.procedure = procedure ?? undefined;
  record.summary = summary ?? undefined;
  record.fingerprint = fingerprint ?? undefined;
  if (operations !== null) record.operations = parseList(operations) as string[];
  if (objects !== null) record.objects = parseList(objects) as string[];
}
