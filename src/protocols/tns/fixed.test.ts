/**
 * The fixed dialects as native clients write them: every width of pointers, byte order and alignment, at the field
 * versions that changed a layout; with the negotiation and from the middle. Synthetic: written from the layouts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StatementEvent } from '../../contracts/event.ts';
import { dialectOfRequest } from './dialect.ts';
import {
  BIG_ENDIAN,
  baseDialect,
  DIALECT_F1,
  DIALECT_F4,
  DIALECT_F8,
  DIALECT_N,
  DIALECT_N4,
  DIALECT_NA,
  DIALECT_U,
  type Dialect,
  isNative,
} from './reader.ts';
import * as t from './testing.ts';
import { FixedWriter } from './testing-fixed.ts';

const DIALECTS: readonly (readonly [name: string, dialect: Dialect])[] = [
  ['F1', DIALECT_F1],
  ['F4', DIALECT_F4],
  ['F8', DIALECT_F8],
  ['N', DIALECT_N],
  ['N4', DIALECT_N4],
  ['NA', DIALECT_NA],
];
const ORDERS: readonly (readonly [name: string, bit: number])[] = [
  ['little-endian', 0],
  ['big-endian', BIG_ENDIAN],
];
const VERSIONS: readonly number[] = [2, 4, 5, 6, 7, 8, 9, 12, 16, 24];

/** CONNECT to the data types, for a dialect: equal platforms where it is native, a list of types where not. */
function negotiated(dialect: Dialect, fieldVersion: number): t.Turns {
  const platform = isNative(dialect) ? 'Linux' : 'AIX';
  // Types 1 to 8 filled up, then a two-byte integer and a pointer with the representations that the server chose.
  const entry = (type: number, representation: number): Uint8Array =>
    t.bytes(t.u16(type), t.u16(1), t.u16(representation), t.u16(0));
  const plain = [1, 2, 5, 8, 11, 12, 23, 24].map((type) => entry(type, 1));
  const list = t.bytes(...plain, entry(28, 22), entry(32, baseDialect(dialect) === DIALECT_F1 ? 1 : 12), t.u16(0));
  return [
    t.client(t.connect()),
    t.server(t.accept()),
    t.client(t.data(t.bytes(1, 6, 5, 4, 0, platform, 0))),
    t.server(t.data(t.serverProtocol(fieldVersion))),
    t.client(t.data(t.clientTypes(fieldVersion))),
    t.server(t.data(isNative(dialect) ? t.bytes(2) : t.bytes(2, list))),
  ];
}

const TEXT = 'INSERT INTO t (a, b) VALUES (:1, :2)';
const QUERY = 'SELECT n FROM t WHERE c = :1';
const number = (value: number): Uint8Array => t.clr([0xc1, value + 1]);

/** A session of calls and replies, as a native client and its server write them. */
function calls(w: FixedWriter): t.Turns {
  const ask = (...payload: readonly Uint8Array[]): t.Turns[number] => t.client(...payload.map((one) => t.data(one)));
  const binds = [
    { type: 2, maxBytes: 22, charset: 0 },
    { type: 1, maxBytes: 30, form: 1 },
  ];
  const query = w.execute(6, {
    sql: QUERY,
    query: true,
    options: 0x8069,
    binds: [{ type: 1, maxBytes: 30, form: 1 }],
    rows: [[t.clr('blue')]],
  });
  return [
    ask(w.execute(3, { sql: TEXT, binds, rows: [[number(7), t.clr('one')]] })),
    t.server(t.data(t.bytes(8, new Uint8Array(20), w.status(3, { rows: 1, cursor: 2, sqlType: 2 })))),
    ask(w.reexecute(4, 2, [[number(8), t.clr('two')]])),
    t.server(t.data(t.bytes(8, new Uint8Array(20), w.status(4, { rows: 1, cursor: 2, sqlType: 2 })))),
    ask(w.closeCursors(5, [2], query)),
    t.server(t.data(t.bytes(16, new Uint8Array(90), w.status(6, { rows: 4, cursor: 3, sqlType: 3 })))),
    ask(w.fetch(7, 3, 10)),
    t.server(
      t.data(
        t.bytes(7, w.status(7, { rows: 9, error: 1403, text: 'ORA-01403: no data found\n', cursor: 3, sqlType: 3 })),
      ),
    ),
    ask(w.execute(8, { sql: 'DELETE FROM missing' })),
    t.server(t.data(w.status(8, { error: 942, text: 'ORA-00942: table or view does not exist\n' }))),
  ];
}

function summary(events: readonly StatementEvent[]): unknown[] {
  return events.map((event) => [
    event.text,
    event.parameters,
    event.outcomes[0]?.affectedRows ?? event.outcomes[0]?.returnedRows,
    event.outcomes[0]?.errorCode,
  ]);
}

const EXPECTED: readonly unknown[] = [
  [TEXT, [7, 'one'], 1, undefined],
  [TEXT, [8, 'two'], 1, undefined],
  [QUERY, ['blue'], 9, undefined],
  ['DELETE FROM missing', undefined, undefined, 'ORA-00942'],
];

for (const [name, base] of DIALECTS) {
  for (const [order, bit] of ORDERS) {
    test(`dialect ${name}, ${order}: text, binds, re-execution, fetch, outcome at every field version`, () => {
      for (const fieldVersion of VERSIONS) {
        const writer = new FixedWriter(base + bit, fieldVersion);
        const events = t.run([...negotiated(base, fieldVersion), ...calls(writer)]);
        assert.deepEqual(summary(t.statements(events)), EXPECTED, `field version ${fieldVersion}`);
        for (const event of t.statements(events)) assert.equal(event.marks, 0, `field version ${fieldVersion}`);
      }
    });

    test(`dialect ${name}, ${order}: the same, picked up in the middle`, () => {
      for (const fieldVersion of VERSIONS) {
        const events = t.statements(t.run(calls(new FixedWriter(base + bit, fieldVersion)), true));
        assert.deepEqual(summary(events), EXPECTED, `field version ${fieldVersion}`);
      }
    });
  }
}

test('aligned arguments that are not filled up at their end', () => {
  for (const fieldVersion of VERSIONS) {
    const writer = new FixedWriter(DIALECT_NA, fieldVersion, false);
    const events = t.statements(t.run([...negotiated(DIALECT_NA, fieldVersion), ...calls(writer)]));
    assert.deepEqual(summary(events), EXPECTED, `field version ${fieldVersion}`);
  }
});

test('login of native clients: who, from where, which privilege', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...DIALECTS),
      fc.constantFrom(...ORDERS),
      fc.constantFrom(...VERSIONS.filter((version) => version > 2)),
      fc.stringMatching(/^[a-z]{5,30}$/),
      ([, base], [, bit], fieldVersion, user) => {
        const w = new FixedWriter(base + bit, fieldVersion);
        const pairs = [
          w.pair('AUTH_TERMINAL', 'pts/1'),
          w.pair('AUTH_PROGRAM_NM', 'sqlplus'),
          w.pair('AUTH_SID', 'ann'),
        ];
        const events = t.run([
          ...negotiated(base, fieldVersion),
          t.client(t.data(w.auth(1, 1, user, pairs, 0x21))),
          t.server(t.data(t.bytes(8, w.int(0, 2), w.status(1)))),
          t.client(t.data(w.auth(2, 2, user, [w.pair('AUTH_PASSWORD', '53FC1E7'), ...pairs], 0x121))),
          t.server(t.data(t.bytes(8, w.int(0, 2), w.status(2)))),
        ]);
        const [login, ...others] = t.logins(events);
        assert.deepEqual(others, []);
        assert.equal(login?.identity.user, user);
        assert.equal(login?.identity.osUser, 'ann');
        assert.equal(login?.identity.program, 'sqlplus');
        assert.equal(login?.identity.effectiveUser, 'SYS');
        assert.equal(login?.method, 'o5logon as sysdba');
        assert.equal(login?.errorCode, undefined);
        assert.equal(login?.marks, 0);
      },
    ),
    { seed: 42, numRuns: 300 },
  );
});

test('end-to-end attributes of OCI: seven pairs, or eight from 12c on', () => {
  for (const [name, base] of DIALECTS) {
    for (const [, bit] of ORDERS) {
      for (const pairs of [7, 8, 9]) {
        const w = new FixedWriter(base + bit, 6);
        const call = t.bytes(3, 0x0e, 4);
        const events = t.statements(
          t.run([
            ...negotiated(base, 6),
            t.client(t.data(w.execute(2, { sql: 'DELETE FROM a' }))),
            t.server(t.data(w.status(2, { rows: 1, cursor: 1 }))),
            t.client(t.data(w.endToEnd(3, 'web-user-7', 'orders', pairs, call))),
            t.server(t.data(w.status(4))),
          ]),
        );
        assert.deepEqual(
          events.map((event) => [event.text ?? event.operation, event.identity.endUser]),
          [
            ['DELETE FROM a', undefined],
            ['COMMIT', 'web-user-7'],
          ],
          `${name}, ${pairs} pairs`,
        );
      }
    }
  }
});

test('LOB calls of native clients: operation, locator, offset, amount, bytes', () => {
  for (const [name, base] of DIALECTS.filter(([, one]) => one !== DIALECT_N)) {
    for (const [, bit] of ORDERS) {
      for (const fieldVersion of VERSIONS) {
        const w = new FixedWriter(base + bit, fieldVersion);
        const [read, write] = t.statements(
          t.run([
            ...negotiated(base, fieldVersion),
            t.client(t.data(w.auth(1, 1, 'scott', []))),
            t.server(t.data(t.bytes(8, w.int(0, 2), w.status(1)))),
            t.client(t.data(w.lob(2, 0x02, 5, 300))),
            t.server(t.data(t.bytes(14, t.clr(new Uint8Array(300)), w.status(2)))),
            t.client(t.data(w.lob(3, 0x40, 1, 20, new Uint8Array(20)))),
            t.server(t.data(w.status(3))),
          ]),
        );
        const locator = { type: 'LOB locator', hex: `0026${'07'.repeat(38)}` };
        assert.equal(read?.operation, 'LOB READ', name);
        assert.deepEqual(read?.parameters, [locator, 5, 300], `${name}, field version ${fieldVersion}`);
        assert.deepEqual(write?.parameters, [locator, 1, 20], `${name}, field version ${fieldVersion}`);
        assert.equal(write?.outcomes[0]?.bulkBytes, 20);
      }
    }
  }
});

test('the first call of a connection tells its dialect', () => {
  const dialect = (call: Uint8Array): number => dialectOfRequest(call, 0, call.length);
  assert.equal(dialect(t.auth(1, 1, 'SCOTT', [])), DIALECT_U);
  assert.equal(dialect(t.execute(3, { sql: 'SELECT 1 FROM dual' })), DIALECT_U);
  for (const [, bit] of ORDERS) {
    for (const base of [DIALECT_F1, DIALECT_F4, DIALECT_F8, DIALECT_N]) {
      const writer = new FixedWriter(base + bit, 5);
      assert.equal(dialect(writer.auth(1, 1, 'SCOTT', [])), base + bit);
      const packed = base === DIALECT_N ? DIALECT_F8 : base;
      assert.equal(dialect(writer.execute(3, { sql: 'SELECT 1 FROM dual' })), packed + bit);
    }
  }
});
