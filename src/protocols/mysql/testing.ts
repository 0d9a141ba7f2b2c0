/** Builds MySQL packets and conversations for tests. */
import { type AuditEvent, LoginEvent, StatementEvent } from '../../contracts/event.ts';
import { type Direction, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { play, type Turn } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import mysql from './protocol.ts';

type Part = string | number | Uint8Array | readonly number[];

/** Joins strings (UTF-8), single bytes and byte arrays. */
export function bytes(...parts: readonly Part[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'number' ? Buffer.of(part) : typeof part === 'string' ? Buffer.from(part) : Buffer.from(part),
    ),
  );
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff);
}

export function u24(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff);
}

export function u32(value: number): Uint8Array {
  return bytes(u16(value), u16(value >>> 16));
}

export function u64(value: bigint): Uint8Array {
  return bytes(u32(Number(value & 0xffffffffn)), u32(Number((value >> 32n) & 0xffffffffn)));
}

/** A length-encoded integer below 2^24. */
export function lenenc(value: number): Uint8Array {
  if (value < 0xfb) return Uint8Array.of(value);
  return value < 0x10000 ? bytes(0xfc, u16(value)) : bytes(0xfd, u24(value));
}

/** A length-encoded string. */
export function str(text: string | Uint8Array): Uint8Array {
  const content = bytes(text);
  return bytes(lenenc(content.length), content);
}

/** One packet; payloads of 16 MB and more become several. */
export function packet(sequence: number, ...parts: readonly Part[]): Uint8Array {
  const payload = bytes(...parts);
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (let n = 0; ; n++) {
    const piece = payload.subarray(at, at + c.PAYLOAD_MAX);
    pieces.push(bytes(u24(piece.length), (sequence + n) & 0xff, piece));
    at += piece.length;
    if (piece.length < c.PAYLOAD_MAX) return bytes(...pieces);
  }
}

/** What a client of the classic protocol agrees to; tests add to it. */
export const CLASSIC: number =
  c.CLIENT_MYSQL | c.CLIENT_PROTOCOL_41 | c.CLIENT_SECURE_CONNECTION | c.CLIENT_PLUGIN_AUTH | c.CLIENT_CONNECT_WITH_DB;
export const MODERN: number = CLASSIC | c.CLIENT_DEPRECATE_EOF | c.CLIENT_SESSION_TRACK;

export function greeting(capabilities: number, version = '8.0.36', extended = 0): Uint8Array {
  return packet(
    0,
    bytes(10, version, 0, u32(7), '12345678', 0, u16(capabilities), 45, u16(2), u16(capabilities >>> 16), 21),
    bytes(new Uint8Array(6), u32(extended), '123456789012', 0, 'mysql_native_password', 0),
  );
}

/** The compression level a client asks for ends its login. */
const ZSTD_LEVEL = 3;

export interface LoginOptions {
  readonly user?: string;
  readonly database?: string;
  readonly collation?: number;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly extended?: number;
  readonly sequence?: number;
}

export function login(capabilities: number, options: LoginOptions = {}): Uint8Array {
  const { user = 'alice', database = 'shop', collation = 45, attributes, extended = 0, sequence = 1 } = options;
  const pairs = bytes(...Object.entries(attributes ?? {}).flatMap(([name, value]) => [str(name), str(value)]));
  return packet(
    sequence,
    bytes(u32(capabilities), u32(0x1000000), collation, new Uint8Array(19), u32(extended), user, 0),
    bytes((capabilities & c.CLIENT_PLUGIN_AUTH_LENENC) === 0 ? 20 : lenenc(20), new Uint8Array(20).fill(0x5a)),
    (capabilities & c.CLIENT_CONNECT_WITH_DB) === 0 ? '' : bytes(database, 0),
    (capabilities & c.CLIENT_PLUGIN_AUTH) === 0 ? '' : bytes('mysql_native_password', 0),
    (capabilities & c.CLIENT_CONNECT_ATTRS) === 0 ? '' : bytes(lenenc(pairs.length), pairs),
    (capabilities & c.CLIENT_ZSTD_COMPRESSION) === 0 ? '' : ZSTD_LEVEL,
  );
}

export interface OkOptions {
  readonly affectedRows?: number;
  readonly status?: number;
  readonly marker?: number;
  /** Session state entries, already encoded. */
  readonly state?: Uint8Array;
}

export function ok(sequence: number, options: OkOptions = {}): Uint8Array {
  const { affectedRows = 0, marker = 0, state } = options;
  const status = (options.status ?? 2) | (state ? c.STATUS_STATE_CHANGED : 0);
  return packet(
    sequence,
    marker,
    lenenc(affectedRows),
    0,
    u16(status),
    u16(0),
    state ? bytes(str(''), str(state)) : '',
  );
}

export function err(sequence: number, code: number, state: string, text: string): Uint8Array {
  return packet(sequence, 0xff, u16(code), state === '' ? '' : `#${state}`, text);
}

export function eof(sequence: number, status = 2): Uint8Array {
  return packet(sequence, 0xfe, u16(0), u16(status));
}

export function command(code: number, ...parts: readonly Part[]): Uint8Array {
  return packet(0, code, ...parts);
}

export function query(text: string): Uint8Array {
  return command(c.COM_QUERY, text);
}

export function column(sequence: number, name: string): Uint8Array {
  return packet(sequence, str('def'), str(''), str('t'), str('t'), str(name), str(name), 12, new Uint8Array(12));
}

/** A text result set of one-column rows. `deprecateEof`: OK instead of the EOF packets. */
export function result(rows: readonly string[], deprecateEof = false, status = 2, sequence = 1): Uint8Array {
  let next = sequence;
  const packets = [packet(next++, 1), column(next++, 'x')];
  if (!deprecateEof) packets.push(eof(next++));
  for (const row of rows) packets.push(packet(next++ & 0xff, str(row)));
  packets.push(deprecateEof ? ok(next & 0xff, { marker: 0xfe, status }) : eof(next & 0xff, status));
  return bytes(...packets);
}

/** Reply to a prepare, with its definitions. */
export function prepared(id: number, parameters: number, columns: number, deprecateEof = false): Uint8Array {
  let next = 1;
  const packets = [packet(next++, 0, u32(id), u16(columns), u16(parameters), 0, u16(0))];
  for (const count of [parameters, columns]) {
    for (let i = 0; i < count; i++) packets.push(column(next++, '?'));
    if (count > 0 && !deprecateEof) packets.push(eof(next++));
  }
  return bytes(...packets);
}

/** COM_STMT_EXECUTE. `types`: sent when given, as wire types; `values`: encoded, NULL when undefined. */
export function execute(
  id: number,
  types: readonly number[] | undefined,
  values: readonly (Uint8Array | undefined)[],
  flags = 0,
): Uint8Array {
  const nulls = new Uint8Array(Math.ceil(values.length / 8));
  for (const [i, value] of values.entries()) {
    if (value === undefined) nulls[i >> 3] = (nulls[i >> 3] ?? 0) | (1 << (i & 7));
  }
  const head = bytes(u32(id), flags, u32(1));
  if (values.length === 0) return command(c.COM_STMT_EXECUTE, head);
  const kinds = types === undefined ? bytes(0) : bytes(1, ...types.map(u16));
  return command(c.COM_STMT_EXECUTE, head, nulls, kinds, ...values.filter((v) => v !== undefined));
}

export type Turns = readonly Turn[];

export function client(...packets: readonly Uint8Array[]): Turn {
  return { direction: TO_SERVER, bytes: bytes(...packets) };
}

export function server(...packets: readonly Uint8Array[]): Turn {
  return { direction: TO_CLIENT, bytes: bytes(...packets) };
}

/** Greeting, login and OK with the same capabilities on both sides. */
export function opening(capabilities: number = CLASSIC, options: LoginOptions = {}): Turn[] {
  return [
    server(greeting(capabilities, undefined, options.extended)),
    client(login(capabilities, options)),
    server(ok(2)),
  ];
}

/** Plays turns through the real driver. */
export function run(turns: readonly Turn[], midstream = false): AuditEvent[] {
  return play(
    mysql,
    turns.map(({ direction, bytes: said }) => ({ direction, bytes: said, lost: 0 })),
    midstream,
  );
}

/** As `run`, with gaps: a number in place of bytes. */
export function runLossy(steps: readonly { direction: Direction; bytes: Uint8Array | number }[]): AuditEvent[] {
  return play(
    mysql,
    steps.map(({ direction, bytes: said }) =>
      typeof said === 'number' ? { direction, bytes: undefined, lost: said } : { direction, bytes: said, lost: 0 },
    ),
  );
}

export function statements(events: readonly AuditEvent[]): StatementEvent[] {
  return events.filter((event) => event instanceof StatementEvent);
}

export function logins(events: readonly AuditEvent[]): LoginEvent[] {
  return events.filter((event) => event instanceof LoginEvent);
}
