/** LOB calls: which operation, on which locator, from where, how much. The data itself is not kept. */
import { toHex } from '../../base/text.ts';
import * as c from './constants.ts';
import { baseDialect, DIALECT_U, type TtcReader } from './reader.ts';
import type { LobCall, Request } from './request.ts';

/** Enough of a locator to tell it from others: length, flags, kind and identifier. */
const LOCATOR_BYTES_KEPT = 40;
const ARRAY_WORDS = 3;

/** Reads a LOB call behind its function header. Data that its bytes end in becomes `request.partial`. */
export function readLob(reader: TtcReader, request: Request): LobCall {
  const hasLocator = reader.pointer();
  const locatorBytes = reader.ub(4);
  reader.pointer();
  reader.ub(4);
  const shortOffset = reader.ub(4);
  reader.ub(4);
  for (let i = 0; i < 3; i++) reader.pointer(); // character set, short amount, null LOB
  const operation = reader.ub(4);
  const nothing = { operation, locator: undefined, offset: shortOffset, amount: -1, dataBytes: 0 };
  if (reader.failed || reader.dialect !== DIALECT_U) return nothing;
  reader.pointer();
  reader.skip(1);
  const offset = reader.ub(8);
  reader.ub(8);
  const hasAmount = reader.pointer();
  reader.skip(2 * ARRAY_WORDS);
  const locator = hasLocator ? reader.take(locatorBytes) : undefined;
  if (reader.failed) return nothing;
  if (operation === c.LOB_CREATE_TEMPORARY) reader.ub(4);
  let dataBytes = 0;
  if (reader.peek() === c.MSG_LOB_DATA) {
    reader.skip(1);
    const at = reader.pos;
    dataBytes = reader.clr()?.length ?? 0;
    if (reader.starved) request.partial = { at, rawBytes: -1, dialect: reader.dialect, call: undefined };
  }
  const amount = hasAmount && !reader.failed ? reader.ub(8) : -1;
  return {
    operation,
    locator: locator && toHex(locator, 0, Math.min(locator.length, LOCATOR_BYTES_KEPT)),
    offset: offset || shortOffset,
    amount: reader.failed ? -1 : amount,
    dataBytes,
  };
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
  for (let i = 0; i < ARRAY_WORDS; i++) {
    reader.pointer();
    reader.ub(4);
  }
  reader.skip(bytes);
}
