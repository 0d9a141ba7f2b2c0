/** TNS packets and TTC messages as a server writes them to a thin driver: universal integers, four-byte lengths. */

export type Part = string | number | Uint8Array | readonly number[];

/** Joins strings (UTF-8), single bytes and byte arrays. */
export function bytes(...parts: readonly Part[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'number' ? Buffer.of(part) : typeof part === 'string' ? Buffer.from(part) : Buffer.from(part),
    ),
  );
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 0xff, value & 0xff);
}

export function u32(value: number): Uint8Array {
  return bytes(u16(value >>> 16), u16(value & 0xffff));
}

/** A variable integer. */
export function ub(value: number): Uint8Array {
  const digits: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return bytes(digits.length, digits);
}

/** Counted bytes, long ones in one chunk. */
export function clr(content: Part): Uint8Array {
  const whole = bytes(content);
  return whole.length <= 252 ? bytes(whole.length, whole) : bytes(0xfe, ub(whole.length), whole, 0);
}

/** A length, and counted bytes unless it is zero. */
export function dlc(content: Part): Uint8Array {
  const length = bytes(content).length;
  return length === 0 ? Uint8Array.of(0) : bytes(ub(length), clr(content));
}

export function pair(key: string, value: string, flags = 0): Uint8Array {
  return bytes(dlc(key), dlc(value), ub(flags));
}

/** A DATA packet with a four-byte length. */
export function data(payload: Uint8Array, flags = 0): Uint8Array {
  return bytes(u32(payload.length + 10), 6, 0, 0, 0, u16(flags), payload);
}

/** ACCEPT: no native encryption, SDU of 8192. */
export function accept(version: number, flags2: number): Uint8Array {
  const head = bytes(u16(version), u16(0), u16(8192), u16(32_767), u16(1), u16(0), u16(45), 4, 4, new Uint8Array(8));
  const payload = bytes(head, u32(8192), u32(8192), 0, version >= 318 ? u32(flags2) : '');
  return bytes(u16(payload.length + 8), 0, 0, 2, 0, 0, 0, payload);
}

/** REFUSE with a text. */
export function refuse(text: string): Uint8Array {
  const payload = bytes(0x22, 0, u16(text.length), text);
  return bytes(u16(payload.length + 8), 0, 0, 4, 0, 0, 0, payload);
}

export interface OerOptions {
  readonly rows?: number;
  readonly error?: number;
  readonly text?: string;
  readonly cursor?: number;
  readonly callStatus?: number;
  /** Offsets of the rows of an array DML that failed with `error`, each with code 1. */
  readonly failedRows?: readonly number[];
}

/** End-of-call status; an error has a text. */
export function oer(fieldVersion: number, seq: number, o: OerOptions = {}): Uint8Array {
  const { rows = 0, error = 0, text = '', cursor = 0, callStatus = 1, failedRows = [] } = o;
  const count = failedRows.length;
  const batch =
    count === 0
      ? bytes(ub(0), ub(0), ub(0))
      : bytes(
          bytes(ub(count), 1, ...failedRows.map(() => ub(1))),
          bytes(ub(count), 1, ...failedRows.map((row) => ub(row))),
          bytes(ub(count), 1, ...failedRows.map(() => bytes(ub(1), clr('ORA-00001: duplicate'), 0, 0))),
        );
  return bytes(
    bytes(4, ub(callStatus), ub(seq), ub(rows), ub(error), ub(0), ub(0), ub(cursor), ub(0), [0, 0, 0, 0, 0, 0]),
    bytes(ub(0), ub(0), 0, ub(0), ub(0), ub(0), 0, seq, ub(0), ub(0), ub(0), batch, ub(error), ub(rows)),
    fieldVersion >= 14 ? bytes(ub(0), ub(0)) : '',
    error === 0 ? '' : clr(text),
  );
}

/** Description of columns, all VARCHAR2(30) or NUMBER. */
export function describe(
  fieldVersion: number,
  columns: readonly (readonly [name: string, type: number])[],
): Uint8Array {
  const column = ([name, type]: readonly [string, number], index: number): Uint8Array =>
    bytes(
      bytes(type, 0, 0, 0, ub(30), ub(0), ub(0), ub(0), ub(0), ub(873), type === 1 ? 1 : 0, ub(30)),
      fieldVersion >= 8 ? ub(0) : '',
      bytes(1, name.length, dlc(name), ub(0), ub(0), ub(index + 1), ub(0)),
      fieldVersion >= 17 ? bytes(ub(0), ub(0)) : '',
      fieldVersion >= 20 ? ub(0) : '',
      fieldVersion >= 24 ? bytes(ub(0), 0, 0) : '',
    );
  return bytes(
    bytes(16, clr('description'), ub(60), ub(columns.length), columns.length > 0 ? 0 : ''),
    ...columns.map(column),
    bytes(ub(0), ub(0), ub(0), ub(0), ub(0), ub(0)),
  );
}

/** Row header and rows. */
export function rows(list: readonly (readonly Uint8Array[])[]): Uint8Array {
  const header = bytes(6, 0, ub(0), ub(1), ub(0), ub(0), ub(0), ub(0));
  return bytes(header, ...list.map((row) => bytes(7, ...row)));
}

/** Return parameters without any. */
export const PARAMETERS: Uint8Array = Uint8Array.of(8, 0, 0, 0, 0);
