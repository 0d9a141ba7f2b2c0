/** How one side represents data: TYPDEFNAM and TYPDEFOVR (DRDA volume 1, "Data Type Definition"). */
import type { Cursor } from '../../base/cursor.ts';
import { CCSIDDBC, CCSIDMBC, CCSIDSBC } from './codepoints.ts';

export class Typdef {
  /** QTDSQLX86 and QTDSQLVAX: numbers have their lowest byte first. */
  littleEndian = false;
  /** QTDSQL370: floating point is hexadecimal. */
  hexFloat = false;
  /** QTDSQLVAX: floating point has a format of its own, which is not read. */
  vaxFloat = false;
  /** CCSIDs of single-byte, mixed and double-byte text; 0: not known. */
  sbcs = 0;
  mbcs = 0;
  dbcs = 0;

  setName(name: string): void {
    this.littleEndian = name === 'QTDSQLX86' || name === 'QTDSQLVAX';
    this.hexFloat = name === 'QTDSQL370';
    this.vaxFloat = name === 'QTDSQLVAX';
  }

  /** Takes the CCSIDs of a TYPDEFOVR, which it does not have to give all. */
  override(cursor: Cursor): void {
    while (cursor.remaining() >= 6) {
      const length = cursor.u16be();
      const codePoint = cursor.u16be();
      if (length !== 6) return;
      const ccsid = cursor.u16be();
      if (codePoint === CCSIDSBC) this.sbcs = ccsid;
      else if (codePoint === CCSIDMBC) this.mbcs = ccsid;
      else if (codePoint === CCSIDDBC) this.dbcs = ccsid;
    }
  }

  copy(): Typdef {
    return Object.assign(new Typdef(), this);
  }
}
