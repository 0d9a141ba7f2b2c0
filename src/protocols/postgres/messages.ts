/** Bodies of messages, read through a bounded cursor ("Message Formats", "Error and Notice Message Fields"). */
import type { Cursor } from '../../base/cursor.ts';
import type { TextEncodingName } from '../../base/text.ts';
import { HEADER_BYTES } from './wire.ts';

export interface ErrorFields {
  /** SQLSTATE. */
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** Fields C and M of an ErrorResponse; the cursor stands at its header. A cut message gives what is whole. */
export function readError(cursor: Cursor, encoding: TextEncodingName): ErrorFields {
  let code: string | undefined;
  let message: string | undefined;
  cursor.skip(HEADER_BYTES);
  for (let field = cursor.u8(); field !== 0; field = cursor.u8()) {
    const value = cursor.cstring(encoding);
    if (cursor.failed) break;
    if (field === FIELD_CODE) code = value;
    else if (field === FIELD_MESSAGE) message = value;
  }
  return { code, message };
}

const FIELD_CODE = 0x43;
const FIELD_MESSAGE = 0x4d;

export interface CompletionTag {
  /** The command, without its counts. */
  readonly command: string;
  /** Its last number; `undefined` where the command has none. */
  readonly rows: number | undefined;
}

/** Takes a command tag apart: `INSERT oid n`, `SELECT n`, `CREATE TABLE`. */
export function readTag(tag: string): CompletionTag {
  const match = /^([^0-9]*?)(?: (\d+))?(?: (\d+))?$/.exec(tag);
  if (match === null) return { command: tag, rows: undefined };
  const count = match[3] ?? match[2];
  const rows = count === undefined ? undefined : Number(count);
  return { command: match[1] as string, rows: rows !== undefined && Number.isSafeInteger(rows) ? rows : undefined };
}
