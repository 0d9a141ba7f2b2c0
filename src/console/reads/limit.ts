/**
 * Rights by database: somebody may see the records of some databases only. What such a person is shown, counted or offered
 * is made from those records alone (`source.ts` adds the condition to every question), and numbers that would tell how
 * many others there are leave the console sealed.
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { valuesFilter } from '../../query/build.ts';
import type { Filter } from '../../query/filter.ts';

export interface Limit {
  /** Names of the databases, compared as the query language does, case aside. Never empty. */
  readonly databases: readonly string[];
  /** 16 bytes in hexadecimal, by which positions are sealed; the same for everybody. */
  readonly key: string;
}

/** Records of these databases; those that name none are nobody's in particular and not among them. */
export function limitFilter({ databases }: Limit): Filter {
  return valuesFilter('db', databases);
}

/** Whether a record of a database, if it names one, may be seen. As `limitFilter`. */
export function isWithin({ databases }: Limit, database: string | undefined): boolean {
  const name = database?.toLowerCase();
  return name !== undefined && databases.some((one) => one.toLowerCase() === name);
}

/** Whether what was made with rights to `made` (`undefined`: all) says nothing that `limit` keeps back. */
export function covers(limit: Limit | undefined, made: readonly string[] | undefined): boolean {
  if (limit === undefined) return true;
  return made?.every((name) => isWithin(limit, name)) ?? false;
}

const BLOCK_BYTES = 16;
const POSITION_BYTES = 8;
/** Zero bytes behind the position: what does not have them was not sealed here. */
const CHECK_BYTES = 4;
const CIPHER = 'aes-128-ecb';

/**
 * A position (of arrival, in the whole store) that tells its holder nothing, not even whether it has changed: one block,
 * a part of which is random.
 */
export function sealed({ key }: Limit, position: number): string {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.writeBigUInt64BE(BigInt(position));
  randomFillSync(block, POSITION_BYTES + CHECK_BYTES);
  const cipher = createCipheriv(CIPHER, Buffer.from(key, 'hex'), null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]).toString('base64url');
}

/** `undefined` for what was not sealed by this key. */
export function unsealed({ key }: Limit, text: string): number | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== BLOCK_BYTES) return undefined;
  const cipher = createDecipheriv(CIPHER, Buffer.from(key, 'hex'), null).setAutoPadding(false);
  const block = Buffer.concat([cipher.update(bytes), cipher.final()]);
  const isOurs = block.subarray(POSITION_BYTES, POSITION_BYTES + CHECK_BYTES).every((byte) => byte === 0);
  const position = Number(block.readBigUInt64BE());
  return isOurs && Number.isSafeInteger(position) ? position : undefined;
}
