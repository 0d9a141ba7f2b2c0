/** Single values in binary format. Every decoder gives `undefined` for bytes that are no value of its type. */
import { formatAddress } from '../../base/address.ts';
import { Cursor } from '../../base/cursor.ts';
import type { TextEncodingName } from '../../base/text.ts';
import type { BindValue } from '../../contracts/event.ts';
import { doubleValue, integerValue, singleValue } from '../sdk/numbers.ts';
import { decodeDate, decodeInterval, decodeTime, decodeTimestamp, decodeTimetz } from './datetime.ts';
import { decodeNumeric } from './numeric.ts';
import * as type from './types.ts';
import { int32At } from './wire.ts';

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
  const { bytes } = cursor;
  const address =
    family === FAMILY_IPV4 ? formatAddress(0, 0, IPV4_MAPPED, int32At(bytes, start)) : ipv6Text(bytes, start);
  return cidr || prefix < bitsMax ? `${address}/${prefix}` : address;
}

/** As the server prints it: an IPv4 address inside (RFC 4291 §2.5.5) in its own form. */
function ipv6Text(bytes: Uint8Array, at: number): string {
  const word0 = int32At(bytes, at);
  const word1 = int32At(bytes, at + 4);
  const word2 = int32At(bytes, at + 8);
  const word3 = int32At(bytes, at + 12);
  const isMapped = word2 === IPV4_MAPPED;
  if (word0 === 0 && word1 === 0 && (isMapped || (word2 === 0 && word3 >>> 16 !== 0))) {
    return `::${isMapped ? 'ffff:' : ''}${formatAddress(0, 0, IPV4_MAPPED, word3)}`;
  }
  return formatAddress(word0, word1, word2, word3);
}

/** Third word of an IPv4 address in IPv6 form. */
const IPV4_MAPPED = 0xffff;
