/**
 * Bind values of the binary protocol: MySQL Internals "Binary Protocol Value". Exact: what a JavaScript number cannot
 * hold stays decimal text. Values over the cap keep their first part, true length and SHA-256.
 */

import { isUtf8 } from 'node:buffer';
import type { Cursor } from '../../base/cursor.ts';
import { decodeText, type TextEncodingName, toHex } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import { beginningOf, characterEnd, type LongBytes, sha256 } from '../sdk/long.ts';
import { doubleValue, integerValue, singleValue } from '../sdk/numbers.ts';
import {
  BYTES_TYPES,
  TYPE_DATE,
  TYPE_DATETIME,
  TYPE_DOUBLE,
  TYPE_FLOAT,
  TYPE_INT24,
  TYPE_LONG,
  TYPE_LONGLONG,
  TYPE_NULL,
  TYPE_SHORT,
  TYPE_TIME,
  TYPE_TIMESTAMP,
  TYPE_TINY,
  TYPE_UNSIGNED,
  TYPE_YEAR,
} from './constants.ts';
import { lenenc } from './messages.ts';

/**
 * One value of the given wire type (type byte, unsigned flag in the second byte). `undefined`, with the cursor failed,
 * when the type is unknown (its length is too) or the bytes end early.
 */
export function readValue(
  cursor: Cursor,
  wireType: number,
  encoding: TextEncodingName,
  valueBytesMax: number,
): BindValue | undefined {
  const type = wireType & 0xff;
  const unsigned = (wireType & TYPE_UNSIGNED) !== 0;
  switch (type) {
    case TYPE_NULL:
      return null;
    case TYPE_TINY:
      return unsigned ? cursor.u8() : (cursor.u8() << 24) >> 24;
    case TYPE_SHORT:
    case TYPE_YEAR:
      return unsigned ? cursor.u16le() : (cursor.u16le() << 16) >> 16;
    case TYPE_LONG:
    case TYPE_INT24:
      return unsigned ? cursor.u32le() : cursor.i32le();
    case TYPE_LONGLONG:
      return integerValue(unsigned ? cursor.u64le() : cursor.i64le());
    case TYPE_FLOAT:
      return singleValue(cursor.u32le());
    case TYPE_DOUBLE:
      return double(cursor);
    case TYPE_DATE:
    case TYPE_DATETIME:
    case TYPE_TIMESTAMP:
      return dateTime(cursor, type === TYPE_DATE);
    case TYPE_TIME:
      return time(cursor);
    default:
      return BYTES_TYPES.has(type) ? bytesValue(cursor, type, encoding, valueBytesMax) : unknown(cursor);
  }
}

function unknown(cursor: Cursor): undefined {
  cursor.fail();
  return undefined;
}

function double(cursor: Cursor): number | string {
  const low = cursor.u32le();
  return doubleValue(cursor.u32le(), low);
}

/** Lengths 0 (zero date), 4 (date), 7 (and time), 11 (and microseconds), 13 (and offset in minutes, MySQL 8.0.19). */
function dateTime(cursor: Cursor, dateOnly: boolean): string {
  const length = cursor.u8();
  if (length !== 0 && length !== 4 && length !== 7 && length !== 11 && length !== 13) cursor.fail();
  const year = length >= 4 ? cursor.u16le() : 0;
  const month = length >= 4 ? cursor.u8() : 0;
  const day = length >= 4 ? cursor.u8() : 0;
  let text = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  if (dateOnly && length <= 4) return text;
  text += length >= 7 ? ` ${clock(cursor.u8(), cursor.u8(), cursor.u8())}` : ' 00:00:00';
  if (length >= 11) text += `.${pad(cursor.u32le(), 6)}`;
  if (length === 13) text += offset((cursor.u16le() << 16) >> 16);
  return text;
}

/** Lengths 0 (zero), 8 (sign, days, time), 12 (and microseconds). */
function time(cursor: Cursor): string {
  const length = cursor.u8();
  if (length === 0) return '00:00:00';
  if (length !== 8 && length !== 12) cursor.fail();
  const sign = cursor.u8() === 0 ? '' : '-';
  const days = cursor.u32le();
  let text = sign + clock(days * 24 + cursor.u8(), cursor.u8(), cursor.u8());
  if (length === 12) text += `.${pad(cursor.u32le(), 6)}`;
  return text;
}

function clock(hours: number, minutes: number, seconds: number): string {
  return `${pad(hours, 2)}:${pad(minutes, 2)}:${pad(seconds, 2)}`;
}

function offset(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60), 2)}:${pad(size % 60, 2)}`;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function bytesValue(
  cursor: Cursor,
  type: number,
  encoding: TextEncodingName,
  valueBytesMax: number,
): BindValue | undefined {
  const length = lenenc(cursor);
  if (length < 0) return null;
  const start = cursor.pos;
  if (!cursor.skip(length)) return undefined;
  if (length <= valueBytesMax) return shortValue(type, cursor.bytes, start, cursor.pos, encoding);
  return cutValue(
    type,
    cursor.bytes,
    start,
    start + valueBytesMax,
    encoding,
    length,
    sha256(cursor.bytes, start, cursor.pos),
  );
}

function shortValue(
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  encoding: TextEncodingName,
): BindValue {
  if (isText(type, bytes, start, end, encoding)) return decodeText(bytes, start, end, encoding);
  return { type: typeName(type), hex: toHex(bytes, start, end) };
}

/** A value of which only `bytes[start, end)` was kept; `length` and `hash` are the whole one's. */
function cutValue(
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  encoding: TextEncodingName,
  length: number,
  hash: string,
): BindValue {
  const cut = characterEnd(bytes, start, end, encoding);
  if (isText(type, bytes, start, cut, encoding)) {
    return { type: typeName(type), text: beginningOf(bytes, start, end, encoding), length, sha256: hash };
  }
  return { type: typeName(type), hex: toHex(bytes, start, end), length, sha256: hash };
}

/** A string that came in pieces; `type` without flags. */
export function valueFrom(value: LongBytes, type: number, encoding: TextEncodingName): BindValue {
  const { kept, keptBytes, lengthBytes } = value;
  const hash = value.sha256();
  if (hash === undefined) return shortValue(type, kept, 0, keptBytes, encoding);
  return cutValue(type, kept, 0, keptBytes, encoding, lengthBytes, hash);
}

function typeName(type: number): string {
  return BYTES_TYPES.get(type)?.name ?? String(type);
}

function isText(type: number, bytes: Uint8Array, start: number, end: number, encoding: TextEncodingName): boolean {
  if (BYTES_TYPES.get(type)?.text !== true) return false;
  return encoding !== 'utf8' || isUtf8(bytes.subarray(start, end));
}
