/** Rows of bind values: which binds have a value, and which values stand behind the others of their row. */
import type { BindValue } from '../../contracts/event.ts';
import { MSG_ROW } from './constants.ts';
import { VALUES_MAX } from './limits.ts';
import type { TtcReader } from './reader.ts';
import { BIND_ARRAY, type BindType, isImage, isLong, isOpaque, readValue } from './values.ts';

/** What a driver says of a value whose size it does not know. */
const UNLIMITED_BYTES = 0x7fffffff;

/**
 * Values longer than a string may be stand behind the others of their row in SQL. Drivers judge that by different
 * sizes: the one that was declared, or for LONG, JSON and vectors none. The first rule under which all values are of
 * their types holds.
 */
const RULES: readonly ((bind: BindType, limit: number) => boolean)[] = [
  (bind, limit) => exceeds(bind, limit) && !isImage(bind) && !(isLong(bind) && bind.maxBytes === UNLIMITED_BYTES),
  (bind, limit) => exceeds(bind, limit) && !isImage(bind),
  exceeds,
  () => false,
];

function exceeds(bind: BindType, limit: number): boolean {
  return (bind.flags & BIND_ARRAY) === 0 && bind.maxBytes > limit;
}

/**
 * The bind rows up to the end of the message, in order of rows. `absent` tells the binds that have no value at all,
 * `moveLong` the longest value that stays in its place.
 */
export function readRows(
  reader: TtcReader,
  binds: readonly BindType[],
  absent: (index: number) => boolean,
  moveLong: number,
): BindValue[] {
  const present = binds.filter((_, index) => !absent(index));
  const moves = present.some((bind) => exceeds(bind, moveLong));
  const values: BindValue[] = [];
  while (reader.remaining() > 0 && !reader.failed && reader.peek() === MSG_ROW && values.length < VALUES_MAX) {
    reader.skip(1);
    const row = moves ? readByRules(reader, present, moveLong) : readRow(reader, present, () => false);
    // A row that was cut short is no row.
    if (!reader.failed) values.push(...row);
  }
  return values;
}

/** A row under the rule that fits best; the reader ends where that one ends. */
function readByRules(reader: TtcReader, binds: readonly BindType[], moveLong: number): BindValue[] {
  const { bytes, pos, end } = reader;
  let best: BindValue[] | undefined;
  let least = Number.POSITIVE_INFINITY;
  let rule = RULES[0];
  for (const tried of RULES) {
    reader.resume(bytes, pos, end);
    const row = readRow(reader, binds, (bind) => tried(bind, moveLong));
    const misfits = reader.failed ? binds.length + 1 : misfitsOf(binds, row);
    if (misfits >= least) continue;
    least = misfits;
    best = row;
    rule = tried;
    if (misfits === 0) return row;
  }
  reader.resume(bytes, pos, end);
  return best === undefined ? [] : readRow(reader, binds, (bind) => rule?.(bind, moveLong) ?? false);
}

/** Values that are given in hexadecimal although their type has a reading. Arrays shift what follows: not counted. */
function misfitsOf(binds: readonly BindType[], row: readonly BindValue[]): number {
  if (row.length !== binds.length) return 0;
  let misfits = 0;
  for (const [index, bind] of binds.entries()) {
    const value = row[index];
    if (typeof value === 'object' && value !== null && 'hex' in value && !isOpaque(bind)) misfits++;
  }
  return misfits;
}

function readRow(reader: TtcReader, binds: readonly BindType[], moved: (bind: BindType) => boolean): BindValue[] {
  const values: BindValue[] = [];
  const late: (readonly [at: number, bind: BindType])[] = [];
  for (const bind of binds) {
    if (moved(bind)) {
      late.push([values.length, bind]);
      values.push(null);
    } else if (!reader.failed) readValue(reader, bind, values);
  }
  for (const [at, bind] of late) {
    const one: BindValue[] = [];
    if (!reader.failed) readValue(reader, bind, one);
    values[at] = one[0] ?? null;
  }
  return values;
}

/** Binds behind `RETURNING … INTO` only come back; they have a descriptor but no value. */
export function returningBinds(sql: string): number {
  const returning = RETURNING.exec(sql);
  if (returning === null) return 0;
  // One expression for both words would take time that grows with the cube of how often they stand there.
  let into = -1;
  for (const found of sql.slice(returning.index).matchAll(INTO)) into = returning.index + found.index;
  if (into < 0 || sql.indexOf(';', into) >= 0) return 0;
  return sql.slice(into).match(BIND)?.length ?? 0;
}

const RETURNING = /\breturn(?:ing)?\b/i;
const INTO = /\binto\b/gi;
const BIND = /:\s*(?:\w+|"[^"]+")/g;
