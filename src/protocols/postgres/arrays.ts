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
  const text = new ElementReader(cursor, sizes, element, encoding).level(0);
  if (text === undefined || cursor.failed || cursor.remaining() > 0) return undefined;
  return custom ? `${bounds}=${text}` : text;
}

class ElementReader {
  private readonly cursor: Cursor;
  private readonly sizes: readonly number[];
  private readonly element: number;
  private readonly encoding: TextEncodingName;
  private charactersLeft: number = LITERAL_CHARACTERS_MAX;

  constructor(cursor: Cursor, sizes: readonly number[], element: number, encoding: TextEncodingName) {
    this.cursor = cursor;
    this.sizes = sizes;
    this.element = element;
    this.encoding = encoding;
  }

  /** The literal of the array at this depth; `undefined` when it can't be read or is too long. */
  level(depth: number): string | undefined {
    const parts: string[] = [];
    const size = this.sizes[depth] as number;
    for (let i = 0; i < size; i++) {
      const part = depth + 1 < this.sizes.length ? this.level(depth + 1) : this.value();
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return `{${parts.join(',')}}`;
  }

  private value(): string | undefined {
    const { cursor, element } = this;
    const length = cursor.i32be();
    const start = cursor.pos;
    // Past the end every length reads as 0, which would make elements out of nothing.
    if (cursor.failed || length < -1 || (length > 0 && !cursor.skip(length))) return undefined;
    const value = length === -1 ? null : decodeScalar(cursor.bytes, start, start + length, element, this.encoding);
    if (value === undefined) return undefined;
    const text = value === null ? 'NULL' : quoted(value, element);
    this.charactersLeft -= text.length + 1;
    return this.charactersLeft < 0 ? undefined : text;
  }
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
