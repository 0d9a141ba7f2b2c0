/** The two authentication calls (O5LOGON): who logs in, from where, with which privilege. Secrets are passed over. */
import { decodeText } from '../../base/text.ts';
import { MODE_TOKEN, PRIVILEGED_MODES } from './constants.ts';
import type { TtcReader } from './reader.ts';

export interface LoginCall {
  readonly phase: 1 | 2;
  readonly mode: number;
  readonly user: string | undefined;
  /** Of the keys in `KEPT_KEYS` only. */
  readonly pairs: ReadonlyMap<string, string>;
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
  return { phase, mode, user, pairs };
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

/** `o5logon`, or `token`; with ` as sysdba` and the like for a privileged login. */
export function methodOf(mode: number): string {
  const base = mode & MODE_TOKEN ? 'token' : 'o5logon';
  const privileged = PRIVILEGED_MODES.find(([bit]) => (mode & bit) !== 0);
  return privileged ? `${base} as ${privileged[1]}` : base;
}

/** Who a privileged session acts as; `undefined` for an ordinary one. */
export function privilegedUser(mode: number): string | undefined {
  return PRIVILEGED_MODES.find(([bit]) => (mode & bit) !== 0)?.[2];
}
