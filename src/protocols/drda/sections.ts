/** PKGNAMCSN (DRDA volume 3): the package, its consistency token and the section in it are a statement's name. */
import { decodeCcsid } from './ccsid.ts';

/** Three names of 18 bytes, a token of 8, a section of 2. */
const FIXED_BYTES = 64;
const NAME_BYTES = 18;
/** Consistency token. */
export const TOKEN_BYTES = 8;
const SECTION_BYTES = 2;
/** Three names of up to 255 bytes with their lengths, and the rest. */
export const KEY_BYTES_MAX = 1024;

/** The bytes themselves, one character each: equal keys name the same section. Empty: unusable. */
export function sectionKey(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > KEY_BYTES_MAX) return '';
  return Buffer.prototype.latin1Slice.call(bytes, start, end);
}

/** `collection.package/section` for people to read. */
export function sectionName(key: string, ccsid: number): string {
  const bytes = Buffer.from(key, 'latin1');
  const section = bytes.length >= SECTION_BYTES ? bytes.readUInt16BE(bytes.length - SECTION_BYTES) : 0;
  return `${namesOf(bytes, FIXED_BYTES, TOKEN_BYTES + SECTION_BYTES, ccsid)}/${section}`;
}

/** `collection.package` of PKGNAMCT (`tokenBytes` 8) or PKGNAM (0). Empty: unusable. */
export function packageName(key: string, ccsid: number, tokenBytes: number): string {
  const bytes = Buffer.from(key, 'latin1');
  return namesOf(bytes, 3 * NAME_BYTES + tokenBytes, tokenBytes, ccsid);
}

/** Names of fixed room when the whole has `fixedBytes`; else counted ones, with `tailBytes` behind them. */
function namesOf(bytes: Uint8Array, fixedBytes: number, tailBytes: number, ccsid: number): string {
  const names = bytes.length === fixedBytes ? fixedNames(bytes, ccsid) : countedNames(bytes, tailBytes, ccsid);
  return names.slice(1).join('.');
}

function fixedNames(bytes: Uint8Array, ccsid: number): string[] {
  return [0, 1, 2].map((i) => decodeCcsid(bytes, i * NAME_BYTES, (i + 1) * NAME_BYTES, ccsid).trim());
}

function countedNames(bytes: Uint8Array, tailBytes: number, ccsid: number): string[] {
  const names: string[] = [];
  const end = bytes.length - tailBytes;
  let pos = 0;
  while (names.length < 3 && pos + 2 <= end) {
    const length = ((bytes[pos] as number) << 8) | (bytes[pos + 1] as number);
    if (length > end - pos - 2) break;
    names.push(decodeCcsid(bytes, pos + 2, pos + 2 + length, ccsid).trim());
    pos += 2 + length;
  }
  return names;
}
