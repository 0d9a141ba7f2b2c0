/**
 * Messages of the login, read: PRELOGIN (MS-TDS §2.2.6.5), LOGIN7 (§2.2.6.4), NTLM (MS-NLMP §2.2.1.3) and the login
 * record of TDS 4.2 and 5.0. Passwords, tickets and tokens are passed over, never kept.
 */
import { Cursor } from '../../base/cursor.ts';
import { decodeText } from '../../base/text.ts';

export interface Login {
  /** As LOGINACK prints it. */
  readonly version: number;
  readonly user: string | undefined;
  readonly clientHost: string | undefined;
  readonly program: string | undefined;
  readonly database: string | undefined;
  readonly method: string;
}

const PRELOGIN_ENCRYPTION = 1;
const PRELOGIN_END = 0xff;

/** Value of the encryption option of the PRELOGIN message at the cursor; -1 when there is none. */
export function readPreloginEncryption(cursor: Cursor): number {
  const { bytes, pos: base, end } = cursor;
  for (let at = base; at + 5 <= end && bytes[at] !== PRELOGIN_END; at += 5) {
    if (bytes[at] !== PRELOGIN_ENCRYPTION) continue;
    const offset = ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    const value = bytes[base + offset];
    return base + offset < end && value !== undefined && value <= 3 ? value : -1;
  }
  return -1;
}

// LOGIN7: where the fields' offsets and lengths stand.
const LOGIN7_FIXED_BYTES = 36;
const FIELD_HOST = 0;
const FIELD_USER = 1;
const FIELD_PROGRAM = 3;
const FIELD_EXTENSION = 5;
const FIELD_DATABASE = 8;
/** Behind the fields of the same form comes the client's six-byte id. */
const SSPI_OFFSET: number = LOGIN7_FIXED_BYTES + 9 * 4 + 6;
/** Behind it, the file to attach and the new password: length of an SSPI blob that is too long for two bytes. */
const SSPI_LONG_OFFSET: number = SSPI_OFFSET + 3 * 4;
const SSPI_IS_LONG = 0xffff;
const FLAGS2_OFFSET = 25;
const FLAGS3_OFFSET = 27;
const FLAG2_INTEGRATED = 0x80;
const FLAG3_EXTENSION = 0x10;
const FEATURE_FEDAUTH = 2;
const FEATURE_END = 0xff;

/** `undefined` when it is no login, or cut before its fields are told. */
export function readLogin7(bytes: Uint8Array, start: number, end: number): Login | undefined {
  if (end - start < SSPI_OFFSET + 4) return undefined;
  const cursor = new Cursor().reset(bytes, start, end);
  cursor.skip(4);
  const version = cursor.u32le();
  const integrated = ((bytes[start + FLAGS2_OFFSET] as number) & FLAG2_INTEGRATED) !== 0;
  const extended = ((bytes[start + FLAGS3_OFFSET] as number) & FLAG3_EXTENSION) !== 0;
  let user = field(bytes, start, end, FIELD_USER);
  let method = 'password';
  if (integrated) {
    const blob = readSecurityBlob(bytes, ...sspiRange(bytes, start, end));
    method = blob.method;
    user = blob.user;
  } else if (extended && hasFeature(bytes, start, end, FEATURE_FEDAUTH)) {
    method = 'fedauth';
  }
  return {
    version,
    user,
    clientHost: field(bytes, start, end, FIELD_HOST),
    program: field(bytes, start, end, FIELD_PROGRAM),
    database: field(bytes, start, end, FIELD_DATABASE),
    method,
  };
}

/** Range of the data whose offset and length (in units of `width` bytes) stand at `at`; empty when not all there. */
function range(bytes: Uint8Array, start: number, end: number, at: number, width: number): [number, number] {
  const offset = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  const length = ((bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8)) * width;
  const from = start + offset;
  return from + length <= end ? [from, from + length] : [end, end];
}

function sspiRange(bytes: Uint8Array, start: number, end: number): [number, number] {
  const cursor = new Cursor().reset(bytes, start + SSPI_OFFSET, end);
  const from = start + cursor.u16le();
  const short = cursor.u16le();
  cursor.reset(bytes, start + SSPI_LONG_OFFSET, end);
  const length = short === SSPI_IS_LONG ? cursor.u32le() || short : short;
  return from + length <= end ? [from, from + length] : [Math.min(from, end), end];
}

function field(bytes: Uint8Array, start: number, end: number, index: number): string | undefined {
  const [from, to] = range(bytes, start, end, start + LOGIN7_FIXED_BYTES + index * 4, 2);
  return to > from ? decodeText(bytes, from, to, 'utf16le') : undefined;
}

/** The extension field points to where the features begin. */
function hasFeature(bytes: Uint8Array, start: number, end: number, feature: number): boolean {
  const [from] = range(bytes, start, end, start + LOGIN7_FIXED_BYTES + FIELD_EXTENSION * 4, 1);
  const cursor = new Cursor().reset(bytes, from, end);
  const offset = cursor.u32le();
  cursor.reset(bytes, start, end);
  cursor.skip(offset);
  while (cursor.remaining() > 0) {
    const id = cursor.u8();
    if (id === feature) return true;
    if (id === FEATURE_END || !cursor.skip(cursor.u32le())) return false;
  }
  return false;
}

const NTLM_SIGNATURE = Buffer.from('NTLMSSP\0', 'latin1');
const NTLM_AUTHENTICATE = 3;
const NTLM_FLAGS_OFFSET = 60;
const NTLM_UNICODE = 1;
/** Kerberos 5 (RFC 4121 §4.1), as an encoded object identifier. */
const KERBEROS_OID = Buffer.from('06092a864886f712010202', 'hex');

/** What an SSPI message tells: NTLM its user, Kerberos (encrypted) and others nothing but their name. */
export function readSecurityBlob(
  bytes: Uint8Array,
  start: number,
  end: number,
): { method: string; user: string | undefined; host: string | undefined } {
  const blob = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  const at = blob.indexOf(NTLM_SIGNATURE);
  if (at < 0) {
    return { method: blob.includes(KERBEROS_OID) ? 'kerberos' : 'sspi', user: undefined, host: undefined };
  }
  const message = blob.subarray(at);
  if (message.length < NTLM_FLAGS_OFFSET + 4 || message.readUInt32LE(8) !== NTLM_AUTHENTICATE) {
    return { method: 'ntlm', user: undefined, host: undefined };
  }
  const encoding = (message.readUInt32LE(NTLM_FLAGS_OFFSET) & NTLM_UNICODE) !== 0 ? 'utf16le' : 'latin1';
  const text = (offset: number) => {
    const length = message.readUInt16LE(offset);
    const from = message.readUInt32LE(offset + 4);
    return from + length <= message.length ? message.toString(encoding, from, from + length) : '';
  };
  const domain = text(28);
  const user = text(36);
  const host = text(44);
  return {
    method: 'ntlm',
    user: user === '' ? undefined : domain === '' ? user : `${domain}\\${user}`,
    host: host === '' ? undefined : host,
  };
}

// The login record of TDS 4.2 and 5.0: texts of fixed room, each followed by its length.
const OLD_HOST = 0;
const OLD_USER = 31;
const OLD_LINT4 = 125;
const OLD_PROGRAM = 140;
const OLD_VERSION = 458;
const OLD_SECURE_LOGIN = 514;
const OLD_CHARSET = 525;
const OLD_NAME_BYTES = 30;
/** Of `lint4`: most significant byte first. */
const LINT4_BIG_ENDIAN = 0;

export interface OldLogin extends Login {
  readonly bigEndian: boolean;
  readonly charset: string | undefined;
}

export function readOldLogin(bytes: Uint8Array, start: number, end: number): OldLogin | undefined {
  if (end - start < OLD_VERSION + 4) return undefined;
  const name = (offset: number) => {
    const at = start + offset;
    const length = bytes[at + OLD_NAME_BYTES] ?? 0;
    if (at + OLD_NAME_BYTES >= end || length > OLD_NAME_BYTES || length === 0) return undefined;
    return decodeText(bytes, at, at + length, 'latin1');
  };
  const cursor = new Cursor().reset(bytes, start + OLD_VERSION, end);
  const secure = bytes[start + OLD_SECURE_LOGIN] ?? 0;
  return {
    version: cursor.u32be(),
    user: name(OLD_USER),
    clientHost: name(OLD_HOST),
    program: name(OLD_PROGRAM),
    database: undefined,
    method: secure === 0 ? 'password' : 'encrypted-password',
    bigEndian: bytes[start + OLD_LINT4] === LINT4_BIG_ENDIAN,
    charset: name(OLD_CHARSET),
  };
}
