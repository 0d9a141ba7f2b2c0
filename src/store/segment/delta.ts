/**
 * Statement texts of one shape differ only in literals, so each is kept as its difference from the first: runs copied
 * from the reference, runs of the reference skipped, bytes inserted. Byte for byte exact by construction, whatever the
 * texts are; only the size of the result depends on how alike they are.
 */
import type { Cursor } from '../../base/cursor.ts';
import { type ByteWriter, readVarint } from './bytes.ts';

/** Longer texts are not compared: the scan below is for statements, not for bulk data. */
export const DELTA_BYTES_MAX: number = 64 * 1024;
/** How far to look for the place where the texts agree again. */
const RESYNC_BYTES = 48;

const QUOTE = 0x27;

const FORM_ABSENT = 0;
const FORM_PLAIN = 1;
const FORM_SAME = 2;
const FORM_DELTA = 3;

/** Appends `bytes[start, end)`, or an absent text when `start` is negative, as it differs from `reference`. */
export function writeTextForm(
  out: ByteWriter,
  reference: Uint8Array | undefined,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (start < 0) {
    out.u8(FORM_ABSENT);
    return;
  }
  const length = end - start;
  if (reference !== undefined && length <= DELTA_BYTES_MAX) {
    const mark = out.pos;
    out.u8(FORM_DELTA);
    if (writeDelta(out, reference, bytes, start, end, mark + length)) {
      if (out.bytes[mark + 1] === 0) out.bytes[mark] = FORM_SAME;
      if (out.bytes[mark] === FORM_SAME) out.pos = mark + 1;
      return;
    }
    out.pos = mark;
  }
  out.u8(FORM_PLAIN);
  out.varint(length);
  out.raw(bytes, start, end);
}

/**
 * The text's bytes, `undefined` for an absent one; a damaged form fails the cursor. Borrowed: they may lie in
 * `scratch`, which the next call overwrites.
 */
export function readTextForm(
  cursor: Cursor,
  reference: Uint8Array | undefined,
  scratch: ByteWriter,
): Uint8Array | undefined {
  switch (cursor.u8()) {
    case FORM_ABSENT:
      return undefined;
    case FORM_PLAIN: {
      const length = readVarint(cursor);
      const start = cursor.pos;
      return cursor.skip(length) ? cursor.bytes.subarray(start, start + length) : undefined;
    }
    case FORM_SAME:
      if (reference === undefined) cursor.fail();
      return reference;
    case FORM_DELTA:
      if (reference !== undefined) return readDelta(cursor, reference, scratch);
      cursor.fail();
      return undefined;
    default:
      cursor.fail();
      return undefined;
  }
}

/**
 * Steps of (copied + 1, skipped, inserted, bytes), ended by 0. Equal texts give no step. False when the result would
 * pass `posMax`, where the plain form is shorter.
 */
function writeDelta(
  out: ByteWriter,
  reference: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
  posMax: number,
): boolean {
  const step: Step = { from: 0, to: start };
  const mark = out.pos;
  while (step.to < end || step.from < reference.length) {
    const copyFrom = step.from;
    while (step.from < reference.length && step.to < end && reference[step.from] === bytes[step.to]) {
      step.from++;
      step.to++;
    }
    if (step.to === end && step.from === reference.length && out.pos === mark) break;
    const copied = step.from - copyFrom;
    const skipFrom = step.from;
    const insertFrom = step.to;
    passDifference(step, reference, bytes, end);
    out.varint(copied + 1);
    out.varint(step.from - skipFrom);
    out.varint(step.to - insertFrom);
    out.raw(bytes, insertFrom, step.to);
    if (out.pos >= posMax) return false;
  }
  out.u8(0);
  return true;
}

interface Step {
  /** Position in the reference. */
  from: number;
  /** Position in the text. */
  to: number;
}

/** Moves past the bytes in which the texts differ here, to a place where they seem to agree again. */
function passDifference(step: Step, reference: Uint8Array, bytes: Uint8Array, end: number): void {
  if (step.to === end || step.from === reference.length) {
    step.from = reference.length;
    step.to = end;
    return;
  }
  const wordFrom = wordEnd(reference, step.from, reference.length);
  const wordTo = wordEnd(bytes, step.to, end);
  if (wordFrom > step.from || wordTo > step.to) {
    step.from = wordFrom;
    step.to = wordTo;
    return;
  }
  const skip = distanceTo(bytes[step.to] as number, reference, step.from, reference.length);
  const insert = distanceTo(reference[step.from] as number, bytes, step.to, end);
  // The end of a quoted literal is the surest place to meet again.
  const meetAtQuote = reference[step.from] !== QUOTE && bytes[step.to] === QUOTE;
  if (skip < 0 && insert < 0) {
    step.from++;
    step.to++;
  } else if (insert < 0 || (skip >= 0 && (skip <= insert || meetAtQuote))) {
    step.from += skip;
  } else {
    step.to += insert;
  }
}

/** Steps between `start` and the next `value`, -1 when it is not near. */
function distanceTo(value: number, bytes: Uint8Array, start: number, end: number): number {
  const stop = Math.min(end, start + RESYNC_BYTES);
  for (let i = start; i < stop; i++) if (bytes[i] === value) return i - start;
  return -1;
}

/** End of the run of letters, digits and bytes of non-ASCII characters that starts at `start`. */
function wordEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && WORD[bytes[i] as number] === 1) i++;
  return i;
}

const WORD: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 || /[A-Za-z0-9_.]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

function readDelta(cursor: Cursor, reference: Uint8Array, out: ByteWriter): Uint8Array | undefined {
  out.pos = 0;
  let from = 0;
  for (let copied = readVarint(cursor); copied !== 0; copied = readVarint(cursor)) {
    const copyEnd = from + copied - 1;
    const skipped = readVarint(cursor);
    const inserted = readVarint(cursor);
    const insertStart = cursor.pos;
    if (copyEnd + skipped > reference.length || !cursor.skip(inserted)) {
      cursor.fail();
      return undefined;
    }
    out.raw(reference, from, copyEnd);
    out.raw(cursor.bytes, insertStart, insertStart + inserted);
    from = copyEnd + skipped;
  }
  return cursor.failed ? undefined : out.bytes.subarray(0, out.pos);
}
