/**
 * Keys under which the rows of a segment's small tables are found: a field, and a value as it is compared, in lower
 * case. The dictionary beside a segment holds them (`key-table.ts`), the filter of a segment their hashes (`filter.ts`).
 */
import { isIP, SocketAddress } from 'node:net';

/**
 * Fields of the rows that a value is looked for in. `clientOther`, `serverOther`: addresses recorded in another spelling
 * than the shortest, by the shortest. The order is part of the file format.
 */
export const KEY_FIELDS = [
  'user',
  'effective',
  'osuser',
  'host',
  'client',
  'clientOther',
  'server',
  'serverOther',
  'system',
  'program',
  'db',
  'session',
  'sensor',
  'kind',
  'call',
  'op',
  'operations',
  'object',
  'procedure',
  'fingerprint',
  'rule',
  'action',
] as const;
export type KeyField = (typeof KEY_FIELDS)[number];

export function isKeyField(field: string): field is KeyField {
  return KEY_FIELDS.some((each) => each === field);
}

export interface SearchKey {
  readonly field: KeyField;
  readonly value: string;
}

/** A key, and the rows (ascending) of the table that its field belongs to. */
export interface KeyRows {
  readonly key: Uint8Array;
  readonly rows: readonly number[];
}

/** Whether a text is in a key as it is: UTF-8 has no lone surrogates. */
export function isUtf8(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text;
}

/** The field's number, then the value in UTF-8. Keys are in order of these bytes. */
export function keyBytes({ field, value }: SearchKey): Buffer {
  const bytes = Buffer.allocUnsafe(1 + Buffer.byteLength(value));
  bytes[0] = KEY_FIELDS.indexOf(field);
  bytes.write(value, 1, 'utf8');
  return bytes;
}

/** The only spelling of an IP address that compares equal to all others; `undefined` for anything else. */
export function shortestAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 0) return undefined;
  if (family === IPV4) return text;
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  return MAPPED_IPV4.exec(address)?.[1] ?? address;
}

const IPV4 = 4;
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;
