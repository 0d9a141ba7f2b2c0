/** Lengths of the tokens of TDS 4.2 and 5.0, and the shape of the rows that their formats announce. */
import type { Cursor } from '../../base/cursor.ts';
import * as c from './constants.ts';
import type { Dialect } from './dialect.ts';
import { RowShape } from './shape.ts';
import { readFormats, readType, u16, u32 } from './sybase-types.ts';

/** Not a token. Larger numbers are whole lengths in bytes. */
export const LENGTH_NONE = 0;
/** The length comes first, in one, two or four bytes. */
export const LENGTH_BYTE: number = -1;
export const LENGTH_SHORT: number = -2;
export const LENGTH_WORD: number = -4;

const LENGTHS: ReadonlyMap<number, number> = new Map([
  [c.TOKEN5_ORDER2, LENGTH_WORD],
  [c.TOKEN5_LANGUAGE, LENGTH_WORD],
  [c.TOKEN5_DYNAMIC2, LENGTH_WORD],
  [c.TOKEN5_MESSAGE, LENGTH_BYTE],
  [c.TOKEN5_LOGOUT, 2],
  [c.TOKEN5_PROCEDURE_ID, 9],
  [c.TOKEN_OFFSET, 5],
  [c.TOKEN5_CURSOR_CLOSE, LENGTH_SHORT],
  [c.TOKEN5_CURSOR_DELETE, LENGTH_SHORT],
  [c.TOKEN5_CURSOR_FETCH, LENGTH_SHORT],
  [c.TOKEN5_CURSOR_INFO, LENGTH_SHORT],
  [c.TOKEN5_CURSOR_OPEN, LENGTH_SHORT],
  [c.TOKEN5_CURSOR_UPDATE, LENGTH_SHORT],
  [c.TOKEN5_CURSOR_DECLARE, LENGTH_SHORT],
  [c.TOKEN5_CURSOR_INFO2, LENGTH_SHORT],
  [c.TOKEN5_CURSOR_INFO3, LENGTH_SHORT],
  [c.TOKEN4_COLUMN_NAMES, LENGTH_SHORT],
  [c.TOKEN_TABLE_NAME, LENGTH_SHORT],
  [c.TOKEN_COLUMN_INFO, LENGTH_SHORT],
  [c.TOKEN5_OPTION_COMMAND, LENGTH_SHORT],
  [c.TOKEN4_ALT_NAMES, LENGTH_SHORT],
  [c.TOKEN_ORDER, LENGTH_SHORT],
  [c.TOKEN_ERROR, LENGTH_SHORT],
  [c.TOKEN_INFO, LENGTH_SHORT],
  [c.TOKEN_RETURN_VALUE, LENGTH_SHORT],
  [c.TOKEN_LOGIN_ACK, LENGTH_SHORT],
  [c.TOKEN5_CONTROL, LENGTH_SHORT],
  [c.TOKEN5_KEY, LENGTH_SHORT],
  [c.TOKEN5_CAPABILITY, LENGTH_SHORT],
  [c.TOKEN_ENV_CHANGE, LENGTH_SHORT],
  [c.TOKEN5_EXTENDED_ERROR, LENGTH_SHORT],
  [c.TOKEN5_DBRPC, LENGTH_SHORT],
  [c.TOKEN5_DBRPC2, LENGTH_SHORT],
  [c.TOKEN5_DYNAMIC, LENGTH_SHORT],
]);

/** Bytes of the token with its type byte when they are always the same, else a `LENGTH_*`. */
export function sybaseLength(token: number): number {
  return LENGTHS.get(token) ?? LENGTH_NONE;
}

/** Shape of the rows or parameters that a format token announces. */
export function readSybaseShape(token: number, cursor: Cursor, dialect: Dialect): RowShape | undefined {
  if (token === c.TOKEN4_COLUMN_FORMATS) return oldShape(cursor, dialect);
  const wide = token === c.TOKEN5_ROW_FORMAT2 || token === c.TOKEN5_PARAMETER_FORMAT2;
  const isRow = token === c.TOKEN5_ROW_FORMAT || token === c.TOKEN5_ROW_FORMAT2;
  const formats = readFormats(cursor, dialect, wide, isRow);
  return formats === undefined ? undefined : RowShape.of(formats.types);
}

/** TDS_COLFMT: user type and type of each column, without a count. */
function oldShape(cursor: Cursor, dialect: Dialect): RowShape | undefined {
  const shape = new RowShape();
  while (cursor.remaining() > 0 && !cursor.failed) {
    const type = readType(cursor, dialect, u32(cursor, dialect), true);
    if (type !== undefined) shape.add(type.kind, type.size);
  }
  return cursor.failed ? undefined : shape;
}

/** Length of a counted token at the cursor, which then stands behind it; -1 when the token has none. */
export function readCount(token: number, cursor: Cursor, dialect: Dialect): number {
  switch (sybaseLength(token)) {
    case LENGTH_BYTE:
      return cursor.u8();
    case LENGTH_SHORT:
      return u16(cursor, dialect);
    case LENGTH_WORD:
      return u32(cursor, dialect);
    default:
      return -1;
  }
}
