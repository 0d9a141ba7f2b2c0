/**
 * Bind values by type and format. The binary formats are those of the server's send and receive functions
 * (src/backend/utils/adt); what is malformed or not known is given as hexadecimal, never guessed.
 */
import { decodeText, type TextEncodingName, toHex } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import { beginningOf, type LongBytes, sha256 } from '../sdk/long.ts';
import { decodeArray } from './arrays.ts';
import { decodeScalar } from './scalars.ts';
import * as type from './types.ts';

export const FORMAT_TEXT = 0;
export const FORMAT_BINARY = 1;

/** Decodes `bytes[start, end)`, a value that is not NULL. `bytesMax`: longer ones keep their beginning and a hash. */
export function decodeValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  oid: number,
  format: number,
  encoding: TextEncodingName,
  bytesMax: number,
): BindValue {
  const binary = format === FORMAT_BINARY;
  if (end - start > bytesMax) {
    return cutValue(bytes, start, start + bytesMax, oid, binary, encoding, end - start, sha256(bytes, start, end));
  }
  if (!binary) return fromText(decodeText(bytes, start, end, encoding), oid);
  if (type.elementOf(oid) !== undefined) {
    return decodeArray(bytes, start, end, encoding) ?? raw(bytes, start, end, oid);
  }
  return decodeScalar(bytes, start, end, oid, encoding) ?? raw(bytes, start, end, oid);
}

function raw(bytes: Uint8Array, start: number, end: number, oid: number): BindValue {
  return { type: type.typeName(oid), hex: toHex(bytes, start, end) };
}

/** Types whose binary format is their text. */
function isText(oid: number): boolean {
  switch (oid) {
    case type.OID_NAME:
    case type.OID_TEXT:
    case type.OID_JSON:
    case type.OID_XML:
    case type.OID_UNKNOWN:
    case type.OID_BPCHAR:
    case type.OID_VARCHAR:
      return true;
    default:
      return false;
  }
}

/** A value of which `bytes[start, end)` is the first part; `length` and `hash` are the whole one's. */
function cutValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  oid: number,
  binary: boolean,
  encoding: TextEncodingName,
  length: number,
  hash: string,
): BindValue {
  const name = type.typeName(oid);
  if (binary && !isText(oid)) return { type: name, hex: toHex(bytes, start, end), length, sha256: hash };
  return { type: name, text: beginningOf(bytes, start, end, encoding), length, sha256: hash };
}

/** A value that came in pieces. */
export function valueFrom(value: LongBytes, oid: number, format: number, encoding: TextEncodingName): BindValue {
  const { kept, keptBytes, lengthBytes } = value;
  const hash = value.sha256();
  if (hash === undefined) return decodeValue(kept, 0, keptBytes, oid, format, encoding, keptBytes);
  return cutValue(kept, 0, keptBytes, oid, format === FORMAT_BINARY, encoding, lengthBytes, hash);
}

/** A value in text format: a number or boolean where that says exactly the same, else the text as sent. */
function fromText(text: string, oid: number): BindValue {
  switch (oid) {
    case type.OID_INT2:
    case type.OID_INT4:
    case type.OID_INT8:
    case type.OID_OID:
    case type.OID_FLOAT4:
    case type.OID_FLOAT8:
      return exactNumber(text);
    case type.OID_BOOL:
      return booleanOf(text) ?? text;
    case type.OID_BYTEA:
      return /^\\x(?:[0-9a-f]{2})*$/i.test(text) ? { type: 'bytea', hex: text.slice(2).toLowerCase() } : text;
    default:
      return text;
  }
}

/** A double holds every decimal of up to 15 significant digits so that it can be told from all others. */
const DIGITS_MAX = 15;

function exactNumber(text: string): BindValue {
  const match = /^[+-]?(\d*)(?:\.(\d*))?(?:e[+-]?\d{1,3})?$/i.exec(text);
  if (match === null) return text;
  const value = Number(text);
  if (!Number.isFinite(value) || Object.is(value, -0)) return text;
  if (String(value) === text) return value;
  const digits = `${match[1] ?? ''}${match[2] ?? ''}`.replace(/^0+/, '');
  return text !== '' && digits.length <= DIGITS_MAX && (value !== 0 || digits === '') && /\d/.test(text) ? value : text;
}

function booleanOf(text: string): boolean | undefined {
  switch (text.toLowerCase()) {
    case 't':
    case 'true':
    case 'y':
    case 'yes':
    case 'on':
    case '1':
      return true;
    case 'f':
    case 'false':
    case 'n':
    case 'no':
    case 'off':
    case '0':
      return false;
    default:
      return undefined;
  }
}
