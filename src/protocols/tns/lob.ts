/** LOB calls: which operation, on which locator, from where, how much. The data itself is not kept. */
import { toHex } from '../../base/text.ts';
import * as c from './constants.ts';
import { siblings } from './dialect.ts';
import { baseDialect, DIALECT_U, type TtcReader } from './reader.ts';
import type { LobCall, Request } from './request.ts';

/** Enough of a locator to tell it from others: length, flags, kind and identifier. */
const LOCATOR_BYTES_KEPT = 40;
const ARRAYS = 3;
/** Offsets of eight bytes; before, the short ones only. */
const FIELD_VERSION_LONG_OFFSETS = 3;

/** Reads a LOB call behind its function header: in the dialect, or its sibling, in which the operation is known. */
export function readLob(reader: TtcReader, fieldVersion: number, request: Request): LobCall {
  const { bytes, pos, end, dialect } = reader;
  let first: LobCall | undefined;
  for (const tried of siblings(dialect)) {
    reader.resume(bytes, pos, end);
    reader.dialect = tried;
    const call = attempt(reader, fieldVersion, request);
    if (c.LOB_OPERATIONS.has(call.operation) || c.LOB_HOUSEKEEPING.has(call.operation)) return call;
    first ??= call;
  }
  reader.dialect = dialect;
  return first ?? NOTHING;
}

const NOTHING: LobCall = { operation: 0, locator: undefined, offset: 0, amount: -1, dataBytes: 0 };

/**
 * Data in which the bytes of the message end becomes `request.partial`. Of native clients only the layouts before
 * version 10 were seen: what follows the operation is believed where the locator's own length agrees.
 */
function attempt(reader: TtcReader, fieldVersion: number, request: Request): LobCall {
  const hasLocator = reader.pointer();
  const locatorBytes = reader.ub(4);
  reader.pointer();
  reader.ub(4);
  const shortOffset = reader.ub(4);
  reader.ub(4);
  for (let i = 0; i < 3; i++) reader.pointer(); // character set, short amount, null LOB
  const operation = reader.ub(4);
  const nothing = { ...NOTHING, operation, offset: shortOffset };
  if (reader.failed) return nothing;
  const { bytes, pos, end } = reader;
  const isOld = fieldVersion >= 0 && fieldVersion < FIELD_VERSION_LONG_OFFSETS;
  reader.pointer();
  reader.ub(4);
  const offset = isOld ? 0 : readLongOffset(reader);
  const hasAmount = isOld || reader.pointer();
  if (!isOld) skipArrays(reader);
  reader.pad();
  const locator = hasLocator ? reader.take(locatorBytes) : undefined;
  if (reader.failed || (reader.dialect !== DIALECT_U && !isLocator(locator))) {
    reader.resume(bytes, pos, end);
    return nothing;
  }
  if (operation === c.LOB_CREATE_TEMPORARY) reader.ub(4);
  let dataBytes = 0;
  if (reader.peek() === c.MSG_LOB_DATA) {
    reader.skip(1);
    const at = reader.pos;
    dataBytes = reader.clr()?.length ?? 0;
    if (reader.starved)
      request.partial = { at, rawBytes: -1, dialect: reader.dialect, call: undefined, isAgreed: false };
  }
  const amount = hasAmount && !reader.failed ? reader.ub(isOld ? 4 : 8) : -1;
  return {
    operation,
    locator: locator && toHex(locator, 0, Math.min(locator.length, LOCATOR_BYTES_KEPT)),
    offset: offset || shortOffset,
    amount: reader.failed ? -1 : amount,
    dataBytes,
  };
}

/** Offsets in the source and the destination. */
function readLongOffset(reader: TtcReader): number {
  const offset = reader.ub(8);
  reader.ub(8);
  return offset;
}

/** Arrays of LOBs. */
function skipArrays(reader: TtcReader): void {
  for (let i = 0; i < ARRAYS; i++) {
    reader.pointer();
    reader.ub(4);
  }
}

/** A locator begins with the number of bytes behind that number. */
function isLocator(locator: Uint8Array | undefined): boolean {
  if (locator === undefined || locator.length < 2) return false;
  return (locator[0] as number) * 256 + (locator[1] as number) === locator.length - 2;
}

/** Temporary LOBs that are freed on the way: locators behind arguments of their own. */
export function skipFreedLobs(reader: TtcReader): void {
  if (baseDialect(reader.dialect) !== DIALECT_U) {
    reader.fail();
    return;
  }
  reader.pointer();
  const bytes = reader.ub(4);
  reader.pointer();
  for (let i = 0; i < 3; i++) reader.ub(4);
  for (let i = 0; i < 3; i++) reader.pointer();
  reader.ub(4);
  reader.pointer();
  reader.ub(4);
  for (let i = 0; i < 2; i++) reader.ub(8);
  reader.pointer();
  skipArrays(reader);
  reader.skip(bytes);
}
