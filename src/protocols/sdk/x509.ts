/** The subject of an X.509 certificate (RFC 5280 §4.1), by walking its DER just as far as that. */
import { Cursor } from '../../base/cursor.ts';

const TAG_SEQUENCE = 0x30;
const TAG_SET = 0x31;
const TAG_OID = 0x06;
const TAG_BMP_STRING = 0x1e;
/** `[0] EXPLICIT Version`, absent in version 1 certificates. */
const TAG_VERSION = 0xa0;
/** id-at-commonName, 2.5.4.3. */
const OID_COMMON_NAME = '550403';

/** Where an element's content ends; -1 when it is not the expected tag or does not fit. The cursor moves to its content. */
function enter(cursor: Cursor, tag: number): number {
  if (cursor.u8() !== tag) return -1;
  const length = readLength(cursor);
  return length < 0 || length > cursor.remaining() ? -1 : cursor.pos + length;
}

/** Definite lengths of up to three bytes: no certificate in a handshake message is longer. */
function readLength(cursor: Cursor): number {
  const first = cursor.u8();
  if (first < 0x80) return cursor.failed ? -1 : first;
  const count = first & 0x7f;
  if (count === 0 || count > 3) return -1;
  let length = 0;
  for (let i = 0; i < count; i++) length = (length << 8) | cursor.u8();
  return cursor.failed ? -1 : length;
}

function skipElement(cursor: Cursor): boolean {
  cursor.skip(1);
  const length = readLength(cursor);
  return length >= 0 && cursor.skip(length);
}

/** Common name of the certificate in `bytes[start, end)`, which must lie before `limit`; `undefined` without one. */
export function commonNameOf(bytes: Uint8Array, start: number, end: number, limit: number): string | undefined {
  if (start >= end || end > limit) return undefined;
  const cursor = new Cursor().reset(bytes, start, end);
  if (enter(cursor, TAG_SEQUENCE) < 0 || enter(cursor, TAG_SEQUENCE) < 0) return undefined;
  if (cursor.peek() === TAG_VERSION && !skipElement(cursor)) return undefined;
  // Serial number, signature algorithm, issuer, validity.
  for (let i = 0; i < 4; i++) if (!skipElement(cursor)) return undefined;
  const subjectEnd = enter(cursor, TAG_SEQUENCE);
  return subjectEnd < 0 ? undefined : readCommonName(cursor.reset(bytes, cursor.pos, subjectEnd));
}

/** The cursor covers the content of a Name: sets of type and value. */
function readCommonName(cursor: Cursor): string | undefined {
  while (cursor.remaining() > 0) {
    const setEnd = enter(cursor, TAG_SET);
    if (setEnd < 0) return undefined;
    const attributeEnd = enter(cursor, TAG_SEQUENCE);
    const oidEnd = attributeEnd < 0 ? -1 : enter(cursor, TAG_OID);
    if (oidEnd < 0) return undefined;
    if (cursor.hex(oidEnd - cursor.pos) === OID_COMMON_NAME) return readString(cursor);
    cursor.pos = setEnd;
  }
  return undefined;
}

function readString(cursor: Cursor): string | undefined {
  const tag = cursor.u8();
  const length = readLength(cursor);
  if (length < 0) return undefined;
  // A BMPString is big-endian UTF-16; all other kinds are ASCII or UTF-8.
  const text = cursor.text(length, tag === TAG_BMP_STRING ? 'utf-16be' : 'utf8');
  return cursor.failed || text === '' ? undefined : text;
}
