/**
 * The packets that open a connection, by their shape: greeting and login. For the probe, and for connections whose TCP
 * handshake was not captured but whose MySQL handshake was.
 */
import {
  type Direction,
  PROBE_CERTAIN,
  PROBE_MORE,
  PROBE_NO,
  PROBE_UNSURE,
  type ProbeVerdict,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import * as c from './constants.ts';

/** Version texts are some ten characters; forks add their name. */
const VERSION_BYTES_MAX = 128;
const RESPONSE_BYTES_MIN = 32;
const USER_BYTES_MAX = 256;

/** Certainly a greeting (from the server) or a login (from the client). */
export function looksLikeOpening(
  direction: Direction,
  sequence: number,
  bytes: Uint8Array,
  payload: number,
  end: number,
  length: number,
): boolean {
  if (payload >= end) return false;
  if (direction === TO_SERVER) return sequence === 1 && probeLogin(bytes, payload, end, length) === PROBE_CERTAIN;
  const version = bytes[payload] as number;
  if (sequence !== 0 || (version !== 9 && version !== 10)) return false;
  return probeGreeting(bytes, payload, end, length, version) === PROBE_CERTAIN;
}

/** Version text, thread id, 8 bytes of scramble and a NUL; version 9 ends there. */
export function probeGreeting(
  bytes: Uint8Array,
  payload: number,
  end: number,
  length: number,
  version: number,
): ProbeVerdict {
  if (length < 16 || length > 512) return PROBE_NO;
  const limit = Math.min(end, payload + length, payload + 1 + VERSION_BYTES_MAX);
  let at = payload + 1;
  while (at < limit && (bytes[at] as number) >= 0x20 && (bytes[at] as number) < 0x7f) at++;
  if (at === end) return PROBE_MORE;
  if (at === limit || bytes[at] !== 0 || at === payload + 1) return PROBE_NO;
  const filler = at + 1 + 4 + 8;
  if (version === 9) return filler + 1 === payload + length ? PROBE_CERTAIN : PROBE_NO;
  if (filler >= payload + length) return PROBE_NO;
  if (filler >= end) return PROBE_MORE;
  return bytes[filler] === 0 ? PROBE_CERTAIN : PROBE_NO;
}

/** HandshakeResponse41, SSLRequest, or (unsure) HandshakeResponse320. */
export function probeLogin(bytes: Uint8Array, payload: number, end: number, length: number): ProbeVerdict {
  if (length < 6 || length > 0x10000) return PROBE_NO;
  if (end - payload < 2) return PROBE_MORE;
  const capabilities = (bytes[payload] as number) | ((bytes[payload + 1] as number) << 8);
  if ((capabilities & c.CLIENT_PROTOCOL_41) === 0) return probeLogin320(bytes, payload, end, length);
  if (length < RESPONSE_BYTES_MIN) return PROBE_NO;
  if (end - payload < RESPONSE_BYTES_MIN) return PROBE_MORE;
  // 19 reserved bytes; the four behind them are MariaDB's.
  for (let i = 9; i < 28; i++) if (bytes[payload + i] !== 0) return PROBE_NO;
  if (length === RESPONSE_BYTES_MIN) return (capabilities & c.CLIENT_SSL) !== 0 ? PROBE_CERTAIN : PROBE_NO;
  return probeUser(bytes, payload + RESPONSE_BYTES_MIN, Math.min(end, payload + length)) ? PROBE_CERTAIN : PROBE_NO;
}

function probeLogin320(bytes: Uint8Array, payload: number, end: number, length: number): ProbeVerdict {
  const user = payload + 5;
  const limit = Math.min(end, payload + length);
  return user < limit && probeUser(bytes, user, limit) ? PROBE_UNSURE : PROBE_NO;
}

/** A NUL-terminated name, as far as it is there. */
function probeUser(bytes: Uint8Array, start: number, limit: number): boolean {
  const stop = Math.min(limit, start + USER_BYTES_MAX);
  let at = start;
  while (at < stop && (bytes[at] as number) >= 0x20) at++;
  return at === limit || bytes[at] === 0;
}
