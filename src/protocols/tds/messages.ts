/** ERROR and INFO (MS-TDS §2.2.7.10 and .13), TDS_ERROR, TDS_INFO and TDS_EED (TDS 5.0). */

import type { Cursor } from '../../base/cursor.ts';
import { readChars } from './collation.ts';
import { TOKEN_ERROR, TOKEN5_EXTENDED_ERROR } from './constants.ts';
import { type Dialect, FAMILY_SYBASE } from './dialect.ts';
import { u16, u32 } from './sybase-types.ts';

/** Up to this class a message only informs. */
const INFO_CLASS_MAX = 10;

export interface ServerMessage {
  /** The message's number, in decimal. */
  readonly code: string;
  readonly text: string;
  readonly isError: boolean;
}

/** `undefined` when the token is cut. */
export function readMessage(token: number, cursor: Cursor, dialect: Dialect): ServerMessage | undefined {
  const number = dialect.family === FAMILY_SYBASE ? u32(cursor, dialect) | 0 : cursor.i32le();
  cursor.skip(1); // the state: where in the server it was raised
  const severity = cursor.u8();
  if (token === TOKEN5_EXTENDED_ERROR) {
    cursor.skip(cursor.u8()); // SQLSTATE; the number tells more
    cursor.skip(1 + 2);
  }
  const length = dialect.family === FAMILY_SYBASE ? u16(cursor, dialect) : cursor.u16le();
  const width = dialect.encoding === 'utf16le' ? 2 : 1;
  const text = readChars(cursor, length * width, dialect.encoding);
  if (cursor.failed) return undefined;
  const isError = token === TOKEN_ERROR || (token === TOKEN5_EXTENDED_ERROR && severity > INFO_CLASS_MAX);
  return { code: String(number), text: text.trimEnd(), isError };
}
