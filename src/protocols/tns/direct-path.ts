/** Direct path load: rows go past SQL. The table and its columns, the bytes of rows, how it was ended. */
import { decodeText, type TextEncodingName } from '../../base/text.ts';
import * as c from './constants.ts';
import type { TtcReader } from './reader.ts';
import type { DirectPathCall } from './request.ts';

const KEYWORD_TABLE = 1;
const KEYWORD_SCHEMA = 3;
const KEYWORD_COLUMN = 4;
const KEYWORDS_MAX = 1024;
const OUTPUT_POINTERS = 6;

/** Reads one of the three calls behind its function header. What cannot be read is left out. */
export function readDirectPath(reader: TtcReader, fn: number, encoding: TextEncodingName): DirectPathCall {
  if (fn === c.FN_DIRECT_PATH_PREPARE) return readPrepare(reader, encoding);
  const nothing = { schema: undefined, table: undefined, columns: [], dataBytes: 0, operation: 0 };
  if (fn === c.FN_DIRECT_PATH_OPERATION) return { ...nothing, operation: reader.ub(4) };
  reader.ub(2); // cursor
  reader.pointer();
  return { ...nothing, dataBytes: reader.ub(4) };
}

function readPrepare(reader: TtcReader, encoding: TextEncodingName): DirectPathCall {
  reader.ub(4);
  reader.pointer();
  const count = Math.min(reader.ub(4), KEYWORDS_MAX);
  reader.pointer();
  reader.ub(2);
  for (let i = 0; i < OUTPUT_POINTERS; i++) reader.pointer();
  let schema: string | undefined;
  let table: string | undefined;
  const columns: string[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    reader.ub(2);
    reader.ub(2);
    const value = reader.clr();
    const keyword = reader.ub(2);
    const text = value === undefined || reader.failed ? '' : decodeText(value, 0, value.length, encoding);
    if (keyword === KEYWORD_SCHEMA) schema = text;
    else if (keyword === KEYWORD_TABLE) table = text;
    else if (keyword === KEYWORD_COLUMN) columns.push(text);
  }
  return { schema, table, columns, dataBytes: 0, operation: 0 };
}
