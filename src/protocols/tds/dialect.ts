/** What the version of the protocol decides: widths of fields, byte order, encoding of texts. */
import type { TextEncodingName } from '../../base/text.ts';
import { UNSTATED } from './collation.ts';

export const FAMILY_SYBASE = 5;
export const FAMILY_MICROSOFT = 7;
export type Family = 5 | 7;

export class Dialect {
  family: Family = FAMILY_MICROSOFT;
  /** The version is known, from a login or from what was said. */
  known = false;
  /** TDS 7.2 and later: 64-bit row counts, 32-bit user types, ALL_HEADERS. */
  wide = true;
  /** TDS 7.1 and later: character types carry a collation. */
  collations = true;
  /** Numbers are sent most significant byte first (TDS 4.2 and 5.0 only, the client chooses). */
  bigEndian = false;
  /** Column metadata has a table of encryption keys (COLUMNENCRYPTION was acknowledged). */
  columnEncryption = false;
  /** Version of the data classification feature that was acknowledged; 0 without. */
  classification = 0;
  /** Of language batches and names, and in TDS 4.2 and 5.0 of all character values. */
  encoding: TextEncodingName = 'utf16le';

  /** `version` as LOGINACK prints it, most significant byte first: 0x74000004, 0x72090002, 0x07000000, 0x05000000. */
  setVersion(version: number): void {
    const major = version >>> 24;
    const minor = (version >>> 16) & 0xff;
    if (major === 0x04 || major === 0x05) {
      this.setSybase();
      return;
    }
    this.family = FAMILY_MICROSOFT;
    this.known = true;
    this.encoding = 'utf16le';
    this.bigEndian = false;
    this.wide = major === 0x08 || (major >= 0x72 && major <= 0x7f);
    this.collations = this.wide || major === 0x71 || (major === 0x07 && minor >= 1);
  }

  /** A request without ALL_HEADERS: TDS 7.1 or before, more cannot be told. */
  setOld(): void {
    this.wide = false;
    this.collations = true;
  }

  setSybase(): void {
    this.family = FAMILY_SYBASE;
    this.known = true;
    this.wide = false;
    this.collations = false;
    if (this.encoding === 'utf16le') this.encoding = UNSTATED;
  }
}
