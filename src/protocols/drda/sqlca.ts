/** SQLCAGRP (DRDA volume 1, "SQL Communications Area"): what came of a statement. */
import type { Cursor } from '../../base/cursor.ts';
import { decodeCcsid } from './ccsid.ts';
import type { Typdef } from './typdef.ts';

/** Group or string is null. */
export const NULL = 0xff;
export const SQLCODE_END_OF_DATA = 100;
/** Level of the SQL application manager at which the layout of the group changed. */
export const SQLAM_WITH_DIAGNOSTICS = 7;
export const SQLERRD_BYTES = 24;
export const SQLWARN_BYTES = 11;
const RDB_NAME_FIXED_BYTES = 18;
/** Separates the pieces of a message: Derby's, and DB2's (0xFF) as any encoding may show it. */
const SEPARATOR = '\u0014';
const OTHER_SEPARATORS = ['\u00ff', '\ufffd'];

export class Sqlca {
  code = 0;
  state = '';
  /** Product that set it: `CSS10140`, `SQL11055`. */
  product = '';
  rows = 0;
  /** The words the server would put into its message. */
  tokens = '';
}

/** Reads the group. `undefined`: null (success, nothing to say), or unreadable (`cursor.failed`). */
export function readSqlca(cursor: Cursor, typdef: Typdef, sqlam: number): Sqlca | undefined {
  if (cursor.u8() === NULL || cursor.failed) return undefined;
  const sqlca = new Sqlca();
  sqlca.code = typdef.littleEndian ? cursor.i32le() : cursor.i32be();
  sqlca.state = text(cursor, 5, typdef);
  sqlca.product = text(cursor, 8, typdef);
  if (cursor.failed) return undefined;
  if (cursor.remaining() > 0 && cursor.u8() !== NULL) readExtension(cursor, sqlca, typdef, sqlam);
  return sqlca;
}

function readExtension(cursor: Cursor, sqlca: Sqlca, typdef: Typdef, sqlam: number): void {
  if (sqlam < SQLAM_WITH_DIAGNOSTICS) cursor.skip(RDB_NAME_FIXED_BYTES);
  cursor.skip(8);
  sqlca.rows = typdef.littleEndian ? cursor.i32le() : cursor.i32be();
  cursor.skip(SQLERRD_BYTES - 12 + SQLWARN_BYTES);
  if (sqlam >= SQLAM_WITH_DIAGNOSTICS) cursor.skip(cursor.u16be());
  const mixed = message(cursor, typdef.mbcs);
  const single = message(cursor, typdef.sbcs);
  sqlca.tokens = mixed || single;
}

function message(cursor: Cursor, ccsid: number): string {
  const length = cursor.u16be();
  const start = cursor.pos;
  if (length === 0 || !cursor.skip(length)) return '';
  let said = decodeCcsid(cursor.bytes, start, start + length, ccsid);
  for (const other of OTHER_SEPARATORS) said = said.replaceAll(other, SEPARATOR);
  return said.split(SEPARATOR).filter(Boolean).join(', ');
}

function text(cursor: Cursor, length: number, typdef: Typdef): string {
  const start = cursor.pos;
  return cursor.skip(length) ? decodeCcsid(cursor.bytes, start, start + length, typdef.sbcs).trim() : '';
}

/** Whether it reports a failure. Warnings and the end of data do not. */
export function isError(sqlca: Sqlca): boolean {
  return sqlca.code < 0;
}
