/** Builders of DRDA bytes for tests, and runs of whole conversations. */
import type { AuditEvent, BindValue, StatementEvent } from '../../contracts/event.ts';
import { type Direction, type ProtocolModule, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { play, type Turn } from '../sdk/testkit.ts';
import * as cp from './codepoints.ts';
import { ebcdicPage } from './ebcdic.ts';
import drda from './protocol.ts';

export const u8 = (value: number): Uint8Array => Uint8Array.of(value);
export const u16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);
export const u32 = (value: number): Uint8Array => Buffer.concat([u16(value >>> 16), u16(value & 0xffff)]);
export const utf8 = (text: string): Uint8Array => Buffer.from(text);

export function ebcdic(text: string): Uint8Array {
  const page = ebcdicPage(500) as Uint16Array;
  return Uint8Array.from(text, (character) => page.indexOf(character.charCodeAt(0)));
}

/** A DDM object. */
export function object(codePoint: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(parts);
  return Buffer.concat([u16(body.length + 4), u16(codePoint), body]);
}

/** A data stream structure; one over 32,767 bytes is cut into segments of `segmentBytes`. */
export function dss(format: number, correlation: number, content: Uint8Array, segmentBytes = 32_767): Uint8Array {
  const header = (length: number) => Buffer.concat([u16(length), u8(0xd0), u8(format), u16(correlation)]);
  if (content.length + 6 <= segmentBytes) return Buffer.concat([header(content.length + 6), content]);
  const pieces: Uint8Array[] = [header(0x8000 | segmentBytes), content.subarray(0, segmentBytes - 6)];
  for (let pos = segmentBytes - 6; pos < content.length; pos += segmentBytes - 2) {
    const piece = content.subarray(pos, pos + segmentBytes - 2);
    const more = pos + piece.length < content.length;
    pieces.push(u16((more ? 0x8000 : 0) | (piece.length + 2)), piece);
  }
  return Buffer.concat(pieces);
}

/** Commands with their objects, as one chain. `[command, object, object]` each. */
export function chain(...commands: readonly (readonly Uint8Array[])[]): Uint8Array {
  return structures(cp.DSS_REQUEST, commands);
}

/** Replies, as one chain; the n-th list answers the n-th command from `first` on. */
export function replies(first: number, ...answers: readonly (readonly Uint8Array[])[]): Uint8Array {
  return structures(cp.DSS_OBJECT, answers, first);
}

function structures(type: number, groups: readonly (readonly Uint8Array[])[], first = 1): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const [g, group] of groups.entries()) {
    for (const [i, content] of group.entries()) {
      const lastOfGroup = i === group.length - 1;
      const last = lastOfGroup && g === groups.length - 1;
      const own = type === cp.DSS_REQUEST && i > 0 ? cp.DSS_OBJECT : type;
      const flags = (last ? 0 : cp.CHAINED) | (lastOfGroup ? 0 : cp.SAME_CORRELATOR);
      pieces.push(dss(own | flags, first + g, content));
    }
  }
  return Buffer.concat(pieces);
}

export function section(number: number, name = 'SYSLH000', encode: (text: string) => Uint8Array = utf8): Uint8Array {
  const names = ['shop', 'NULLID', name].map((text) => encode(text.padEnd(18)));
  return object(cp.PKGNAMCSN, ...names, utf8('SYSLVL01'), u16(number));
}

/** SQLSTT with mixed text. */
export function sqlstt(text: string | Uint8Array, codePoint: number = cp.SQLSTT): Uint8Array {
  const bytes = typeof text === 'string' ? utf8(text) : text;
  return object(codePoint, u8(0), u32(bytes.length), bytes, u8(0xff));
}

export const prepare = (number: number, text: string): Uint8Array[] => [
  object(cp.PRPSQLSTT, section(number)),
  sqlstt(text),
];
export const immediate = (text: string): Uint8Array[] => [object(cp.EXCSQLIMM, section(1)), sqlstt(text)];
export const executeSection = (number: number, ...data: readonly Uint8Array[]): Uint8Array[] => [
  object(cp.EXCSQLSTT, section(number)),
  ...data,
];
export const openQuery = (number: number, ...data: readonly Uint8Array[]): Uint8Array[] => [
  object(cp.OPNQRY, section(number)),
  ...data,
];
export const fetchMore = (number: number): Uint8Array[] => [object(cp.CNTQRY, section(number))];
export const closeQuery = (number: number): Uint8Array[] => [object(cp.CLSQRY, section(number))];
export const commit: Uint8Array[] = [object(cp.RDBCMM)];
export const rollback: Uint8Array[] = [object(cp.RDBRLLBCK)];

/** Type and length of a column or parameter. */
export type ColumnType = readonly [number, number];

/** SQLDTA with one row: `types` are pairs of type and length, `row` the bytes behind the row's own indicator. */
export function sqldta(types: readonly ColumnType[], ...row: readonly Uint8Array[]): Uint8Array {
  return object(cp.SQLDTA, object(cp.FDODSC, group(types), ROW_LAYOUT), object(cp.FDODTA, u8(0), ...row));
}

const ROW_LAYOUT = Uint8Array.of(6, 0x71, 0xe4, 0xd0, 0, 1);

function group(types: readonly ColumnType[]): Uint8Array {
  const pairs = types.map(([type, length]) => Buffer.concat([u8(type), u16(length)]));
  return Buffer.concat([u8(3 + 3 * types.length), u8(0x76), u8(0xd0), ...pairs]);
}

/** QRYDSC of rows that begin with an SQLCA group. */
export function qrydsc(...types: readonly ColumnType[]): Uint8Array {
  const layout = Uint8Array.of(9, 0x71, 0xe0, 0x54, 0, 1, 0xd0, 0, 1, 6, 0x71, 0xf0, 0xe0, 0, 0);
  return object(cp.QRYDSC, group(types), layout);
}

export const qrydta = (...rows: readonly Uint8Array[]): Uint8Array => object(cp.QRYDTA, ...rows);
/** A row without SQLCA. */
export const row = (...values: readonly Uint8Array[]): Uint8Array => Buffer.concat([u8(0xff), u8(0), ...values]);
/** Where the rows end. */
export const endOfData = (): Uint8Array => Buffer.concat([sqlca(100, '02000'), u8(0xff)]);

/** SQLCAGRP. */
export function sqlca(code: number, state: string, rows = 0, message = '', product = 'CSS10140'): Uint8Array {
  const said = Buffer.from(message, 'latin1');
  return Buffer.concat([
    ...[u8(0), u32(code >>> 0), utf8(state.padEnd(5)), utf8(product)],
    ...[u8(0), u32(0), u32(0), u32(rows), u32(0), u32(0), u32(0), utf8(' '.repeat(11))],
    ...[u16(0), u16(said.length), said, u16(0), u8(0xff)],
  ]);
}

export const sqlcard = (code: number, state: string, rows = 0, message = '', product = 'CSS10140'): Uint8Array =>
  object(cp.SQLCARD, sqlca(code, state, rows, message, product));
export const done = (rows = 0): Uint8Array => sqlcard(0, '00000', rows);
export const sqlcardNull: Uint8Array = object(cp.SQLCARD, u8(0xff));
export const message = (codePoint: number, severity = 0, ...more: readonly Uint8Array[]): Uint8Array =>
  object(codePoint, object(cp.SVRCOD, u16(severity)), ...more);
export const committed: Uint8Array[] = [message(cp.ENDUOWRM, 4, object(cp.UOWDISP, u8(1))), sqlcardNull];
export const rolledBack: Uint8Array[] = [message(cp.ENDUOWRM, 4, object(cp.UOWDISP, u8(2))), sqlcardNull];
export const opened: Uint8Array = message(cp.OPNQRYRM);

export const toServer = (...parts: readonly Uint8Array[]): Turn => ({
  direction: TO_SERVER,
  bytes: Buffer.concat(parts),
});
export const toClient = (...parts: readonly Uint8Array[]): Turn => ({
  direction: TO_CLIENT,
  bytes: Buffer.concat(parts),
});

export const unicode: Uint8Array = object(cp.MGRLVLLS, u16(cp.SQLAM), u16(7), u16(cp.UNICODEMGR), u16(1208));

export interface LoginOptions {
  readonly user?: string;
  readonly mechanism?: number;
  readonly typdef?: string;
  /** CCSID of mixed and of single-byte text. */
  readonly ccsid?: number;
  readonly database?: string;
}

/** EXCSAT to ACCRDBRM: EBCDIC first, UTF-8 from the second chain on. */
export function login(options: LoginOptions = {}): Turn[] {
  const { user = 'alice', mechanism = 3, typdef = 'QTDSQLASC', ccsid = 1208, database = 'shop' } = options;
  const secmec = object(cp.SECMEC, u16(mechanism));
  const name = object(cp.RDBNAM, utf8(database));
  const identity = user === '' ? [] : [object(cp.USRID, utf8(user)), object(0x11a1, utf8('s3cret'))];
  const ccsids = object(cp.TYPDEFOVR, object(cp.CCSIDSBC, u16(ccsid)), object(cp.CCSIDMBC, u16(ccsid)));
  const representation = Buffer.concat([object(cp.TYPDEFNAM, utf8(typdef)), ccsids]);
  const excsat = object(cp.EXCSAT, object(cp.EXTNAM, ebcdic('app.main')), unicode);
  const serverName = object(cp.SRVCLSNM, ebcdic('QDERBY/JVM'));
  return [
    toServer(chain([excsat], [object(cp.ACCSEC, secmec, object(cp.RDBNAM, ebcdic(database)))])),
    toClient(replies(1, [object(cp.EXCSATRD, serverName, unicode)], [object(cp.ACCSECRD, secmec)])),
    toServer(
      chain(
        [object(cp.SECCHK, secmec, name, ...identity)],
        [object(cp.ACCRDB, name, object(cp.PRDID, utf8('DNC10140')), representation)],
      ),
    ),
    toClient(
      replies(
        1,
        [message(cp.SECCHKRM, 0, object(cp.SECCHKCD, u8(0)))],
        [message(cp.ACCRDBRM, 0, object(cp.PRDID, utf8('CSS10140')), representation)],
      ),
    ),
  ];
}

/** Plays the turns after a login; `midstream`: without one. */
export function run(turns: readonly Turn[], options?: LoginOptions | 'midstream'): AuditEvent[] {
  const midstream = options === 'midstream';
  const whole = midstream ? turns : [...login(options), ...turns];
  return playTurns(whole, midstream);
}

export function playTurns(turns: readonly Turn[], midstream = false): AuditEvent[] {
  return play(
    drda as ProtocolModule,
    turns.map(({ direction, bytes }) => ({ direction, bytes, lost: 0 })),
    midstream,
  );
}

export interface GapStep {
  readonly direction: Direction;
  readonly bytes: Uint8Array | undefined;
  readonly lost: number;
}

export const gap = (direction: Direction, lost: number): GapStep => ({ direction, bytes: undefined, lost });

/** The recorded values of one row of `types`, sent with an execution. */
export function bound(
  typeList: readonly ColumnType[],
  row: readonly Uint8Array[],
  options: LoginOptions = {},
  ...more: readonly Uint8Array[]
): readonly BindValue[] | undefined {
  const data = sqldta(typeList, ...row);
  const [event] = statements(
    run(
      [
        toServer(chain(prepare(2, 'call p'), executeSection(2, data, ...more))),
        toClient(replies(1, [sqlcardNull], [sqlcardNull])),
      ],
      options,
    ),
  );
  return event?.parameters;
}

export function statements(events: readonly AuditEvent[]): StatementEvent[] {
  return events.filter((event) => event.kind === 'statement');
}
