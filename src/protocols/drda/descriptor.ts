/**
 * Row descriptors (DRDA volume 1, "FD:OCA Data Descriptors"): which types follow one another in SQLDTA and QRYDTA.
 *
 * A descriptor is a run of triplets: the group of columns (N-GDA 0x76, continued by CPT 0x7F) as pairs of type and
 * length; MDD 0x78 and SDA 0x70 before it define local types (another CCSID); RLO 0x71 names the rows.
 */
import { COLUMNS_MAX } from './limits.ts';
import * as t from './types.ts';

export interface Column {
  /** DRDA type, its nullable bit (0x01) removed. */
  readonly type: number;
  readonly nullable: boolean;
  /** As the descriptor has it: bytes, characters, precision and scale, or with 0x8000 the bytes of a placeholder. */
  readonly length: number;
  /** CCSID a local type gives; 0: that of the type definition. */
  readonly ccsid: number;
  /** `t.BYTES_*`: how many bytes the value takes, or how it says so. */
  readonly bytes: number;
}

export interface Descriptor {
  readonly columns: readonly Column[];
  /** Each row begins with an SQLCA group (SQLCADTA, as in QRYDTA). */
  readonly rowsHaveSqlca: boolean;
}

const TRIPLET_SDA = 0x70;
const TRIPLET_RLO = 0x71;
const TRIPLET_GDA = 0x76;
const TRIPLET_MDD = 0x78;
const TRIPLET_CPT = 0x7f;
const SDA_BYTES = 12;
const MDD_BYTES = 7;
/** Local identifier of the SQLCA group within a row. */
const SQLCAGRP = 0x54;

/** A local type: the DRDA type it stands for, and its CCSID. */
interface LocalType {
  readonly type: number;
  readonly ccsid: number;
}

/** Reads triplets from `bytes[start, end)`. `undefined` when they describe no row that can be walked. */
export function readDescriptor(bytes: Uint8Array, start: number, end: number): Descriptor | undefined {
  const columns: Column[] = [];
  const locals = new Map<number, LocalType>();
  let described = -1;
  let rowsHaveSqlca = false;
  let pos = start;
  while (pos < end) {
    const length = bytes[pos] as number;
    if (length < 3 || length > end - pos) return undefined;
    const stop = pos + length;
    switch (bytes[pos + 1] as number) {
      case TRIPLET_MDD:
        described = length === MDD_BYTES ? (bytes[pos + 6] as number) : -1;
        break;
      case TRIPLET_SDA:
        if (length === SDA_BYTES && described >= 0) {
          const ccsid = ((bytes[pos + 6] as number) << 8) | (bytes[pos + 7] as number);
          locals.set(bytes[pos + 2] as number, { type: described, ccsid });
        }
        break;
      case TRIPLET_GDA:
      case TRIPLET_CPT:
        if (!readColumns(bytes, pos + 3, stop, locals, columns)) return undefined;
        break;
      case TRIPLET_RLO:
        for (let at = pos + 3; at + 3 <= stop; at += 3) if (bytes[at] === SQLCAGRP) rowsHaveSqlca = true;
        break;
    }
    pos = stop;
  }
  return { columns, rowsHaveSqlca };
}

function readColumns(
  bytes: Uint8Array,
  start: number,
  end: number,
  locals: ReadonlyMap<number, LocalType>,
  columns: Column[],
): boolean {
  if ((end - start) % 3 !== 0) return false;
  for (let pos = start; pos < end; pos += 3) {
    const id = bytes[pos] as number;
    const local = locals.get(id);
    const type = local ? local.type : id;
    const length = ((bytes[pos + 1] as number) << 8) | (bytes[pos + 2] as number);
    if (columns.length >= COLUMNS_MAX) return false;
    columns.push({
      type: type & ~1,
      nullable: (type & 1) === 1,
      length,
      ccsid: local?.ccsid ?? 0,
      bytes: t.valueBytes(type & ~1, length),
    });
  }
  return true;
}
