/**
 * The dialect of a connection by what a call looks like: where the negotiation was not seen, and where it leaves
 * open what it does not say (the width of pointers, the byte order, whether arguments are aligned).
 */
import * as c from './constants.ts';
import {
  BIG_ENDIAN,
  baseDialect,
  DIALECT_F1,
  DIALECT_F4,
  DIALECT_F8,
  DIALECT_N,
  DIALECT_N4,
  DIALECT_NA,
  DIALECT_U,
  DIALECT_UNKNOWN,
  type Dialect,
  isNative,
} from './reader.ts';

/** Arguments begin behind message type, function and sequence number. */
const HEAD_BYTES = 3;
const OPTION_BYTES_MAX = 4;
const TOKEN_BYTES = 8;

/** The packed dialect that a set pointer of a native client shows: its width and byte order; unknown when there is none. */
function pointerAt(bytes: Uint8Array, at: number, end: number): Dialect {
  for (const width of [8, 4]) {
    if (at + width > end) continue;
    const packed = width === 8 ? DIALECT_F8 : DIALECT_F4;
    if (isPointer(bytes, at, at + width, at)) return packed;
    if (isPointer(bytes, at, at + width, at + width - 1)) return packed + BIG_ENDIAN;
  }
  return DIALECT_UNKNOWN;
}

/** All ones but for the lowest bit, which is in the byte at `low`. */
function isPointer(bytes: Uint8Array, from: number, to: number, low: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== (at === low ? 0xfe : 0xff)) return false;
  return true;
}

/** The dialect a request is written in, by trial; `DIALECT_UNKNOWN` when it has no telling part. */
export function dialectOfRequest(bytes: Uint8Array, start: number, end: number): Dialect {
  const at = argumentsAt(bytes, start + HEAD_BYTES, end);
  if (end - at < 4) return DIALECT_UNKNOWN;
  const fn = bytes[start + 1];
  if (bytes[start] === c.MSG_PIGGYBACK) return ofPiggyback(bytes, at, end);
  if (bytes[start] !== c.MSG_FUNCTION) return DIALECT_UNKNOWN;
  switch (fn) {
    case c.FN_AUTH_1:
    case c.FN_AUTH_2:
    case c.FN_O3LOGON_KEY:
    case c.FN_O3LOGON:
      return ofLogin(bytes, at, end);
    case c.FN_OALL8:
    case c.FN_OALL7:
      return ofBundle(bytes, at, end);
    case c.FN_FETCH:
      return ofFetch(bytes, at, end);
    default:
      return DIALECT_UNKNOWN;
  }
}

/** Native clients of 23ai put a token number in front, zero unless they pipeline. */
function argumentsAt(bytes: Uint8Array, from: number, end: number): number {
  const to = from + TOKEN_BYTES;
  for (let at = from; at < to; at++) if (at >= end || bytes[at] !== 0) return from;
  return to;
}

function ofLogin(bytes: Uint8Array, at: number, end: number): Dialect {
  const dialect = pointerAt(bytes, at, end);
  if (dialect !== DIALECT_UNKNOWN) {
    // Pointer, two words, pointer, word: another pointer, or the filler in front of it.
    const packed = baseDialect(dialect) !== DIALECT_F8 || pointerAt(bytes, at + 28, end) !== DIALECT_UNKNOWN;
    return packed ? dialect : DIALECT_N + (dialect & BIG_ENDIAN);
  }
  const length = bytes[at + 1] as number;
  const isShort = bytes[at + 2] === 0 && bytes[at + 3] === 0;
  if (length === 0 && isShort) return DIALECT_F1 + BIG_ENDIAN;
  return bytes[at + 3] === 0 && bytes[at + 4] === 0 && length > 4 ? DIALECT_F1 : DIALECT_U;
}

/** Options and cursor number come first, then the pointer to the text. */
function ofBundle(bytes: Uint8Array, at: number, end: number): Dialect {
  const first = bytes[at] as number;
  const order = first === 0 && bytes[at + 1] === 0 && (bytes[at + 3] as number) > OPTION_BYTES_MAX ? BIG_ENDIAN : 0;
  if (order === 0) {
    if (first >= 1 && first <= OPTION_BYTES_MAX && bytes[at + 1] !== 0) return DIALECT_U;
    if (bytes[at + 3] !== 0) return DIALECT_UNKNOWN;
  }
  const pointer = pointerAt(bytes, at + 8, end);
  if (pointer !== DIALECT_UNKNOWN) return pointer;
  if (end - at < 16) return DIALECT_UNKNOWN;
  const isNull = bytes.subarray(at + 8, at + 16).every((byte) => byte === 0);
  return (isNull ? DIALECT_F8 : DIALECT_F1) + order;
}

/** Two words; which fixed dialect it is, the pointers of other calls tell. */
function ofFetch(bytes: Uint8Array, at: number, end: number): Dialect {
  if (end - at !== 8) return DIALECT_U;
  if (bytes[at + 3] === 0 && bytes[at + 7] === 0) return DIALECT_F8;
  return bytes[at] === 0 && bytes[at + 4] === 0 ? DIALECT_F8 + BIG_ENDIAN : DIALECT_U;
}

/** Close-cursors piggyback and the like: a pointer and a count, which native clients pad to eight bytes. */
function ofPiggyback(bytes: Uint8Array, at: number, end: number): Dialect {
  const dialect = pointerAt(bytes, at, end);
  const word = at + 12;
  if (baseDialect(dialect) !== DIALECT_F8) return dialect;
  if (word + 4 > end) return DIALECT_UNKNOWN;
  const view = new DataView(bytes.buffer, bytes.byteOffset + word, 4);
  const next = view.getUint32(0, (dialect & BIG_ENDIAN) === 0);
  return next === 0 || next > 0xffff ? DIALECT_N + (dialect & BIG_ENDIAN) : dialect;
}

/** What was negotiated, with the width of pointers and the byte order that a call shows. */
export function refine(negotiated: Dialect, seen: Dialect): Dialect {
  if (negotiated === DIALECT_UNKNOWN) return seen;
  if (negotiated === DIALECT_U || seen === DIALECT_UNKNOWN || seen === DIALECT_U) return negotiated;
  const order = seen & BIG_ENDIAN;
  if (!isNative(negotiated)) return baseDialect(seen) + order;
  const base = baseDialect(seen);
  return (
    (base === DIALECT_F4 || base === DIALECT_N4 ? DIALECT_N4 : base === DIALECT_NA ? DIALECT_NA : DIALECT_N) + order
  );
}

/** Dialects that differ in what only some calls show, the given one first. */
export function siblings(dialect: Dialect): readonly Dialect[] {
  const order = dialect & BIG_ENDIAN;
  const family = FAMILIES.find((one) => one.includes(baseDialect(dialect))) ?? [baseDialect(dialect)];
  return [dialect, ...family.map((base) => base + order).filter((other) => other !== dialect)];
}

const FAMILIES: readonly (readonly Dialect[])[] = [
  [DIALECT_F8, DIALECT_NA, DIALECT_N],
  [DIALECT_F4, DIALECT_N4],
];
