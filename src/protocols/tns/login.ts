/**
 * The two authentication calls (O5LOGON, and O3LOGON of clients before version 10): who logs in, from where, with which
 * privilege. Secrets are passed over.
 */
import { decodeText } from '../../base/text.ts';
import { MODE_TOKEN, PRIVILEGED_MODES } from './constants.ts';
import { DIALECT_U, type TtcReader } from './reader.ts';

export interface LoginCall {
  readonly phase: 1 | 2;
  readonly mode: number;
  readonly user: string | undefined;
  /** Of the keys in `KEPT_KEYS` only. */
  readonly pairs: ReadonlyMap<string, string>;
  /** O3LOGON. */
  readonly old: boolean;
}

/** Nothing else of an authentication call is kept. */
const KEPT_KEYS: ReadonlySet<string> = new Set([
  'AUTH_TERMINAL',
  'AUTH_PROGRAM_NM',
  'AUTH_MACHINE',
  'AUTH_SID',
  'PROXY_CLIENT_NAME',
  'SESSION_CLIENT_DRIVER_NAME',
]);
const REPLY_KEYS: ReadonlySet<string> = new Set(['AUTH_SC_SERVICE_NAME', 'AUTH_DBNAME', 'AUTH_SC_DB_DOMAIN']);
const PAIRS_MAX = 256;
const NAME_BYTES_MAX = 512;

/** Reads an authentication call behind its function header. */
export function readLogin(reader: TtcReader, phase: 1 | 2, rawText: boolean): LoginCall {
  const hasUser = reader.pointer();
  const userLength = reader.ub(4);
  const mode = reader.ub(4);
  reader.pointer();
  const count = reader.ub(4);
  reader.pad();
  reader.pointer();
  reader.pointer();
  let user: string | undefined;
  if (hasUser && userLength > 0) user = textOf(rawText ? reader.take(userLength) : reader.clr());
  const pairs = readPairs(reader, count, KEPT_KEYS);
  return { phase, mode, user, pairs, old: false };
}

/** Fields between the password's length and the terminal's: the mode and what nobody has described. */
const OLD_MODE_FIELDS = 4;

/**
 * Reads a call of O3LOGON: lengths of all texts first, then the texts without keys (user, password, terminal, machine,
 * operating system user, process, program). Seen from JDBC only; of fixed dialects just the user is read.
 */
export function readOldLogin(reader: TtcReader, phase: 1 | 2, rawText: boolean): LoginCall {
  const hasUser = reader.pointer();
  const userLength = reader.ub(4);
  if (reader.dialect !== DIALECT_U) return oldLoginOf(phase, 0, lastTexts(reader, userLength));
  const lengths = [hasUser ? userLength : 0, readLength(reader)];
  let mode = 0;
  for (let i = 0; i < OLD_MODE_FIELDS; i++) mode ||= reader.ub(4);
  for (let i = 0; i < 3; i++) lengths.push(readLength(reader));
  reader.ub(4);
  for (let i = 0; i < 2; i++) lengths.push(readLength(reader));
  const total = lengths.reduce((sum, length) => sum + length + (rawText || length === 0 ? 0 : 1), 0);
  if (reader.failed || total > reader.remaining()) reader.fail();
  else reader.skip(reader.remaining() - total);
  const texts = lengths.map((length) => {
    if (length === 0) return undefined;
    return textOf(rawText ? reader.take(length) : reader.clr());
  });
  return oldLoginOf(phase, mode, texts);
}

function readLength(reader: TtcReader): number {
  const isSet = reader.pointer();
  const length = reader.ub(4);
  return isSet ? length : 0;
}

function oldLoginOf(phase: 1 | 2, mode: number, texts: readonly (string | undefined)[]): LoginCall {
  const [user, , terminal, machine, osUser, , program] = texts;
  const pairs = new Map<string, string>();
  const named = { AUTH_TERMINAL: terminal, AUTH_MACHINE: machine, AUTH_SID: osUser, AUTH_PROGRAM_NM: program };
  for (const [key, text] of Object.entries(named)) if (text !== undefined) pairs.set(key, text);
  return { phase, mode, user, pairs, old: true };
}

/** The user alone: the first of the printable bytes that end the call, behind a count or not. */
function lastTexts(reader: TtcReader, userLength: number): readonly (string | undefined)[] {
  const { bytes, pos, end } = reader;
  let first = end;
  while (first > pos && isPrintable(bytes[first - 1] as number)) first--;
  for (let at = pos; at < end && userLength > 0; at++) {
    if (bytes[at] === userLength && at + 1 + userLength < end && allPrintable(bytes, at + 1, at + 1 + userLength)) {
      return [textOf(bytes.subarray(at + 1, at + 1 + userLength))];
    }
  }
  const user = first + userLength <= end ? textOf(bytes.subarray(first, first + userLength)) : undefined;
  return [user];
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

function allPrintable(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isPrintable(bytes[at] as number)) return false;
  return true;
}

/** Facts in the reply to a successful login; the reader stands behind message type 8. */
export function readLoginReply(reader: TtcReader): ReadonlyMap<string, string> {
  return readPairs(reader, reader.ub(2), REPLY_KEYS);
}

function readPairs(reader: TtcReader, count: number, kept: ReadonlySet<string>): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (let i = 0; i < Math.min(count, PAIRS_MAX) && !reader.failed; i++) {
    const key = textOf(reader.dlc());
    const value = reader.dlc();
    reader.ub(4);
    if (key !== undefined && value !== undefined && kept.has(key) && !reader.failed) {
      pairs.set(key, textOf(value) ?? '');
    }
  }
  return pairs;
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  let length = Math.min(bytes.length, NAME_BYTES_MAX);
  while (length > 0 && bytes[length - 1] === 0) length--;
  return length === 0 ? undefined : decodeText(bytes, 0, length, 'utf8');
}

/** `o5logon`, `o3logon` or `token`; with ` as sysdba` and the like for a privileged login. */
export function methodOf(mode: number, old: boolean): string {
  const base = mode & MODE_TOKEN ? 'token' : old ? 'o3logon' : 'o5logon';
  const privileged = PRIVILEGED_MODES.find(([bit]) => (mode & bit) !== 0);
  return privileged ? `${base} as ${privileged[1]}` : base;
}

/** Who a privileged session acts as; `undefined` for an ordinary one. */
export function privilegedUser(mode: number): string | undefined {
  return PRIVILEGED_MODES.find(([bit]) => (mode & bit) !== 0)?.[2];
}
