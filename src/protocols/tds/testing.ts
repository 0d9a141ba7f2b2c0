/** Builds messages of TDS for tests, byte by byte as the specification has them. */
import type { AuditEvent, LoginEvent, StatementEvent } from '../../contracts/event.ts';
import { TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { type Conversation, play, steps, type Turn } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import tds from './protocol.ts';

type Part = Uint8Array | number | string;

/** Numbers are bytes, strings UTF-16. */
export function bytes(...parts: readonly Part[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return Buffer.of(part);
      return typeof part === 'string' ? Buffer.from(part, 'utf16le') : part;
    }),
  );
}

export function hex(text: string): Uint8Array {
  return Buffer.from(text.replace(/\s+/g, ''), 'hex');
}

export function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

export function u16(value: number): Uint8Array {
  return Buffer.of(value & 255, value >> 8);
}

export function u32(value: number): Uint8Array {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value >>> 0);
  return out;
}

export function u64(value: bigint): Uint8Array {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt.asUintN(64, value));
  return out;
}

/** B_VARCHAR: characters counted in a byte. */
export function b(text: string): Uint8Array {
  return bytes(text.length, text);
}

/** US_VARCHAR: characters counted in two bytes. */
export function us(text: string): Uint8Array {
  return bytes(u16(text.length), text);
}

/** A message in packets of at most `packetBytes`. */
export function message(type: number, body: Uint8Array, packetBytes = 4096, status = 0): Uint8Array {
  const packets: Uint8Array[] = [];
  const room = packetBytes - c.HEADER_BYTES;
  let id = 1;
  for (let pos = 0; pos === 0 || pos < body.length; pos += room) {
    const payload = body.subarray(pos, pos + room);
    const length = payload.length + c.HEADER_BYTES;
    const last = pos + room >= body.length;
    packets.push(bytes((last ? c.STATUS_EOM : 0) | status, length >> 8, length & 255, 0, 0, id++ & 255, 0, payload));
  }
  return Buffer.concat(packets.flatMap((packet) => [Buffer.of(type), packet]));
}

export function client(...parts: readonly Uint8Array[]): Turn {
  return { direction: TO_SERVER, bytes: bytes(...parts) };
}

export function server(...parts: readonly Uint8Array[]): Turn {
  return { direction: TO_CLIENT, bytes: bytes(...parts) };
}

export function reply(...tokens: readonly Uint8Array[]): Turn {
  return server(message(c.PACKET_REPLY, bytes(...tokens)));
}

/** ALL_HEADERS with a transaction descriptor. */
export function headers(transaction = 0n): Uint8Array {
  return bytes(u32(22), u32(18), u16(2), u64(transaction), u32(1));
}

export function batch(text: string, packetBytes = 4096, transaction = 0n): Uint8Array {
  return message(c.PACKET_BATCH, bytes(headers(transaction), text), packetBytes);
}

// Calls

export const NVARCHAR: Uint8Array = bytes(0xe7, u16(8000), hex('0904d00034'));
export const INTN: Uint8Array = bytes(0x26, 4);

export function parameter(type: Uint8Array, value: Uint8Array, name = '', status = 0): Uint8Array {
  return bytes(b(name), status, type, value);
}

export function nvarchar(text: string, name = ''): Uint8Array {
  return parameter(NVARCHAR, bytes(u16(text.length * 2), text), name);
}

export function int(value: number, name = '', status = 0): Uint8Array {
  return parameter(INTN, bytes(4, u32(value)), name, status);
}

/** A handle to be returned. */
export function handleOut(): Uint8Array {
  return parameter(INTN, bytes(0), '', 1);
}

export function procedure(name: string | number, ...parameters: readonly Uint8Array[]): Uint8Array {
  const head = typeof name === 'number' ? bytes(u16(0xffff), u16(name)) : us(name);
  return bytes(head, u16(0), ...parameters);
}

export function rpc(...calls: readonly Uint8Array[]): Uint8Array {
  const separated = calls.flatMap((call, i) => (i === 0 ? [call] : [Buffer.of(0xff), call]));
  return message(c.PACKET_RPC, bytes(headers(), ...separated));
}

// Tokens

export function done(status = 0, rows = 0, command = 0xc1, token: number = c.TOKEN_DONE): Uint8Array {
  return bytes(token, u16(status), u16(command), u64(BigInt(rows)));
}

/** A result of nvarchar columns. */
export function result(...rows: readonly (readonly string[])[]): Uint8Array {
  const columns = rows[0]?.length ?? 1;
  return bytes(
    columnsOf(...Array.from({ length: columns }, (_, i) => ({ type: NVARCHAR, name: `c${i}` }))),
    ...rows.map((row) => bytes(c.TOKEN_ROW, ...row.map((text) => bytes(u16(text.length * 2), text)))),
    done(c.DONE_COUNT, rows.length),
  );
}

export function columnsOf(...columns: readonly { type: Uint8Array; name: string }[]): Uint8Array {
  const described = columns.map(({ type, name }) => bytes(u32(0), u16(0), type, b(name)));
  return bytes(c.TOKEN_COLUMNS, u16(columns.length), ...described);
}

export function counted(token: number, ...body: readonly Part[]): Uint8Array {
  const content = bytes(...body);
  return bytes(token, u16(content.length), content);
}

export function error(number: number, text: string, token: number = c.TOKEN_ERROR): Uint8Array {
  return counted(token, u32(number), 1, 16, us(text), b('SERVER'), b(''), u32(1));
}

export function environment(type: number, now: string, before: string): Uint8Array {
  return counted(c.TOKEN_ENV_CHANGE, type, b(now), b(before));
}

export function returnValue(value: number, name = '@handle'): Uint8Array {
  return bytes(c.TOKEN_RETURN_VALUE, u16(0), b(name), 1, u32(0), u16(0), INTN, 4, u32(value));
}

export const RETURN_STATUS: Uint8Array = bytes(c.TOKEN_RETURN_STATUS, u32(0));

export function doneProc(status = 0): Uint8Array {
  return done(status, 0, 0xe0, c.TOKEN_DONE_PROC);
}

// Login

export function prelogin(encryption: number): Uint8Array {
  const options = bytes(0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff);
  return bytes(options, hex('0f0007d00000'), encryption);
}

export interface LoginOptions {
  readonly host?: string;
  readonly user?: string;
  readonly program?: string;
  readonly database?: string;
  readonly version?: number;
  readonly sspi?: Uint8Array;
  readonly features?: Uint8Array;
}

export function login7(options: LoginOptions = {}): Uint8Array {
  const { host = 'pc1', user = 'ann', program = 'app', database = 'shop', version = 0x74000004 } = options;
  const fixedBytes = 94;
  const fields: Uint8Array[] = [];
  const data: Uint8Array[] = [];
  let offset = fixedBytes;
  const add = (content: Uint8Array, units: number) => {
    fields.push(u16(offset), u16(units));
    data.push(content);
    offset += content.length;
  };
  const scrambled = Buffer.from('secret', 'utf16le').map((byte) => (((byte << 4) | (byte >> 4)) ^ 0xa5) & 255);
  for (const text of [host, user]) add(bytes(text), text.length);
  add(scrambled, 6);
  for (const text of [program, 'server']) add(bytes(text), text.length);
  const extensionAt = offset;
  add(options.features ? Buffer.alloc(4) : Buffer.alloc(0), options.features ? 4 : 0);
  for (const text of ['library', '', database]) add(bytes(text), text.length);
  fields.push(hex('001122334455'));
  const sspi = options.sspi ?? Buffer.alloc(0);
  add(sspi, sspi.length);
  add(Buffer.alloc(0), 0);
  add(Buffer.alloc(0), 0);
  fields.push(u32(0));
  const featuresAt = offset;
  if (options.features) data.push(options.features);
  const flags = bytes(0, options.sspi ? 0x80 : 0, 0, options.features ? 0x10 : 0);
  const tail = bytes(u32(version), u32(4096), u32(7), u32(100), u32(0), flags, u32(0), u32(0x409), ...fields, ...data);
  const whole = Buffer.from(bytes(u32(tail.length + 4), tail));
  if (options.features) whole.writeUInt32LE(featuresAt, extensionAt);
  return message(c.PACKET_LOGIN7, whole);
}

/** LOGINACK; the version as it is printed, most significant byte first. */
export function loginAck(version = 0x74000004): Uint8Array {
  const big = Buffer.alloc(4);
  big.writeUInt32BE(version);
  return counted(c.TOKEN_LOGIN_ACK, 1, big, b('Microsoft SQL Server'), hex('10000fa0'));
}

/** Records of a TLS 1.2 handshake and after it. */
export const CLIENT_HELLO: Uint8Array = hex(
  `16030100 36 01000032 0303 ${'11'.repeat(32)} 00 0002 c02f 01 00 0007 0010 0003 0002 0161`,
);
export const SERVER_HELLO: Uint8Array = hex(`16030300 2a 02000026 0303 ${'22'.repeat(32)} 00 c02f 00`);
export const HELLO_DONE: Uint8Array = hex('16030300 04 0e000000');
export const APPLICATION_DATA: Uint8Array = hex(`17030300 20 ${'ab'.repeat(32)}`);

/** Records of a handshake inside PRELOGIN packets. */
export function wrapped(...records: readonly Uint8Array[]): Uint8Array {
  return message(c.PACKET_PRELOGIN, bytes(...records));
}

/** PRELOGIN, LOGIN7 and their replies. */
export function opening(options: LoginOptions = {}): Turn[] {
  return [
    client(message(c.PACKET_PRELOGIN, prelogin(c.ENCRYPT_NOT_SUPPORTED))),
    reply(prelogin(c.ENCRYPT_NOT_SUPPORTED)),
    client(login7(options)),
    reply(environment(c.ENV_DATABASE, 'shop', 'master'), loginAck(options.version), done()),
  ];
}

export function run(...turns: readonly Turn[]): AuditEvent[] {
  const conversation: Conversation = { name: '', turns };
  return play(tds, steps(conversation));
}

export function statements(events: readonly AuditEvent[]): StatementEvent[] {
  return events.filter((event) => event.kind === 'statement');
}

export function logins(events: readonly AuditEvent[]): LoginEvent[] {
  return events.filter((event) => event.kind === 'login');
}
