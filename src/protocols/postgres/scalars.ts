/** Single values in binary format. Every decoder gives `undefined` for bytes that are no value of its type. */
import { Cursor } from '../../base/cursor.ts';
import { type TextEncodingName, toHex } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import { doubleValue, integerValue, singleValue } from '../sdk/numbers.ts';
import { decodeDate, decodeInterval, decodeTime, decodeTimestamp, decodeTimetz } from './datetime.ts';
import { decodeNumeric } from './numeric.ts';
import * as type from './types.ts';

/** Decodes `bytes[start, end)`; `undefined`: malformed, or a type that is not known. */
export function decodeScalar(
  bytes: Uint8Array,
  start: number,
  end: number,
  oid: number,
  encoding: TextEncodingName,
): BindValue | undefined {
  const cursor = new Cursor().reset(bytes, start, end);
  const value = decodeOne(cursor, oid, encoding);
  return cursor.failed || cursor.remaining() > 0 ? undefined : value;
}

function decodeOne(cursor: Cursor, oid: number, encoding: TextEncodingName): BindValue | undefined {
  switch (oid) {
    case type.OID_BOOL:
      return cursor.u8() !== 0;
    case type.OID_INT2:
      return cursor.i16be();
    case type.OID_INT4:
      return cursor.i32be();
    case type.OID_INT8:
      return integerValue(cursor.i64be());
    case type.OID_OID:
    case type.OID_XID:
      return cursor.u32be();
    case type.OID_FLOAT4:
      return singleValue(cursor.u32be());
    case type.OID_FLOAT8:
      return doubleValue(cursor.u32be(), cursor.u32be());
    case type.OID_NUMERIC:
      return decodeNumeric(cursor);
    case type.OID_CHAR:
    case type.OID_NAME:
    case type.OID_TEXT:
    case type.OID_JSON:
    case type.OID_XML:
    case type.OID_UNKNOWN:
    case type.OID_BPCHAR:
    case type.OID_VARCHAR:
      return cursor.text(cursor.remaining(), encoding);
    case type.OID_BYTEA:
      return { type: 'bytea', hex: cursor.hex(cursor.remaining()) };
    case type.OID_JSONB:
      return cursor.u8() === JSONB_VERSION ? cursor.text(cursor.remaining(), encoding) : undefined;
    case type.OID_UUID:
      return decodeUuid(cursor);
    case type.OID_INET:
    case type.OID_CIDR:
      return decodeInet(cursor);
    case type.OID_DATE:
      return decodeDate(cursor);
    case type.OID_TIME:
      return decodeTime(cursor);
    case type.OID_TIMETZ:
      return decodeTimetz(cursor);
    case type.OID_TIMESTAMP:
      return decodeTimestamp(cursor, false);
    case type.OID_TIMESTAMPTZ:
      return decodeTimestamp(cursor, true);
    case type.OID_INTERVAL:
      return decodeInterval(cursor);
    default:
      return undefined;
  }
}

const JSONB_VERSION = 1;

function decodeUuid(cursor: Cursor): string {
  const hex = cursor.hex(16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** PGSQL_AF_INET and PGSQL_AF_INET6 on the wire. */
const FAMILY_IPV4 = 2;
const FAMILY_IPV6 = 3;

/** Family, prefix length, is-cidr flag, byte count, address. */
function decodeInet(cursor: Cursor): string | undefined {
  const family = cursor.u8();
  const prefix = cursor.u8();
  const cidr = cursor.u8() !== 0;
  const count = cursor.u8();
  const bitsMax = family === FAMILY_IPV4 ? 32 : family === FAMILY_IPV6 ? 128 : 0;
  if (bitsMax === 0 || count * 8 !== bitsMax || prefix > bitsMax) return undefined;
  const start = cursor.pos;
  if (!cursor.skip(count)) return undefined;
  const address =
    family === FAMILY_IPV4
      ? Array.from({ length: 4 }, (_, i) => cursor.bytes[start + i]).join('.')
      : ipv6Text(toHex(cursor.bytes, start, start + count));
  return cidr || prefix < bitsMax ? `${address}/${prefix}` : address;
}

/** RFC 5952: groups without leading zeros, the longest run of zero groups as `::`. */
function ipv6Text(hex: string): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number.parseInt(hex.slice(4 * i, 4 * i + 4), 16).toString(16));
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === '0') run++;
    if (run > bestLength) {
      best = i;
      bestLength = run;
    }
  }
  if (best < 0) return groups.join(':');
  return `${groups.slice(0, best).join(':')}::${groups.slice(best + bestLength).join(':')}`;
}
