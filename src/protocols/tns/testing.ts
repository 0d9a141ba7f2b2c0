/** Builds TNS packets and TTC messages of the universal dialect, as clients and servers write them, for tests. */
import { type AuditEvent, LoginEvent, StatementEvent } from '../../contracts/event.ts';
import { type Direction, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { play, type Turn } from '../sdk/testkit.ts';
import tns from './protocol.ts';

export type Part = string | number | Uint8Array | readonly number[];

/** Joins strings (UTF-8), single bytes and byte arrays. */
export function bytes(...parts: readonly Part[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'number' ? Buffer.of(part) : typeof part === 'string' ? Buffer.from(part) : Buffer.from(part),
    ),
  );
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 0xff, value & 0xff);
}

export function u32(value: number): Uint8Array {
  return bytes(u16(value >>> 16), u16(value & 0xffff));
}

/** A variable integer. */
export function ub(value: number): Uint8Array {
  const digits: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return bytes(digits.length, digits);
}

const INLINE_MAX = 252;
const CHUNK_BYTES = 64;

/** Counted bytes; long ones in chunks, whose lengths are integers when `big`. */
export function clr(content: Part, big = false): Uint8Array {
  const whole = bytes(content);
  if (whole.length <= INLINE_MAX) return bytes(whole.length, whole);
  const parts: Uint8Array[] = [Uint8Array.of(0xfe)];
  const size = big ? 32_767 : CHUNK_BYTES;
  for (let at = 0; at < whole.length; at += size) {
    const chunk = whole.subarray(at, at + size);
    parts.push(big ? ub(chunk.length) : Uint8Array.of(chunk.length), chunk);
  }
  return bytes(...parts, 0);
}

/** A length, and counted bytes unless it is zero. */
export function dlc(content: Part): Uint8Array {
  const length = bytes(content).length;
  return length === 0 ? Uint8Array.of(0) : bytes(ub(length), clr(content));
}

export function pair(key: string, value: string, flags = 0): Uint8Array {
  return bytes(dlc(key), dlc(value), ub(flags));
}

/** Counted bytes, long ones in one chunk, as servers of 12c and later write them. */
export function bigClr(content: Part): Uint8Array {
  return clr(content, true);
}

/** A packet with a two-byte length, or a four-byte one when `large`. */
export function packet(type: number, payload: Uint8Array, large = false): Uint8Array {
  const length = payload.length + 8;
  return bytes(large ? u32(length) : bytes(u16(length), 0, 0), type, 0, 0, 0, payload);
}

export function data(payload: Uint8Array, flags = 0, large = false): Uint8Array {
  return packet(6, bytes(u16(flags), payload), large);
}

export const DESCRIPTOR: string =
  '(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=10.0.0.2)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=shop)' +
  '(CID=(PROGRAM=till)(HOST=desk7)(USER=ann))))';

export function connect(descriptor: string = DESCRIPTOR, version = 314, inPacket = true): Uint8Array {
  const offset = 58;
  const head = bytes(u16(version), u16(300), u16(0), u16(8192), u16(32_767), u16(0), u16(0), u16(1));
  const rest = new Uint8Array(offset - 28);
  return packet(1, bytes(head, u16(descriptor.length), u16(offset), rest, inPacket ? descriptor : ''));
}

export function accept(version = 314, flags2 = 0): Uint8Array {
  const head = bytes(u16(version), u16(0), u16(8192), u16(32_767), u16(1), u16(0), u16(32), 4, 4, new Uint8Array(8));
  const large = version >= 315 ? bytes(u32(8192), u32(8192), 0) : '';
  return packet(2, bytes(head, large, version >= 318 ? u32(flags2) : ''));
}

/** REFUSE with a text. */
export function refuse(text: string): Uint8Array {
  return packet(4, bytes(0x22, 0, u16(text.length), text));
}

/** Capabilities: `[7]` field version, `[15]` call status, `[27]` wide type list, `[37]` chunks of any size. */
export function caps(fieldVersion: number): Uint8Array {
  const list = new Uint8Array(48);
  list[7] = fieldVersion;
  list[15] = 1;
  list[27] = 1;
  return list;
}

export function serverProtocol(fieldVersion: number): Uint8Array {
  const runtime = new Uint8Array(7);
  return bytes(1, 6, 0, 'Linux', 0, [0x69, 0x03], 1, [0, 0], u16(0), 48, caps(fieldVersion), runtime.length, runtime);
}

export function clientTypes(fieldVersion: number): Uint8Array {
  return bytes(
    2,
    [0x69, 0x03, 0x69, 0x03],
    2,
    48,
    caps(fieldVersion),
    7,
    new Uint8Array(7),
    u16(1),
    u16(1),
    u16(1),
    u16(0),
    u16(0),
  );
}

/** Login call; `phase` 1 or 2. */
export function auth(phase: 1 | 2, seq: number, user: string, pairs: readonly Uint8Array[], mode = 1): Uint8Array {
  const head = bytes(3, phase === 1 ? 0x76 : 0x73, seq, 1, ub(user.length), ub(mode), 1, ub(pairs.length), 1, 1);
  return bytes(head, clr(user), ...pairs);
}

export interface ExecuteOptions {
  readonly sql?: string;
  readonly cursor?: number;
  readonly options?: number;
  readonly iterations?: number;
  readonly query?: boolean;
  /** Descriptors, of `oac`. */
  readonly binds?: readonly Uint8Array[];
  /** Rows of encoded values. */
  readonly rows?: readonly (readonly Uint8Array[])[];
  readonly fieldVersion?: number;
}

/** OALL8 as thin clients write it. */
export function execute(seq: number, o: ExecuteOptions): Uint8Array {
  const {
    sql,
    cursor = 0,
    options = 0x8021,
    iterations = 1,
    query = false,
    binds = [],
    rows = [],
    fieldVersion = 7,
  } = o;
  const later = bytes(
    fieldVersion >= 4 ? bytes(ub(0), 0, 1) : '',
    fieldVersion >= 5 ? bytes(0, ub(0), 0, ub(0), ub(0)) : '',
    fieldVersion >= 7 ? bytes(0, ub(0), 0) : '',
    fieldVersion >= 8 ? bytes(0, ub(0), 0, ub(0), 0) : '',
    fieldVersion >= 9 ? bytes(0, ub(0)) : '',
  );
  const i4 = [sql === undefined ? 0 : 1, iterations, 0, 0, 0, 0, 0, query ? 1 : 0, 0, 0, 0, 0, 0];
  return bytes(
    bytes(3, 0x5e, seq, fieldVersion >= 18 ? ub(0) : '', ub(options), ub(cursor)),
    sql === undefined ? bytes(0, ub(0)) : bytes(1, ub(Buffer.byteLength(sql))),
    bytes(1, ub(13), 0, 0, ub(0), ub(2), ub(0x7fffffff), binds.length > 0 ? 1 : 0, ub(binds.length)),
    bytes(0, 0, 0, 0, 0, 0, ub(0), later, sql === undefined ? '' : clr(sql)),
    ...i4.map(ub),
    ...binds,
    ...rows.map((row) => bytes(7, ...row)),
  );
}

/** A bind descriptor. */
export function oac(type: number, maxBytes: number, form = 0, flags = 1, fieldVersion = 7): Uint8Array {
  const charset = form === 0 ? 0 : 873;
  const head = bytes(type, flags, 0, 0, ub(maxBytes), ub(0), ub(0), ub(0), ub(0), ub(charset), form, ub(0));
  return bytes(head, fieldVersion >= 8 ? ub(0) : '');
}

export interface OerOptions {
  readonly rows?: number;
  readonly error?: number;
  readonly text?: string;
  readonly cursor?: number;
  readonly callStatus?: number;
  readonly sqlType?: number;
  readonly fieldVersion?: number;
  /** Offsets of the rows of an array DML that failed with `error`, each with code 1. */
  readonly failedRows?: readonly number[];
}

/** Codes, offsets and messages of batch errors. */
function batch(failedRows: readonly number[]): Uint8Array {
  const count = failedRows.length;
  if (count === 0) return bytes(ub(0), ub(0), ub(0));
  return bytes(
    bytes(ub(count), 1, ...failedRows.map(() => ub(1))),
    bytes(ub(count), 1, ...failedRows.map((row) => ub(row))),
    bytes(ub(count), 1, ...failedRows.map(() => bytes(ub(1), clr('ORA-00001: duplicate'), 0, 0))),
  );
}

/** End-of-call status; an error has a text. */
export function oer(seq: number, o: OerOptions = {}): Uint8Array {
  const { rows = 0, error = 0, text = '', cursor = 0, callStatus = 1, sqlType = 0, fieldVersion = 7 } = o;
  const { failedRows = [] } = o;
  return bytes(
    bytes(
      4,
      ub(callStatus),
      ub(seq),
      ub(rows),
      ub(error & 0xffff),
      ub(0),
      ub(0),
      ub(cursor),
      ub(0),
      sqlType,
      [0, 0, 0, 0, 0],
    ),
    bytes(ub(0), ub(0), 0, ub(0), ub(0), ub(0), 0, seq, ub(0), ub(0), ub(0), batch(failedRows)),
    fieldVersion >= 7 ? bytes(ub(error), ub(rows)) : '',
    fieldVersion >= 14 ? bytes(ub(0), ub(0)) : '',
    error === 0 ? '' : clr(text),
  );
}

export function noData(seq: number, rows: number, cursor: number): Uint8Array {
  return oer(seq, { rows, cursor, error: 1403, text: 'ORA-01403: no data found\n' });
}

/** Description of columns, all VARCHAR2(30) or NUMBER. */
export function describe(
  fieldVersion: number,
  columns: readonly (readonly [name: string, type: number])[],
): Uint8Array {
  return bytes(16, clr('description'), description(fieldVersion, columns));
}

/** What a description holds, as it also stands among out binds. */
export function description(
  fieldVersion: number,
  columns: readonly (readonly [name: string, type: number])[],
): Uint8Array {
  const column = ([name, type]: readonly [string, number], index: number): Uint8Array =>
    bytes(
      bytes(type, 0, 0, 0, ub(30), ub(0), ub(0), ub(0), ub(0), ub(873), type === 1 ? 1 : 0, ub(30)),
      fieldVersion >= 8 ? ub(0) : '',
      bytes(1, name.length, dlc(name), ub(0), ub(0), ub(index + 1), ub(0)),
      fieldVersion >= 17 ? bytes(ub(0), ub(0)) : '',
      fieldVersion >= 20 ? ub(0) : '',
      fieldVersion >= 24 ? bytes(ub(0), 0, 0) : '',
    );
  return bytes(
    bytes(ub(60), ub(columns.length), columns.length > 0 ? 0 : ''),
    ...columns.map(column),
    bytes(ub(0), ub(0), ub(0), ub(0), ub(0), ub(0)),
  );
}

/** Row header and rows. */
export function rows(list: readonly (readonly Uint8Array[])[]): Uint8Array {
  const header = bytes(6, 0, ub(0), ub(1), ub(0), ub(0), ub(0), ub(0));
  return bytes(header, ...list.map((row) => bytes(7, ...row)));
}

/** Return parameters without any. */
export const PARAMETERS: Uint8Array = Uint8Array.of(8, 0, 0, 0, 0);

/** Short status. */
export function shortStatus(seq: number, callStatus = 1): Uint8Array {
  return bytes(9, ub(callStatus), ub(seq));
}

export type Turns = readonly Turn[];

export function client(...packets: readonly Uint8Array[]): Turn {
  return { direction: TO_SERVER as Direction, bytes: bytes(...packets) };
}

export function server(...packets: readonly Uint8Array[]): Turn {
  return { direction: TO_CLIENT as Direction, bytes: bytes(...packets) };
}

const PROGRAM_PAIRS: readonly Uint8Array[] = [
  pair('AUTH_TERMINAL', 'pts/1'),
  pair('AUTH_PROGRAM_NM', 'till'),
  pair('AUTH_MACHINE', 'desk7'),
  pair('AUTH_SID', 'ann'),
];
const SECRET = '53FC1E7';

/** From CONNECT to the end of a successful login as SCOTT. */
export function opening(fieldVersion = 7): Turns {
  return [
    client(connect()),
    server(packet(11, new Uint8Array(0))),
    client(connect()),
    server(accept()),
    client(data(bytes(1, 6, 0, 'thin', 0))),
    server(data(serverProtocol(fieldVersion))),
    client(data(clientTypes(fieldVersion))),
    server(data(bytes(2, u16(0)))),
    client(data(auth(1, 1, 'SCOTT', PROGRAM_PAIRS))),
    server(data(bytes(8, ub(1), pair('AUTH_SESSKEY', SECRET), oer(1, { fieldVersion })))),
    client(
      data(
        auth(2, 2, 'SCOTT', [pair('AUTH_SESSKEY', SECRET, 1), pair('AUTH_PASSWORD', SECRET), ...PROGRAM_PAIRS], 0x101),
      ),
    ),
    server(data(bytes(8, ub(1), pair('AUTH_DBNAME', 'ORCL'), oer(2, { fieldVersion })))),
  ];
}

export function run(turns: Turns, midstream = false): AuditEvent[] {
  const events = play(
    tns,
    turns.map(({ direction, bytes: content }) => ({ direction, bytes: content, lost: 0 })),
    midstream,
  );
  return events;
}

export function statements(events: readonly AuditEvent[]): StatementEvent[] {
  return events.filter((event): event is StatementEvent => event instanceof StatementEvent);
}

export function logins(events: readonly AuditEvent[]): LoginEvent[] {
  return events.filter((event): event is LoginEvent => event instanceof LoginEvent);
}
