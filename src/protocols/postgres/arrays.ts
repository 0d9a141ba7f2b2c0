/** Arrays in binary format (array_send), written as PostgreSQL writes them: `{1,NULL,"a b"}`. */
import { Cursor } from '../../base/cursor.ts';
import type { TextEncodingName } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import { decodeScalar } from './scalars.ts';
import { OID_BYTEA } from './types.ts';

/** The server's MAXDIM. */
const DIMENSIONS_MAX = 6;
/** Numbers of a few bytes can have thousands of digits; a literal longer than this is left as bytes. */
const LITERAL_CHARACTERS_MAX = 16 * 1024;

/** The array literal; `undefined` when malformed or of an element type that is not known. */
export function decodeArray(
  bytes: Uint8Array,
  start: number,
  end: number,
  encoding: TextEncodingName,
): string | undefined {
  const cursor = new Cursor().reset(bytes, start, end);
  const dimensions = cursor.i32be();
  cursor.skip(4);
  const element = cursor.u32be();
  if (cursor.failed || dimensions < 0 || dimensions > DIMENSIONS_MAX) return undefined;
  const sizes: number[] = [];
  let bounds = '';
  let custom = false;
  for (let i = 0; i < dimensions; i++) {
    const size = cursor.i32be();
    const lower = cursor.i32be();
    // Every element takes at least its length word, so a count beyond the bytes is a lie.
    if (cursor.failed || size < 1 || size > end - start) return undefined;
    sizes.push(size);
    bounds += `[${lower}:${lower + size - 1}]`;
    if (lower !== 1) custom = true;
  }
  if (dimensions === 0) return cursor.remaining() === 0 ? '{}' : undefined;
  const text = readLevel(cursor, sizes, 0, element, encoding);
  if (text === undefined || cursor.failed || cursor.remaining() > 0) return undefined;
  if (text.length > LITERAL_CHARACTERS_MAX) return undefined;
  return custom ? `${bounds}=${text}` : text;
}

function readLevel(
  cursor: Cursor,
  sizes: readonly number[],
  level: number,
  element: number,
  encoding: TextEncodingName,
): string | undefined {
  const parts: string[] = [];
  const size = sizes[level] as number;
  for (let i = 0; i < size; i++) {
    const part =
      level + 1 < sizes.length
        ? readLevel(cursor, sizes, level + 1, element, encoding)
        : readElement(cursor, element, encoding);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return `{${parts.join(',')}}`;
}

function readElement(cursor: Cursor, element: number, encoding: TextEncodingName): string | undefined {
  const length = cursor.i32be();
  if (length === -1) return 'NULL';
  const start = cursor.pos;
  // Past the end every length reads as 0, which would make elements out of nothing.
  if (cursor.failed || length < 0 || !cursor.skip(length)) return undefined;
  const value = decodeScalar(cursor.bytes, start, start + length, element, encoding);
  return value === undefined ? undefined : quoted(value, element);
}

function quoted(value: BindValue, element: number): string {
  if (element === OID_BYTEA && typeof value === 'object' && value !== null && 'hex' in value) {
    return `"\\\\x${value.hex}"`;
  }
  if (typeof value === 'boolean') return value ? 't' : 'f';
  const text = String(value);
  const plain = text !== '' && !/[\s{},"\\]/.test(text) && text.toUpperCase() !== 'NULL';
  return plain ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
