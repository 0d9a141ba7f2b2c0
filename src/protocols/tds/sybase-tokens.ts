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

/** Tokens whose number does not tell their length as those of all others do. */
const EXCEPTIONS: ReadonlyMap<number, number> = new Map([
  [c.TOKEN5_CURSOR_DECLARE3, LENGTH_WORD],
  [c.TOKEN5_KEY, LENGTH_SHORT],
]);

/**
 * Bytes of the token with its type byte when they are always the same, else a `LENGTH_*`. Bits of its number tell (TDS 5.0
 * "Token Data Stream Definition"), so tokens that are not known can be passed over.
 */
export function sybaseLength(token: number): number {
  const exception = EXCEPTIONS.get(token);
  if (exception !== undefined) return exception;
  // xx11nnxx: 1, 2, 4 or 8 bytes.
  if ((token & 0x30) === 0x30) return 1 + (1 << ((token >> 2) & 3));
  switch (token & 0xf0) {
    case 0x80:
    case 0xa0:
    case 0xe0:
      return LENGTH_SHORT;
    case 0x20:
    case 0x60:
      // 0x1000xx: four bytes of length; 0x1001xx and 0x1010xx: one.
      return (token & 0x0c) === 0 ? LENGTH_WORD : LENGTH_BYTE;
    default:
      return LENGTH_NONE;
  }
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
