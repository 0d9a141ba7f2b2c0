/**
 * Builds calls and statuses of the fixed dialects, as native clients and servers write them, for tests. Written from
 * the layouts' description, without the reader: integers in either byte order, pointers of one, four or eight bytes,
 * packed or aligned arguments, descriptors and statuses packed or as C structs.
 */
import {
  BIG_ENDIAN,
  baseDialect,
  DIALECT_F1,
  DIALECT_F4,
  DIALECT_F8,
  DIALECT_N,
  DIALECT_N4,
  DIALECT_NA,
  type Dialect,
} from './reader.ts';
import { bytes, clr, type Part } from './testing.ts';

/** What stale memory looks like in the filler of structs. */
const STALE = 0xaa;
const POINTER_BYTES: ReadonlyMap<Dialect, number> = new Map([
  [DIALECT_F1, 1],
  [DIALECT_F4, 4],
  [DIALECT_N4, 4],
  [DIALECT_F8, 8],
  [DIALECT_N, 8],
  [DIALECT_NA, 8],
]);

export interface FixedBind {
  readonly type: number;
  readonly maxBytes: number;
  readonly charset?: number;
  readonly form?: number;
}

export interface FixedExecute {
  readonly sql?: string;
  readonly cursor?: number;
  readonly options?: number;
  readonly query?: boolean;
  readonly binds?: readonly FixedBind[];
  readonly rows?: readonly (readonly Uint8Array[])[];
}

export interface FixedStatus {
  readonly rows?: number;
  readonly error?: number;
  readonly text?: string;
  readonly cursor?: number;
  readonly sqlType?: number;
}

/** Writes messages of one dialect at one field version. */
export class FixedWriter {
  private readonly dialect: Dialect;
  private readonly fieldVersion: number;
  private readonly native: boolean;
  private parts: Part[] = [];
  private length = 0;

  private readonly filled: boolean;

  /** `filled`: aligned arguments of OALL8 end aligned, too. */
  constructor(dialect: Dialect, fieldVersion: number, filled: boolean = baseDialect(dialect) === DIALECT_NA) {
    this.dialect = dialect;
    this.filled = filled;
    this.fieldVersion = fieldVersion;
    this.native = [DIALECT_N, DIALECT_N4, DIALECT_NA].includes(baseDialect(dialect));
  }

  /** An integer in the machine's byte order. */
  int(value: number, size: 2 | 4 | 8): Uint8Array {
    const whole = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      const place = (this.dialect & BIG_ENDIAN) !== 0 ? size - 1 - i : i;
      whole[i] = Math.floor(value / 256 ** place) % 256;
    }
    return whole;
  }

  private begin(): void {
    this.parts = [];
    this.length = 0;
  }

  private put(part: Uint8Array): void {
    this.parts.push(part);
    this.length += part.length;
  }

  private word(value: number): void {
    this.put(this.int(value, 4));
  }

  private pointer(set: boolean): void {
    const base = baseDialect(this.dialect);
    const size = POINTER_BYTES.get(base) ?? 1;
    if (base === DIALECT_NA) this.align();
    const whole = new Uint8Array(size).fill(set ? (size === 1 ? 1 : 0xff) : 0);
    if (set && size > 1) whole[(this.dialect & BIG_ENDIAN) !== 0 ? size - 1 : 0] = 0xfe;
    this.put(whole);
  }

  private align(): void {
    const over = this.length % 8;
    if (over !== 0) this.put(new Uint8Array(8 - over).fill(STALE));
  }

  /** The end of a struct of 64-bit native clients. */
  private pad(): void {
    if (this.native && POINTER_BYTES.get(baseDialect(this.dialect)) === 8) this.align();
  }

  private token(): Uint8Array {
    return this.fieldVersion >= 18 ? this.int(0, 8) : new Uint8Array(0);
  }

  private take(): Uint8Array {
    return bytes(...this.parts);
  }

  /** A length as large as the text may become in the server's character set, and the text. */
  private counted(text: string): Uint8Array {
    return bytes(this.int(3 * text.length, 4), clr(text));
  }

  pair(key: string, value: string): Uint8Array {
    return bytes(this.counted(key), this.counted(value), this.int(0, 4));
  }

  /** First or second call of a login. */
  auth(phase: 1 | 2, seq: number, user: string, pairs: readonly Uint8Array[], mode = 1): Uint8Array {
    this.begin();
    this.pointer(true);
    this.word(3 * user.length);
    this.word(mode);
    this.pointer(true);
    this.word(pairs.length);
    this.pad();
    this.pointer(true);
    this.pointer(true);
    return bytes(3, phase === 1 ? 0x76 : 0x73, seq, this.token(), this.take(), clr(user), ...pairs);
  }

  closeCursors(seq: number, ids: readonly number[], call: Uint8Array): Uint8Array {
    this.begin();
    this.pointer(true);
    this.word(ids.length);
    this.pad();
    for (const id of ids) this.word(id);
    return bytes(0x11, 0x69, seq, this.token(), this.take(), call);
  }

  /** End-to-end attributes; `pairs` of pointer and length, of which OCI writes seven or eight. */
  endToEnd(seq: number, clientId: string, module: string, pairs: number, call: Uint8Array): Uint8Array {
    this.begin();
    this.pointer(false);
    this.pointer(false);
    this.word(0x19);
    for (let i = 0; i < pairs; i++) {
      const text = [clientId, module][i] ?? '';
      this.pointer(i < 3);
      this.word(3 * text.length);
    }
    this.pad();
    return bytes(0x11, 0x87, seq, this.token(), this.take(), clr(clientId), clr(module), call);
  }

  fetch(seq: number, cursor: number, rows: number): Uint8Array {
    return bytes(3, 5, seq, this.token(), this.int(cursor, 4), this.int(rows, 4));
  }

  reexecute(seq: number, cursor: number, rows: readonly (readonly Uint8Array[])[]): Uint8Array {
    const head = [cursor, rows.length, 0x20, 0].map((value) => this.int(value, 4));
    return bytes(3, 4, seq, this.token(), ...head, ...rows.map((row) => bytes(7, ...row)));
  }

  /** OALL8. */
  execute(seq: number, o: FixedExecute): Uint8Array {
    const { sql, cursor = 0, options = 0x8029, query = false, binds = [], rows = [] } = o;
    this.begin();
    this.word(options);
    this.word(cursor);
    this.pointer(sql !== undefined);
    this.word(3 * (sql?.length ?? 0));
    this.pointer(true);
    const words = this.fieldVersion >= 3 ? 13 : 12;
    this.word(words);
    this.pointer(true);
    this.pointer(true);
    for (const value of [0, 1, 0]) this.word(value);
    this.pointer(binds.length > 0);
    this.word(binds.length);
    for (let i = 0; i < 5; i++) this.pointer(i === 4 && this.fieldVersion < 3);
    if (this.fieldVersion >= 3) {
      this.pointer(false);
      this.word(0);
    }
    for (const field of laterFields(this.fieldVersion)) {
      if (field === 'p') this.pointer(false);
      else this.word(0);
    }
    if (this.filled) this.pad();
    const head = bytes(3, 0x5e, seq, this.token(), this.take());
    const i4 = [sql === undefined ? 0 : 1, 1, 0, 0, 0, 0, 0, query ? 1 : 0, 0, 0, 0, 0, 0].slice(0, words);
    return bytes(
      head,
      sql === undefined ? '' : clr(sql),
      ...i4.map((value) => this.int(value, 4)),
      ...binds.map((bind) => this.descriptor(bind)),
      ...rows.map((row) => bytes(7, ...row)),
    );
  }

  private descriptor({ type, maxBytes, charset = 873, form = 0 }: FixedBind): Uint8Array {
    const head = bytes(this.native ? 1 : '', type, 3, 0, 0, this.int(maxBytes, 4), this.int(0, 4));
    const middle = bytes(this.int(0, 2), this.int(charset, 2), form);
    const late = this.fieldVersion >= 7;
    if (!this.native) {
      const collation = this.fieldVersion >= 8 ? this.int(0, 4) : '';
      const characters = this.fieldVersion >= 3 ? this.int(maxBytes, 4) : '';
      return bytes(head, new Uint8Array(late ? 12 : 8), middle, characters, collation);
    }
    const narrow = baseDialect(this.dialect) === DIALECT_N4;
    const gap = new Uint8Array(narrow ? 10 : late ? 22 : 14).fill(STALE);
    const collation = narrow ? '' : this.int(STALE, 4);
    return bytes(head, gap, middle, STALE, this.int(maxBytes, 4), collation);
  }

  /** LOB call on a locator of 40 bytes; offsets of eight bytes came with version 10. */
  lob(seq: number, operation: number, offset: number, amount: number, data?: Uint8Array): Uint8Array {
    const old = this.fieldVersion < 3;
    this.begin();
    this.pointer(true);
    this.word(40);
    this.pointer(false);
    for (const value of [0, old ? offset : 0, 0]) this.word(value);
    for (const set of [false, old, false]) this.pointer(set);
    this.word(operation);
    this.pointer(false);
    this.word(0);
    if (!old) {
      this.put(this.int(offset, 8));
      this.put(this.int(0, 8));
      this.pointer(true);
      for (let i = 0; i < 3; i++) {
        this.pointer(false);
        this.word(0);
      }
    }
    this.pad();
    const locator = bytes(0, 38, new Uint8Array(38).fill(7));
    const tail = this.int(amount, old ? 4 : 8);
    return bytes(
      3,
      0x60,
      seq,
      this.token(),
      this.take(),
      locator,
      data === undefined ? '' : bytes(14, clr(data)),
      tail,
    );
  }

  /** End-of-call status. */
  status(seq: number, o: FixedStatus = {}): Uint8Array {
    const { rows = 0, error = 0, text = '', cursor = 0, sqlType = 0 } = o;
    const { fieldVersion } = this;
    const old = fieldVersion < 3;
    const head = bytes(
      bytes(4, old ? '' : this.int(1, 4), old ? '' : this.int(0, 2), this.native ? 1 : ''),
      bytes(this.int(rows, 4), this.int(error, 2), new Uint8Array(4), this.int(cursor, 2), this.int(0, 2), sqlType),
      new Uint8Array(this.native ? 26 : 23),
      seq,
    );
    const long = bytes(this.int(error, 4), this.int(rows, 8));
    const later = fieldVersion >= 14 ? new Uint8Array(8) : '';
    const message = error === 0 ? '' : clr(text);
    if (this.native) {
      const filler = new Uint8Array(132 - head.length).fill(STALE);
      return bytes(head, filler, fieldVersion >= 7 ? long : this.int(STALE, 4), later, message);
    }
    const middle = new Uint8Array(6 + (fieldVersion >= 4 ? 14 : 0));
    return bytes(head, middle, fieldVersion >= 7 ? long : '', later, message);
  }
}

/** Arguments that later field versions added behind the defines: pointers and words. */
function* laterFields(fieldVersion: number): Generator<'p' | 'w'> {
  const added: readonly (readonly [number, string])[] = [
    [4, 'wpp'],
    [5, 'pwpww'],
    [7, 'pwp'],
    [8, 'pwpwp'],
    [9, 'pw'],
  ];
  for (const [since, fields] of added) {
    if (fieldVersion < since) return;
    for (const field of fields) yield field === 'p' ? 'p' : 'w';
  }
}
