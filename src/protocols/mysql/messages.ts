/**
 * The messages of the connection phase and the generic replies, decoded from one packet's payload: MySQL Internals
 * "Connection Phase", "OK_Packet", "ERR_Packet", "EOF_Packet"; MariaDB knowledge base "Connecting". Pure: the cursor
 * stands behind the packet header; a result is believed only when `cursor.failed` is false afterwards.
 */
import type { Cursor } from '../../base/cursor.ts';
import type { TextEncodingName } from '../../base/text.ts';
import { encodingOfCollation } from './charset.ts';
import {
  CLIENT_CONNECT_ATTRS,
  CLIENT_CONNECT_WITH_DB,
  CLIENT_MYSQL,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PLUGIN_AUTH_LENENC,
  CLIENT_PROTOCOL_41,
  CLIENT_SECURE_CONNECTION,
  STATUS_STATE_CHANGED,
  TRACK_SCHEMA,
  TRACK_SYSTEM_VARIABLE,
} from './constants.ts';

const ATTRIBUTES_MAX = 256;
const TRACKED_MAX = 256;
const ERROR_TEXT_BYTES_MAX = 2048;

/** A length-encoded integer; -1 for NULL. Values beyond 2^53 lose precision. */
export function lenenc(cursor: Cursor): number {
  const first = cursor.u8();
  if (first < 0xfb) return first;
  if (first === 0xfb) return -1;
  if (first === 0xfc) return cursor.u16le();
  if (first === 0xfd) return cursor.u24le();
  if (first === 0xfe) return Number(cursor.u64le());
  cursor.fail();
  return 0;
}

/** A length-encoded string; empty for NULL. */
function lenencText(cursor: Cursor, encoding: TextEncodingName): string {
  return cursor.text(Math.max(0, lenenc(cursor)), encoding);
}

export interface Greeting {
  readonly version: string;
  readonly mariadb: boolean;
  readonly capabilities: number;
  readonly extendedCapabilities: number;
}

/** Initial handshake packet, version 10 or 9. */
export function readGreeting(cursor: Cursor): Greeting | undefined {
  const protocol = cursor.u8();
  const version = cursor.cstring('latin1');
  cursor.skip(4);
  const mariadb = version.startsWith('5.5.5-') || /mariadb/i.test(version);
  if (cursor.failed || (protocol !== 10 && protocol !== 9)) return undefined;
  if (protocol === 9) return { version, mariadb, capabilities: 0, extendedCapabilities: 0 };
  cursor.skip(9);
  let capabilities = cursor.u16le();
  if (cursor.failed) return undefined;
  if (cursor.remaining() < 15) return { version, mariadb, capabilities, extendedCapabilities: 0 };
  cursor.skip(3);
  capabilities |= cursor.u16le() << 16;
  cursor.skip(7);
  const extended = cursor.u32le();
  // MariaDB uses the last four reserved bytes, and says so by clearing the first capability.
  const extendedCapabilities = (capabilities & CLIENT_MYSQL) === 0 ? extended : 0;
  return { version, mariadb, capabilities, extendedCapabilities };
}

/** What a client says of itself when it logs in or changes user. The password's scramble is passed over. */
export interface ClientLogin {
  readonly capabilities: number;
  readonly extendedCapabilities: number;
  readonly encoding: TextEncodingName;
  readonly user: string;
  readonly database: string | undefined;
  readonly plugin: string | undefined;
  readonly attributes: ReadonlyMap<string, string>;
}

const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();

/** HandshakeResponse41, or HandshakeResponse320 when the client lacks CLIENT_PROTOCOL_41. */
export function readHandshakeResponse(cursor: Cursor): ClientLogin | undefined {
  const low = cursor.u16le();
  return (low & CLIENT_PROTOCOL_41) === 0 ? readResponse320(cursor, low) : readResponse41(cursor, low);
}

function readResponse320(cursor: Cursor, capabilities: number): ClientLogin | undefined {
  cursor.skip(3);
  const user = cursor.cstring('utf8');
  if (cursor.failed) return undefined;
  let database: string | undefined;
  if ((capabilities & CLIENT_CONNECT_WITH_DB) !== 0) {
    cursor.cstring('latin1');
    database = optionalText(cursor, 'utf8');
  }
  const plugin = 'mysql_old_password';
  return {
    capabilities,
    extendedCapabilities: 0,
    encoding: 'utf8',
    user,
    database,
    plugin,
    attributes: NO_ATTRIBUTES,
  };
}

function readResponse41(cursor: Cursor, low: number): ClientLogin | undefined {
  const capabilities = low | (cursor.u16le() << 16);
  cursor.skip(4);
  const encoding = encodingOfCollation(cursor.u8());
  cursor.skip(19);
  const extended = cursor.u32le();
  const extendedCapabilities = (capabilities & CLIENT_MYSQL) === 0 ? extended : 0;
  const user = cursor.cstring(encoding);
  if (cursor.failed) return undefined;
  if ((capabilities & CLIENT_PLUGIN_AUTH_LENENC) !== 0) cursor.skip(Math.max(0, lenenc(cursor)));
  else if ((capabilities & CLIENT_SECURE_CONNECTION) !== 0) cursor.skip(cursor.u8());
  else cursor.cstring('latin1');
  const database = (capabilities & CLIENT_CONNECT_WITH_DB) !== 0 ? optionalText(cursor, encoding) : undefined;
  const plugin = (capabilities & CLIENT_PLUGIN_AUTH) !== 0 ? optionalText(cursor, 'latin1') : undefined;
  const attributes = (capabilities & CLIENT_CONNECT_ATTRS) !== 0 ? readAttributes(cursor) : NO_ATTRIBUTES;
  return { capabilities, extendedCapabilities, encoding, user, database, plugin, attributes };
}

/** Arguments of COM_CHANGE_USER. `capabilities` are the connection's; what the client left out keeps its value. */
export function readChangeUser(
  cursor: Cursor,
  capabilities: number,
  encoding: TextEncodingName,
): ClientLogin | undefined {
  const user = cursor.cstring(encoding);
  if (cursor.failed) return undefined;
  if ((capabilities & CLIENT_SECURE_CONNECTION) !== 0) cursor.skip(cursor.u8());
  else cursor.cstring('latin1');
  const database = optionalText(cursor, encoding);
  const newEncoding = cursor.remaining() >= 2 ? encodingOfCollation(cursor.u16le()) : encoding;
  const plugin = (capabilities & CLIENT_PLUGIN_AUTH) !== 0 ? optionalText(cursor, 'latin1') : undefined;
  const attributes = (capabilities & CLIENT_CONNECT_ATTRS) !== 0 ? readAttributes(cursor) : NO_ATTRIBUTES;
  return { capabilities, extendedCapabilities: 0, encoding: newEncoding, user, database, plugin, attributes };
}

/** Text up to a NUL or, as some clients end their packet, up to the end; `undefined` when empty. */
function optionalText(cursor: Cursor, encoding: TextEncodingName): string | undefined {
  if (cursor.remaining() === 0) return undefined;
  const start = cursor.pos;
  let text = cursor.cstring(encoding);
  if (cursor.failed) {
    cursor.reset(cursor.bytes, start, cursor.end);
    text = cursor.text(cursor.remaining(), encoding);
  }
  return text === '' ? undefined : text;
}

function readAttributes(cursor: Cursor): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  if (cursor.remaining() === 0) return attributes;
  const total = lenenc(cursor);
  const stop = Math.min(cursor.end, cursor.pos + Math.max(0, total));
  while (!cursor.failed && cursor.pos < stop && attributes.size < ATTRIBUTES_MAX) {
    const name = lenencText(cursor, 'utf8');
    const value = lenencText(cursor, 'utf8');
    if (!cursor.failed && value !== '') attributes.set(name, value);
  }
  return attributes;
}

export interface ErrorReply {
  readonly native: number;
  /** SQLSTATE, or the native code where none was sent. */
  readonly code: string;
  readonly text: string;
}

/** ERR packet. Servers before 4.1, and all before the handshake, send no SQLSTATE. */
export function readError(cursor: Cursor, encoding: TextEncodingName): ErrorReply {
  cursor.skip(1);
  const native = cursor.u16le();
  let code = String(native);
  if (cursor.peek() === 0x23 && cursor.remaining() >= 6) {
    cursor.skip(1);
    code = cursor.text(5, 'latin1');
  }
  const text = cursor.text(Math.min(cursor.remaining(), ERROR_TEXT_BYTES_MAX), encoding);
  return { native, code, text };
}

export interface OkReply {
  affectedRows: number;
  status: number;
  /** New default database, when the server tracked a change of it. */
  schema: string | undefined;
  /** New `character_set_client`, likewise. */
  charset: string | undefined;
}

/** OK packet, with either marker. Session state is read only when the status says that there is some. */
export function readOk(cursor: Cursor): OkReply {
  cursor.skip(1);
  const affectedRows = lenenc(cursor);
  // Its code for NULL means nothing here.
  if (affectedRows < 0) cursor.fail();
  lenenc(cursor);
  const status = cursor.remaining() >= 2 ? cursor.u16le() : 0;
  if (cursor.remaining() >= 2) cursor.skip(2);
  const ok: OkReply = { affectedRows, status, schema: undefined, charset: undefined };
  if ((status & STATUS_STATE_CHANGED) !== 0 && cursor.remaining() > 0) {
    cursor.skip(Math.max(0, lenenc(cursor)));
    readSessionState(cursor, ok);
  }
  return ok;
}

function readSessionState(cursor: Cursor, ok: OkReply): void {
  const total = lenenc(cursor);
  const stop = Math.min(cursor.end, cursor.pos + Math.max(0, total));
  for (let count = 0; count < TRACKED_MAX && !cursor.failed && cursor.pos < stop; count++) {
    const type = cursor.u8();
    const length = Math.max(0, lenenc(cursor));
    const next = cursor.pos + length;
    if (next > stop) return;
    if (type === TRACK_SCHEMA) ok.schema = lenencText(cursor, 'utf8');
    if (type === TRACK_SYSTEM_VARIABLE) readVariables(cursor, next, ok);
    cursor.pos = next;
  }
}

/** Name and value; MariaDB puts several of them into one entry. */
function readVariables(cursor: Cursor, end: number, ok: OkReply): void {
  while (cursor.pos < end && !cursor.failed) {
    const name = lenencText(cursor, 'latin1');
    const value = lenencText(cursor, 'latin1');
    if (name === 'character_set_client' && !cursor.failed) ok.charset = value;
  }
}

/** Status flags of an EOF packet; 0 where a server before 4.1 sent none. */
export function readEofStatus(cursor: Cursor): number {
  cursor.skip(3);
  return cursor.remaining() >= 2 ? cursor.u16le() : 0;
}
