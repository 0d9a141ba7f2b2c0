/**
 * Batches: how records cross to the store's thread, one transferred buffer at a time.
 *
 * A batch is a sequence of entries. Session, shape and verdict entries are numbered from 0 in order of appearance, each
 * kind by itself; a record names them by these numbers. Numbers go on from batch to batch of one encoder until a reset
 * entry starts them anew; the reader keeps the tables of each encoder (`BatchTables`). Layout of an entry: tag, length
 * (u32), content.
 */
import { Cursor } from '../../base/cursor.ts';
import type { AuditRecord, PolicyMatch } from '../../contracts/record.ts';
import {
  ByteWriter,
  readNumber,
  readOptionalNumber,
  readOptionalText,
  readVarint,
  skipText,
} from '../segment/bytes.ts';
import { BoundedDictionary } from '../segment/dictionary.ts';
import { type SessionFacts, type ShapeFacts, writeRest, writeSession, writeShape, writeVerdict } from './codec.ts';

const ENTRY_SESSION = 1;
const ENTRY_SHAPE = 2;
const ENTRY_VERDICT = 3;
const ENTRY_RECORD = 4;
/** Numbers of all kinds start from 0 again. */
const ENTRY_RESET = 5;

/** Bytes of the entry length, fixed so that it can be filled in afterwards. */
const LENGTH_BYTES = 4;

/** Facts already packed once, and their number. */
interface Packed<T> {
  readonly facts: T;
  readonly index: number;
}

/** Facts remembered from batch to batch, sessions and shapes each; beyond it they are packed anew. */
const PACKED_BYTES_MAX = 16 * 1024 * 1024;
/** Entries of a kind before the numbers start anew: what a reader has to keep. */
const TABLE_ENTRIES_MAX = 65_536;

/** Packs records; `take` hands the batch over and starts the next. */
export class BatchEncoder {
  /** Records in the batch so far. */
  records = 0;
  private readonly out: ByteWriter;
  /** Latest facts by session id, by fingerprint, and by the list of matches. */
  private readonly sessions = new BoundedDictionary<Packed<SessionFacts>>(PACKED_BYTES_MAX);
  private readonly shapes = new BoundedDictionary<Packed<ShapeFacts>>(PACKED_BYTES_MAX);
  private readonly verdicts = new Map<string, number>();
  private forgotten = 0;
  private sessionCount = 0;
  private shapeCount = 0;

  constructor(capacity: number) {
    this.out = new ByteWriter(capacity);
  }

  /** Bytes packed so far. */
  get length(): number {
    return this.out.pos;
  }

  add(record: AuditRecord): void {
    const session = this.sessionIndex(record);
    const shape = this.shapeIndex(record);
    const verdict = record.policy === undefined ? 0 : this.verdictIndex(record.policy) + 1;
    const out = this.out;
    const mark = this.open(ENTRY_RECORD);
    out.number(record.timeUs);
    out.text(record.id);
    out.varint(session);
    out.varint(shape);
    out.varint(verdict);
    out.optionalNumber(record.durationUs);
    out.optionalNumber(record.returnedRows);
    out.optionalNumber(record.affectedRows);
    out.varint(record.marks);
    out.optionalText(record.errorCode);
    out.optionalText(record.endUser);
    // Never packed as hexadecimal digits: the text's bytes are compared with those of other texts.
    if (record.text === undefined) {
      out.u8(0);
    } else {
      out.sizedText(record.text);
    }
    writeRest(out, record);
    this.close(mark);
    this.records++;
  }

  /** The batch as a buffer of its own, to be transferred. Every batch taken must reach the reader, in order. */
  take(): Uint8Array<ArrayBuffer> {
    const batch = new Uint8Array(this.out.pos);
    batch.set(this.out.bytes.subarray(0, this.out.pos));
    this.out.pos = 0;
    this.records = 0;
    const most = Math.max(this.sessionCount, this.shapeCount, this.verdicts.size);
    if (most >= TABLE_ENTRIES_MAX || this.sessions.forgotten + this.shapes.forgotten > this.forgotten) this.reset();
    return batch;
  }

  /** Throws the batch away. */
  discard(): void {
    this.out.pos = 0;
    this.records = 0;
    this.reset();
  }

  private reset(): void {
    this.sessions.clear();
    this.shapes.clear();
    this.verdicts.clear();
    this.sessionCount = 0;
    this.shapeCount = 0;
    this.forgotten = this.sessions.forgotten + this.shapes.forgotten;
    this.close(this.open(ENTRY_RESET));
  }

  private open(tag: number): number {
    this.out.u8(tag);
    this.out.ensure(LENGTH_BYTES);
    this.out.pos += LENGTH_BYTES;
    return this.out.pos;
  }

  private close(mark: number): void {
    this.out.bytes.writeUInt32LE(this.out.pos - mark, mark - LENGTH_BYTES);
  }

  private sessionIndex(record: AuditRecord): number {
    const key = record.session ?? '';
    const known = this.sessions.get(key);
    if (known !== undefined && sameSession(known.facts, record)) return known.index;
    const index = this.sessionCount++;
    const mark = this.open(ENTRY_SESSION);
    writeSession(this.out, record);
    this.close(mark);
    this.sessions.set(key, { facts: sessionFacts(record), index }, this.out.pos - mark);
    return index;
  }

  private shapeIndex(record: AuditRecord): number {
    const key = record.fingerprint ?? record.operation ?? record.kind;
    const known = this.shapes.get(key);
    if (known !== undefined && sameShape(known.facts, record)) return known.index;
    const index = this.shapeCount++;
    const mark = this.open(ENTRY_SHAPE);
    writeShape(this.out, record);
    this.close(mark);
    this.shapes.set(key, { facts: shapeFacts(record), index }, this.out.pos - mark);
    return index;
  }

  private verdictIndex(policy: readonly PolicyMatch[]): number {
    let key = '';
    for (const match of policy) key += `${match.rule}\n${match.severity}\n${match.action}\n`;
    const known = this.verdicts.get(key);
    if (known !== undefined) return known;
    const index = this.verdicts.size;
    this.verdicts.set(key, index);
    const mark = this.open(ENTRY_VERDICT);
    writeVerdict(this.out, policy);
    this.close(mark);
    return index;
  }
}

/** One record entry as numbers and ranges of the batch's bytes; a single instance is reused. */
export class BatchRow {
  timeUs = 0;
  /** The id's packed 16 bytes start here; -1 when the id is not 128-bit hexadecimal, then `idText` holds it. */
  idStart = 0;
  idText = '';
  session = 0;
  shape = 0;
  /** 0 without a verdict, else its number + 1. */
  verdict = 0;
  durationUs: number | undefined = undefined;
  returnedRows: number | undefined = undefined;
  affectedRows: number | undefined = undefined;
  marks = 0;
  errorCode: string | undefined = undefined;
  endUser: string | undefined = undefined;
  /** UTF-8 of the statement; -1 without one. */
  textStart = 0;
  textEnd = 0;
  /** What `writeRest` wrote. */
  restStart = 0;
  restEnd = 0;
}

/** An entry of an encoder, and the row it has in a segment. */
export interface BatchEntry<T> {
  readonly bytes: Buffer;
  row: T | undefined;
  /** Number of the segment that `row` belongs to. */
  segment: number;
}

/** What the reader of batches keeps of one encoder. `S` is what a shape's row is to it. */
export class BatchTables<S> {
  sessions: BatchEntry<number>[] = [];
  shapes: BatchEntry<S>[] = [];
  verdicts: BatchEntry<number>[] = [];

  add(tag: number, content: Uint8Array): void {
    const entry = { bytes: Buffer.from(content), row: undefined, segment: 0 };
    if (tag === ENTRY_SESSION) this.sessions.push(entry);
    else if (tag === ENTRY_SHAPE) this.shapes.push(entry);
    else if (tag === ENTRY_VERDICT) this.verdicts.push(entry);
    else this.clear();
  }

  private clear(): void {
    this.sessions = [];
    this.shapes = [];
    this.verdicts = [];
  }
}

export interface BatchVisitor {
  /** `bytes[start, end)` is the content of an entry that is not a record. */
  onEntry(tag: number, start: number, end: number): void;
  onRecord(row: BatchRow): void;
}

export const ID_BYTES = 16;

/** Walks over a batch. The bytes come from `BatchEncoder` in this process, so damage is a programming error. */
export function readBatch(bytes: Uint8Array, row: BatchRow, visitor: BatchVisitor): void {
  const cursor = new Cursor().reset(bytes, 0, bytes.length);
  while (cursor.remaining() > 0) {
    const tag = cursor.u8();
    const length = cursor.u32le();
    const start = cursor.pos;
    if (!cursor.skip(length)) throw new RangeError('an entry of the batch is cut');
    if (tag !== ENTRY_RECORD) {
      visitor.onEntry(tag, start, start + length);
      continue;
    }
    cursor.pos = start;
    readRow(cursor, row, start + length);
    visitor.onRecord(row);
  }
}

function readRow(cursor: Cursor, row: BatchRow, end: number): void {
  row.timeUs = readNumber(cursor);
  const idFrom = cursor.pos;
  const idLength = skipText(cursor);
  row.idStart = -1;
  row.idText = '';
  if (idLength === ID_BYTES && (cursor.bytes[idFrom] as number) % 2 === 1) {
    row.idStart = cursor.pos - ID_BYTES;
  } else {
    cursor.pos = idFrom;
    row.idText = readOptionalText(cursor) ?? '';
  }
  row.session = readVarint(cursor);
  row.shape = readVarint(cursor);
  row.verdict = readVarint(cursor);
  row.durationUs = readOptionalNumber(cursor);
  row.returnedRows = readOptionalNumber(cursor);
  row.affectedRows = readOptionalNumber(cursor);
  row.marks = readVarint(cursor);
  row.errorCode = readOptionalText(cursor);
  row.endUser = readOptionalText(cursor);
  const textLength = readVarint(cursor) - 1;
  row.textStart = textLength < 0 ? -1 : cursor.pos;
  if (textLength > 0) cursor.skip(textLength);
  row.textEnd = cursor.pos;
  row.restStart = cursor.pos;
  row.restEnd = end;
  cursor.pos = end;
}

function sessionFacts(record: AuditRecord): SessionFacts {
  return {
    session: record.session,
    system: record.system,
    user: record.user,
    effectiveUser: record.effectiveUser,
    osUser: record.osUser,
    clientHost: record.clientHost,
    program: record.program,
    namespace: record.namespace,
    clientAddress: record.clientAddress,
    serverAddress: record.serverAddress,
    communityId: record.communityId,
    tunnel: record.tunnel,
    sensor: record.sensor,
    policyVersion: record.policyVersion,
    clientPort: record.clientPort,
    serverPort: record.serverPort,
    vlanId: record.vlanId,
  };
}

function shapeFacts(record: AuditRecord): ShapeFacts {
  const { kind, operation, procedure, summary, fingerprint, call, operations, objects } = record;
  return { kind, operation, procedure, summary, fingerprint, call, operations, objects };
}

/** Written out field by field: it runs for every record, and a loop over names costs several times as much. */
function sameSession(a: SessionFacts, b: SessionFacts): boolean {
  return (
    a.session === b.session &&
    a.system === b.system &&
    a.user === b.user &&
    a.effectiveUser === b.effectiveUser &&
    a.osUser === b.osUser &&
    a.clientHost === b.clientHost &&
    a.program === b.program &&
    a.namespace === b.namespace &&
    a.clientAddress === b.clientAddress &&
    a.serverAddress === b.serverAddress &&
    a.communityId === b.communityId &&
    a.tunnel === b.tunnel &&
    a.sensor === b.sensor &&
    a.policyVersion === b.policyVersion &&
    a.clientPort === b.clientPort &&
    a.serverPort === b.serverPort &&
    a.vlanId === b.vlanId
  );
}

function sameShape(a: ShapeFacts, b: ShapeFacts): boolean {
  return (
    a.kind === b.kind &&
    a.operation === b.operation &&
    a.procedure === b.procedure &&
    a.summary === b.summary &&
    a.fingerprint === b.fingerprint &&
    a.call === b.call &&
    sameList(a.operations, b.operations) &&
    sameList(a.objects, b.objects)
  );
}

function sameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
