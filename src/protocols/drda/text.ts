/** SQLSTT (DRDA volume 1): the text of a statement, as mixed or as single-byte characters. */
import { MARK_TRUNCATED, type StatementEvent } from '../../contracts/event.ts';
import { sha256 } from '../sdk/long.ts';
import { characterBoundary, decodeCcsid } from './ccsid.ts';
import { LIMITS } from './limits.ts';
import { NULL } from './sqlca.ts';
import type { Typdef } from './typdef.ts';

/** Where the text stands. */
export interface TextSpan {
  readonly start: number;
  /** Bytes it says to have; when its object was cut there are fewer. */
  readonly length: number;
  readonly ccsid: number;
}

/** A statement's text as far as it is kept. */
export interface StatementText {
  readonly text: string | undefined;
  /** True length in bytes and SHA-256, when cut. */
  readonly length: number | undefined;
  readonly sha256: string | undefined;
  /** `MARK_*` bits of every statement that has it. */
  readonly marks: number;
}

/** What is left of a text that was not found. */
export function lostText(marks: number): StatementText {
  return { text: undefined, length: undefined, sha256: undefined, marks };
}

/**
 * Finds the text in the content of an SQLSTT. Two nullable strings with four bytes of length each (SQLAM 7 on), or two
 * with two bytes; in either byte order. The layout whose lengths add up to the whole content is the right one.
 * `cut`: the content goes on behind `end`; then only the first layout can be told.
 */
export function findText(
  bytes: Uint8Array,
  start: number,
  end: number,
  cut: boolean,
  typdef: Typdef,
): TextSpan | undefined {
  for (const littleEndian of [typdef.littleEndian, !typdef.littleEndian]) {
    const span = nullable(bytes, start, end, cut, littleEndian, typdef);
    if (span) return span;
    const old = cut ? undefined : plain(bytes, start, end, littleEndian, typdef);
    if (old) return old;
  }
  return undefined;
}

function nullable(
  bytes: Uint8Array,
  start: number,
  end: number,
  cut: boolean,
  littleEndian: boolean,
  typdef: Typdef,
): TextSpan | undefined {
  let pos = start;
  for (const ccsid of [typdef.mbcs, typdef.sbcs]) {
    if (pos >= end) return undefined;
    if (bytes[pos] === NULL) {
      pos++;
      continue;
    }
    if (bytes[pos] !== 0 || end - pos < 5) return undefined;
    const length = number(bytes, pos + 1, 4, littleEndian);
    const from = pos + 5;
    const rest = from + length;
    // Behind mixed text comes the single-byte string, which is null then.
    const fits = ccsid === typdef.mbcs && pos === start ? rest === end - 1 && bytes[rest] === NULL : rest === end;
    if (fits || (cut && rest > end)) return { start: from, length, ccsid };
    if (length !== 0) return undefined;
    pos = rest;
  }
  return undefined;
}

function plain(
  bytes: Uint8Array,
  start: number,
  end: number,
  littleEndian: boolean,
  typdef: Typdef,
): TextSpan | undefined {
  if (end - start < 4) return undefined;
  const mixed = number(bytes, start, 2, littleEndian);
  const second = start + 2 + mixed;
  if (second + 2 > end) return undefined;
  const single = number(bytes, second, 2, littleEndian);
  if (second + 2 + single !== end || (mixed > 0 && single > 0)) return undefined;
  if (mixed > 0) return { start: start + 2, length: mixed, ccsid: typdef.mbcs };
  return { start: second + 2, length: single, ccsid: typdef.sbcs };
}

function number(bytes: Uint8Array, start: number, count: number, littleEndian: boolean): number {
  let value = 0;
  for (let i = 0; i < count; i++)
    value = value * 256 + (bytes[littleEndian ? start + count - 1 - i : start + i] as number);
  return value;
}

/** Gives a statement its text. */
export function setText(event: StatementEvent, text: StatementText): void {
  event.text = text.text;
  event.textLength = text.length;
  event.textSha256 = text.sha256;
  event.marks |= text.marks;
}

/** Decodes what is kept of a text that is there as a whole. */
export function keepText(bytes: Uint8Array, span: TextSpan): StatementText {
  const end = span.start + span.length;
  if (span.length > LIMITS.sqlBytesMax) return beginning(bytes, span, end, sha256(bytes, span.start, end), 0);
  const text = decodeCcsid(bytes, span.start, end, span.ccsid);
  return { text, length: undefined, sha256: undefined, marks: 0 };
}

/** The kept part of a text of which no more than `bytes[span.start, end)` is kept. `marks`: beside that it is cut. */
export function beginning(
  bytes: Uint8Array,
  span: TextSpan,
  end: number,
  digest: string | undefined,
  marks: number,
): StatementText {
  const limit = Math.min(span.start + LIMITS.sqlBytesMax, end);
  const cut = characterBoundary(bytes, span.start, limit, span.ccsid);
  const text = decodeCcsid(bytes, span.start, cut, span.ccsid);
  return { text, length: span.length, sha256: digest, marks: marks | MARK_TRUNCATED };
}
