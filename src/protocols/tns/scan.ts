/**
 * The SQL text in a call whose fields are not understood: counted bytes, or an announced number of bytes, that begin
 * with a word of SQL and are text to their end. For calls of clients before version 8, and layouts nobody has seen.
 */

const SCAN_BYTES_MAX = 4096;
const CHUNKED = 0xfe;
const INLINE_MAX = 252;
const TEXT_BYTES_MIN = 6;
const WORD =
  /^[\s(]*(?:select|insert|update|delete|merge|begin|declare|call|with|create|alter|drop|truncate|grant|revoke|comment|rename|lock|commit|rollback|savepoint|set|explain|analyze|audit|noaudit|purge|flashback|\/\*|--|<<)/i;
const WORD_BYTES = 40;

/** The text without NULs at its end; `undefined` when there is none, or none that can be delimited. */
export function findSql(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const limit = Math.min(end, start + SCAN_BYTES_MAX);
  for (let at = start; at + TEXT_BYTES_MIN < limit; at++) {
    const found = counted(bytes, at, end) ?? chunked(bytes, at, end);
    if (found !== undefined) return found;
  }
  for (let at = start; at + TEXT_BYTES_MIN < limit; at++) {
    const found = announced(bytes, start, at, end);
    if (found !== undefined) return found;
  }
  return undefined;
}

function counted(bytes: Uint8Array, at: number, end: number): Uint8Array | undefined {
  const length = bytes[at] as number;
  if (length < TEXT_BYTES_MIN || length > INLINE_MAX || at + 1 + length > end) return undefined;
  if (goesOn(bytes, at + 1 + length, end)) return undefined;
  return textOf(bytes, at + 1, at + 1 + length);
}

/** Chunks of at most 252 bytes each, up to an empty one. */
function chunked(bytes: Uint8Array, at: number, end: number): Uint8Array | undefined {
  if (bytes[at] !== CHUNKED || !beginsLikeSql(bytes, at + 2, end)) return undefined;
  const parts: Uint8Array[] = [];
  for (let pos = at + 1; pos < end; ) {
    const length = bytes[pos] as number;
    if (length === 0) {
      const whole = Buffer.concat(parts);
      return textOf(whole, 0, whole.length);
    }
    if (length > INLINE_MAX || pos + 1 + length > end) return undefined;
    parts.push(bytes.subarray(pos + 1, pos + 1 + length));
    pos += 1 + length;
  }
  return undefined;
}

/** Raw bytes at `at` whose number stands somewhere before them, in any form; the largest such number counts. */
function announced(bytes: Uint8Array, start: number, at: number, end: number): Uint8Array | undefined {
  if (!beginsLikeSql(bytes, at, end)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let longest: Uint8Array | undefined;
  for (let pos = start; pos + 2 <= at; pos++) {
    const lengths = [variable(bytes, pos, at)];
    if (pos + 4 <= at) lengths.push(view.getUint32(pos, true), view.getUint32(pos, false));
    for (const length of lengths) {
      if (length < TEXT_BYTES_MIN || length > end - at || length <= (longest?.length ?? 0)) continue;
      if (goesOn(bytes, at + length, end)) continue;
      longest = textOf(bytes, at, at + length) ?? longest;
    }
  }
  return longest;
}

/** A number that ends a text in its middle is another one's. */
function goesOn(bytes: Uint8Array, at: number, end: number): boolean {
  return at < end && (bytes[at] as number) >= 0x20;
}

function variable(bytes: Uint8Array, at: number, end: number): number {
  const size = bytes[at] as number;
  if (size < 1 || size > 3 || at + 1 + size > end) return 0;
  let value = 0;
  for (let i = 1; i <= size; i++) value = value * 256 + (bytes[at + i] as number);
  return value;
}

function beginsLikeSql(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start] ?? 0;
  // Letters, white space, and what comments, labels and subqueries begin with.
  if (first < 0x09 || first > 0x7a) return false;
  const head = Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(WORD_BYTES, end - start));
  return WORD.test(head.toString('latin1'));
}

/** Without NULs at its end; nothing when a control character is in it. */
function textOf(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  if (!beginsLikeSql(bytes, start, end)) return undefined;
  let last = end;
  while (last > start && bytes[last - 1] === 0) last--;
  for (let at = start; at < last; at++) if (isControl(bytes[at] as number)) return undefined;
  return last - start < TEXT_BYTES_MIN ? undefined : bytes.subarray(start, last);
}

function isControl(byte: number): boolean {
  return byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d;
}
