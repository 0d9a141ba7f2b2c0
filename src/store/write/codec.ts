/**
 * An audit record as bytes, in four parts:
 * - session facts: constant for most statements of a session;
 * - shape facts: constant for all statements that differ only in literals;
 * - verdict: the rules that matched;
 * - what is left.
 * The first three repeat a lot and are stored once a segment; `batch.ts` and `segment.ts` refer to them by number.
 */
import type { Cursor } from '../../base/cursor.ts';
import type { BindValue, TlsFacts, TransactionState } from '../../contracts/event.ts';
import type { AuditRecord, PolicyMatch, RecordKind } from '../../contracts/record.ts';
import { SEVERITIES, severityRank } from '../../contracts/record.ts';
import {
  type ByteWriter,
  readNumber,
  readOptionalNumber,
  readOptionalText,
  readText,
  readVarint,
} from '../segment/bytes.ts';

export const SESSION_TEXTS = [
  'session',
  'system',
  'user',
  'effectiveUser',
  'osUser',
  'clientHost',
  'program',
  'namespace',
  'clientAddress',
  'serverAddress',
  'communityId',
  'tunnel',
  'sensor',
  'policyVersion',
] as const;
export const SESSION_NUMBERS = ['clientPort', 'serverPort', 'vlanId'] as const;
const SHAPE_TEXTS = ['operation', 'procedure', 'summary', 'fingerprint', 'call'] as const;
const SHAPE_LISTS = ['operations', 'objects'] as const;

export type SessionFacts = Pick<AuditRecord, (typeof SESSION_TEXTS)[number] | (typeof SESSION_NUMBERS)[number]>;
export type ShapeFacts = Pick<AuditRecord, 'kind' | (typeof SHAPE_TEXTS)[number] | (typeof SHAPE_LISTS)[number]>;
/** What is stored with each record, apart from the columns of `segment.ts` and the text. */
export type RestFacts = Pick<
  AuditRecord,
  | 'firstByteUs'
  | 'textLength'
  | 'textSha256'
  | 'parameters'
  | 'errorText'
  | 'responseBytes'
  | 'transaction'
  | 'tls'
  | 'reason'
  | 'lostBytes'
  | 'authMethod'
  | 'bulkBytes'
>;

const KINDS: readonly RecordKind[] = ['login', 'statement', 'logout', 'opaque', 'loss'];
const TRANSACTIONS: readonly TransactionState[] = ['idle', 'open', 'failed'];
const ACTIONS: readonly PolicyMatch['action'][] = ['record', 'alert', 'ignore', 'mask', 'shadow'];
const TLS_KEYS = ['version', 'sni', 'alpn', 'cipher', 'subject'] as const satisfies readonly (keyof TlsFacts)[];

export function writeSession(out: ByteWriter, facts: SessionFacts): void {
  for (const field of SESSION_TEXTS) out.optionalText(facts[field]);
  for (const field of SESSION_NUMBERS) out.optionalNumber(facts[field]);
}

export function readSession(cursor: Cursor, into: SessionFacts): void {
  for (const field of SESSION_TEXTS) into[field] = readOptionalText(cursor);
  for (const field of SESSION_NUMBERS) into[field] = readOptionalNumber(cursor);
}

export function writeShape(out: ByteWriter, facts: ShapeFacts): void {
  out.u8(KINDS.indexOf(facts.kind));
  for (const field of SHAPE_TEXTS) out.optionalText(facts[field]);
  for (const field of SHAPE_LISTS) writeList(out, facts[field]);
}

export function readShape(cursor: Cursor, into: ShapeFacts): void {
  into.kind = oneOf(cursor, KINDS, cursor.u8());
  for (const field of SHAPE_TEXTS) into[field] = readOptionalText(cursor);
  for (const field of SHAPE_LISTS) into[field] = readList(cursor);
}

export function writeVerdict(out: ByteWriter, policy: readonly PolicyMatch[]): void {
  out.varint(policy.length);
  for (const match of policy) {
    out.text(match.rule);
    out.u8(severityRank(match.severity));
    out.u8(ACTIONS.indexOf(match.action));
  }
}

export function readVerdict(cursor: Cursor): PolicyMatch[] {
  const matches: PolicyMatch[] = [];
  for (let left = readVarint(cursor); left > 0 && !cursor.failed; left--) {
    const rule = readText(cursor);
    const severity = oneOf(cursor, SEVERITIES, cursor.u8());
    matches.push({ rule, severity, action: oneOf(cursor, ACTIONS, cursor.u8()) });
  }
  return matches;
}

const HAS_FIRST_BYTE = 1;
const HAS_TEXT_LENGTH = 2;
const HAS_TEXT_SHA256 = 4;
const HAS_PARAMETERS = 8;
const HAS_ERROR_TEXT = 16;
const HAS_RESPONSE_BYTES = 32;
const HAS_TRANSACTION = 64;
const HAS_TLS = 128;
const HAS_REASON = 256;
const HAS_LOST_BYTES = 512;
const HAS_AUTH_METHOD = 1024;
const HAS_BULK_BYTES = 2048;

export function writeRest(out: ByteWriter, facts: RestFacts): void {
  out.varint(presence(facts));
  if (facts.firstByteUs !== undefined) out.number(facts.firstByteUs);
  if (facts.textLength !== undefined) out.number(facts.textLength);
  if (facts.textSha256 !== undefined) out.text(facts.textSha256);
  if (facts.parameters !== undefined) writeParameters(out, facts.parameters);
  if (facts.errorText !== undefined) out.text(facts.errorText);
  if (facts.responseBytes !== undefined) out.number(facts.responseBytes);
  if (facts.transaction !== undefined) out.u8(TRANSACTIONS.indexOf(facts.transaction));
  if (facts.tls !== undefined) for (const key of TLS_KEYS) out.optionalText(facts.tls[key]);
  if (facts.reason !== undefined) out.text(facts.reason);
  if (facts.lostBytes !== undefined) out.number(facts.lostBytes);
  if (facts.authMethod !== undefined) out.text(facts.authMethod);
  if (facts.bulkBytes !== undefined) out.number(facts.bulkBytes);
}

export function readRest(cursor: Cursor, into: RestFacts): void {
  const has = readVarint(cursor);
  if (has & HAS_FIRST_BYTE) into.firstByteUs = readNumber(cursor);
  if (has & HAS_TEXT_LENGTH) into.textLength = readNumber(cursor);
  if (has & HAS_TEXT_SHA256) into.textSha256 = readText(cursor);
  if (has & HAS_PARAMETERS) into.parameters = readParameters(cursor);
  if (has & HAS_ERROR_TEXT) into.errorText = readText(cursor);
  if (has & HAS_RESPONSE_BYTES) into.responseBytes = readNumber(cursor);
  if (has & HAS_TRANSACTION) into.transaction = oneOf(cursor, TRANSACTIONS, cursor.u8());
  if (has & HAS_TLS) into.tls = readTls(cursor);
  if (has & HAS_REASON) into.reason = readText(cursor);
  if (has & HAS_LOST_BYTES) into.lostBytes = readNumber(cursor);
  if (has & HAS_AUTH_METHOD) into.authMethod = readText(cursor);
  if (has & HAS_BULK_BYTES) into.bulkBytes = readNumber(cursor);
}

function presence(facts: RestFacts): number {
  return (
    (facts.firstByteUs === undefined ? 0 : HAS_FIRST_BYTE) |
    (facts.textLength === undefined ? 0 : HAS_TEXT_LENGTH) |
    (facts.textSha256 === undefined ? 0 : HAS_TEXT_SHA256) |
    (facts.parameters === undefined ? 0 : HAS_PARAMETERS) |
    (facts.errorText === undefined ? 0 : HAS_ERROR_TEXT) |
    (facts.responseBytes === undefined ? 0 : HAS_RESPONSE_BYTES) |
    (facts.transaction === undefined ? 0 : HAS_TRANSACTION) |
    (facts.tls === undefined ? 0 : HAS_TLS) |
    (facts.reason === undefined ? 0 : HAS_REASON) |
    (facts.lostBytes === undefined ? 0 : HAS_LOST_BYTES) |
    (facts.authMethod === undefined ? 0 : HAS_AUTH_METHOD) |
    (facts.bulkBytes === undefined ? 0 : HAS_BULK_BYTES)
  );
}

function readTls(cursor: Cursor): TlsFacts {
  const tls: TlsFacts = {};
  for (const key of TLS_KEYS) {
    const value = readOptionalText(cursor);
    if (value !== undefined) tls[key] = value;
  }
  return tls;
}

/** The member at `index` of a closed list; a damaged index fails the cursor. */
function oneOf<T>(cursor: Cursor, members: readonly T[], index: number): T {
  if (index >= members.length) cursor.fail();
  return members[index] ?? (members[0] as T);
}

/** Lists are written as their length + 1, 0 for an absent one. */
function writeList(out: ByteWriter, list: readonly string[] | undefined): void {
  out.varint(list === undefined ? 0 : list.length + 1);
  for (const item of list ?? []) out.text(item);
}

function readList(cursor: Cursor): string[] | undefined {
  const coded = readVarint(cursor);
  if (coded === 0) return undefined;
  const list: string[] = [];
  for (let left = coded - 1; left > 0 && !cursor.failed; left--) list.push(readText(cursor));
  return list;
}

const BIND_NULL = 0;
const BIND_FALSE = 1;
const BIND_TRUE = 2;
const BIND_NUMBER = 3;
const BIND_TEXT = 4;
const BIND_HEX = 5;
const BIND_CUT_TEXT = 6;
const BIND_CUT_HEX = 7;

function writeParameters(out: ByteWriter, values: readonly BindValue[]): void {
  out.varint(values.length);
  for (const value of values) writeBind(out, value);
}

function writeBind(out: ByteWriter, value: BindValue): void {
  if (value === null) {
    out.u8(BIND_NULL);
  } else if (typeof value === 'boolean') {
    out.u8(value ? BIND_TRUE : BIND_FALSE);
  } else if (typeof value === 'number') {
    out.u8(BIND_NUMBER);
    out.number(value);
  } else if (typeof value === 'string') {
    out.u8(BIND_TEXT);
    out.text(value);
  } else {
    const cut = 'length' in value;
    out.u8('hex' in value ? (cut ? BIND_CUT_HEX : BIND_HEX) : BIND_CUT_TEXT);
    out.text(value.type);
    out.text('hex' in value ? value.hex : value.text);
    if (!cut) return;
    out.number(value.length);
    out.text(value.sha256);
  }
}

function readParameters(cursor: Cursor): BindValue[] {
  const values: BindValue[] = [];
  for (let left = readVarint(cursor); left > 0 && !cursor.failed; left--) values.push(readBind(cursor));
  return values;
}

function readBind(cursor: Cursor): BindValue {
  const tag = cursor.u8();
  switch (tag) {
    case BIND_NULL:
      return null;
    case BIND_FALSE:
    case BIND_TRUE:
      return tag === BIND_TRUE;
    case BIND_NUMBER:
      return readNumber(cursor);
    case BIND_TEXT:
      return readText(cursor);
    case BIND_HEX:
      return { type: readText(cursor), hex: readText(cursor) };
    case BIND_CUT_TEXT:
      return { type: readText(cursor), text: readText(cursor), length: readNumber(cursor), sha256: readText(cursor) };
    case BIND_CUT_HEX:
      return { type: readText(cursor), hex: readText(cursor), length: readNumber(cursor), sha256: readText(cursor) };
    default:
      cursor.fail();
      return null;
  }
}
