/**
 * Ids that follow from what was seen, so that every replay of the same packets, on any number of cores, gives the same.
 *
 * A session is named by its two ends and the time of its first packet (`base/session-id.ts`); a record by its session
 * and its place in it.
 */
import { createHash } from 'node:crypto';

/** Two hexadecimal digits by byte. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** 128 bits, hexadecimal: the session's id, then the record's number in it. */
export function recordId(session: string, ordinal: number): string {
  return session + (hex(ordinal >>> 24) + hex(ordinal >>> 16) + hex(ordinal >>> 8) + hex(ordinal));
}

function hex(byte: number): string {
  return HEX[byte & 0xff] as string;
}

/** 128 bits for a record outside any session, from what makes it unique. */
export function lossId(sensor: string, reason: string, timeUs: number, ordinal: number): string {
  return createHash('sha256').update(`loss ${sensor} ${reason} ${timeUs} ${ordinal}`).digest('hex').slice(0, 32);
}
