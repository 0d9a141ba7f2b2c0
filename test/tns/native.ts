/**
 * Sessions of native clients and of the thin driver of 9i, written by the builders of `src/protocols/tns`: no such
 * client runs here, so that these bytes are synthetic on both sides.
 */
import { DIALECT_F8, DIALECT_NA, type Dialect } from '#src/protocols/tns/reader.js';
import * as t from '#src/protocols/tns/testing.js';
import { FixedWriter } from '#src/protocols/tns/testing-fixed.js';
import type { Heard } from '../support/recorder.ts';

const DESCRIPTOR =
  '(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=shop)(CID=(PROGRAM=sqlplus)(HOST=desk7)(USER=ann)))' +
  '(ADDRESS=(PROTOCOL=TCP)(HOST=10.0.0.2)(PORT=1521)))';
const NO_DATA = 'ORA-01403: no data found\n';

/** Up to the data types: equal platforms where the dialect is native, else the list in which the server chose. */
function opening(
  fieldVersion: number,
  platforms: readonly [client: string, server: string],
  list: Uint8Array,
): t.Turns {
  const [client, server] = platforms;
  const caps = t.caps(fieldVersion);
  const runtime = new Uint8Array(7);
  const protocol = t.bytes(1, 6, 0, server, 0, [0x69, 0x03], 1, [0, 0], t.u16(0), caps.length, caps, 7, runtime);
  return [
    t.client(t.connect(DESCRIPTOR)),
    t.server(t.packet(11, new Uint8Array(0))),
    t.client(t.connect(DESCRIPTOR)),
    t.server(t.accept()),
    t.client(t.data(t.bytes(1, 6, 5, 4, 3, 2, 1, 0, client, 0))),
    t.server(t.data(protocol)),
    t.client(t.data(t.clientTypes(fieldVersion))),
    t.server(t.data(t.bytes(2, list))),
  ];
}

/** Types 25 to 33 with the representations of little-endian machines and pointers of eight bytes. */
function packedTypes(): Uint8Array {
  const chosen = [1, 1, 24, 25, 10, 22, 23, 23, 25, 12, 12];
  const numbers = [1, 2, 25, 26, 27, 28, 29, 30, 31, 32, 33];
  const entries = numbers.map((number, i) => t.bytes(t.u16(number), t.u16(1), t.u16(chosen[i] ?? 1), t.u16(0)));
  return t.bytes(...entries, t.u16(0));
}

/** sqlplus: login, queries with and without binds, DML twice, an error, a block, closed cursors, logoff. */
function sqlplus(dialect: Dialect, fieldVersion: number): t.Turns {
  const w = new FixedWriter(dialect, fieldVersion);
  const pairs = ['AUTH_TERMINAL=pts/1', 'AUTH_PROGRAM_NM=sqlplus@desk7', 'AUTH_MACHINE=desk7', 'AUTH_SID=ann'].map(
    (one) => w.pair(one.split('=')[0] ?? '', one.split('=')[1] ?? ''),
  );
  const text = { type: 1, maxBytes: 32, charset: 873, form: 1 };
  const number = { type: 2, maxBytes: 22, charset: 0 };
  const ask = (payload: Uint8Array): t.Turns[number] => t.client(t.data(payload));
  const answer = (...parts: readonly t.Part[]): t.Turns[number] => t.server(t.data(t.bytes(...parts)));
  const parameters = t.bytes(8, 6, new Uint8Array(31));
  const insert = { sql: 'INSERT INTO orders (id, note) VALUES (:1, :2)', binds: [number, text] };
  return [
    ask(w.auth(1, 1, 'scott', pairs)),
    answer(8, w.int(0, 2), w.status(1)),
    ask(w.auth(2, 2, 'scott', pairs, 0x101)),
    answer(8, w.int(0, 2), w.status(2)),
    ask(w.execute(3, { sql: 'SELECT USER FROM DUAL', query: true, options: 0x8061 })),
    answer(16, new Uint8Array(90), 7, t.clr('SCOTT'), parameters, w.status(3, { rows: 1, cursor: 1, sqlType: 3 })),
    ask(w.fetch(4, 1, 15)),
    answer(w.status(4, { rows: 1, cursor: 1, sqlType: 3, error: 1403, text: NO_DATA })),
    ask(w.closeCursors(5, [1], w.execute(6, { ...insert, rows: [[t.clr([0xc1, 8]), t.clr('blue ✓')]] }))),
    answer(parameters, w.status(6, { rows: 1, cursor: 2, sqlType: 2 })),
    ask(w.reexecute(7, 2, [[t.clr([0xc1, 9]), t.clr('red')]])),
    answer(parameters, w.status(7, { rows: 1, cursor: 2, sqlType: 2 })),
    ask(w.endToEnd(8, 'web-user-7', 'orders', fieldVersion >= 7 ? 8 : 7, t.bytes(3, 0x0e, 9))),
    answer(w.status(9)),
    ask(w.execute(10, { sql: 'DELETE FROM missing' })),
    t.server(t.packet(12, t.bytes(1, 0, 1)), t.packet(12, t.bytes(1, 0, 2))),
    t.client(t.packet(12, t.bytes(1, 0, 2))),
    answer(w.status(10, { error: 942, text: 'ORA-00942: table or view does not exist\n', cursor: 3 })),
    ask(w.execute(11, { sql: 'BEGIN DBMS_OUTPUT.DISABLE; END;', options: 0x421 })),
    answer(parameters, w.status(11, { rows: 1, cursor: 3, sqlType: 47 })),
    ask(t.bytes(3, 9, 12)),
    answer(w.status(12)),
    t.client(t.data(new Uint8Array(0), 0x40)),
  ];
}

/** The sessions by name, each with what its README says of it. */
export const NATIVE_SESSIONS: readonly (readonly [name: string, about: string, turns: t.Turns])[] = [
  [
    'oci-11g-packed',
    'sqlplus 11.2 on Linux against Windows: fixed integers, packed (dialect F8, field version 6)',
    [...opening(6, ['x86_64/Linux 2.4.xx', 'IBMPC/WIN_NT64-9.1.0'], packedTypes()), ...sqlplus(DIALECT_F8, 6)],
  ],
  [
    'oci-18c-native',
    'sqlplus of 18c and later between equal platforms: C structs, aligned (dialect NA, field version 11)',
    [...opening(11, ['x86_64/Linux 2.4.xx', 'x86_64/Linux 2.4.xx'], new Uint8Array(0)), ...sqlplus(DIALECT_NA, 11)],
  ],
];

/** What a tap would have heard. */
export function heard(turns: t.Turns): Heard[] {
  return turns.map(({ direction, bytes }) => ({ from: direction === 1 ? 'server' : 'client', bytes }));
}
