/**
 * Cursors that a reply hands out: REF CURSORs among the out binds of a PL/SQL block, and implicit results. Only as much
 * of the reply's beginning is walked as leads to their numbers. Universal dialect: as thin drivers read it; packed
 * dialects: by the same order, where descriptions of queries have the sizes seen.
 */
import * as c from './constants.ts';
import { DIALECT_U, isNative, type TtcReader } from './reader.ts';
import { BIND_ARRAY, type BindType, descriptorShapes, TYPE_CURSOR } from './values.ts';

const DIRECTION_IN = 32;
const COLUMNS_MAX = 4096;
const RESULTS_MAX = 256;
const ARRAY_VALUES_MAX = 32_768;

/** Numbers of the cursors among out binds and implicit results; the reader stands at the reply's first byte. */
export function readReturnedCursors(
  reader: TtcReader,
  fieldVersion: number,
  binds: readonly BindType[],
  directions: readonly number[] | undefined,
): number[] {
  const ids: number[] = [];
  if (isNative(reader.dialect)) return ids;
  if (reader.peek() === c.MSG_IO_VECTOR) skipIoVector(reader);
  if (reader.peek() === c.MSG_ROW) {
    reader.skip(1);
    for (const [index, bind] of binds.entries()) {
      if (reader.failed) return ids;
      if (directions?.[index] === DIRECTION_IN) continue;
      if (bind.type === TYPE_CURSOR) ids.push(...readCursor(reader, fieldVersion));
      else skipValue(reader, bind);
      reader.ub(4); // length before it was cut, and the like
    }
  }
  if (reader.peek() === c.MSG_IMPLICIT_RESULTS) readImplicit(reader, fieldVersion, ids);
  return ids.filter((id) => id > 0);
}

/** Directions of the binds, which are known already. */
function skipIoVector(reader: TtcReader): void {
  reader.skip(2);
  const low = reader.ub(2);
  const count = reader.ub(4) * 256 + low;
  reader.ub(4);
  reader.ub(2);
  for (let i = 0; i < 2; i++) reader.skip(reader.ub(2));
  reader.skip(count);
}

function skipValue(reader: TtcReader, bind: BindType): void {
  const count = (bind.flags & BIND_ARRAY) === 0 ? 1 : Math.min(reader.ub(4), ARRAY_VALUES_MAX);
  for (let i = 0; i < count && !reader.failed; i++) reader.clr();
}

function readCursor(reader: TtcReader, fieldVersion: number): number[] {
  if (reader.u8() === 0) return [];
  skipDescription(reader, fieldVersion);
  const id = reader.ub(2);
  return reader.failed ? [] : [id];
}

function readImplicit(reader: TtcReader, fieldVersion: number, ids: number[]): void {
  reader.skip(1);
  const count = Math.min(reader.ub(4), RESULTS_MAX);
  for (let i = 0; i < count && !reader.failed; i++) {
    reader.skip(reader.u8());
    skipDescription(reader, fieldVersion);
    const id = reader.ub(2);
    if (!reader.failed) ids.push(id);
  }
}

/** A description of columns, behind its message type and header. */
function skipDescription(reader: TtcReader, fieldVersion: number): void {
  reader.ub(4);
  const columns = Math.min(reader.ub(4), COLUMNS_MAX);
  if (columns > 0) reader.skip(1);
  for (let i = 0; i < columns && !reader.failed; i++) skipColumn(reader, fieldVersion);
  reader.dlc();
  for (let i = 0; i < (fieldVersion >= 4 ? 4 : fieldVersion >= 3 ? 2 : 0); i++) reader.ub(4);
  if (fieldVersion >= 5) reader.dlc();
}

function skipColumn(reader: TtcReader, fieldVersion: number): void {
  reader.skip(4);
  reader.ub(4);
  reader.ub(4);
  if (reader.dialect === DIALECT_U) {
    reader.ub(8);
    reader.dlc();
    for (let i = 0; i < 2; i++) reader.ub(2);
    reader.skip(1);
    for (let i = 0; i < (fieldVersion >= 8 ? 2 : 1); i++) reader.ub(4);
  } else {
    const [shape] = descriptorShapes(reader.dialect, fieldVersion);
    reader.skip((shape?.gap ?? 0) + 5 + (shape?.tail ?? 0));
  }
  reader.skip(2); // may be null, length of its name
  for (let i = 0; i < 3; i++) reader.dlc(); // name, schema, type
  if (fieldVersion >= 3) reader.ub(2);
  if (fieldVersion >= 6) reader.ub(4);
  if (fieldVersion >= 17) for (let i = 0; i < 2; i++) reader.dlc(); // domain
  if (fieldVersion >= 20) skipAnnotations(reader);
  if (fieldVersion >= 24) {
    reader.ub(4); // dimensions of a vector, its format and flags
    reader.skip(2);
  }
}

function skipAnnotations(reader: TtcReader): void {
  const count = reader.ub(4);
  if (count === 0) return;
  reader.skip(1);
  const pairs = Math.min(reader.ub(4), COLUMNS_MAX);
  reader.skip(1);
  for (let i = 0; i < pairs && !reader.failed; i++) {
    for (let k = 0; k < 2; k++) reader.dlc();
    reader.ub(4);
  }
  reader.ub(4);
}
