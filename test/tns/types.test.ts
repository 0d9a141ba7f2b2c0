/** Every type that Oracle's thin driver binds: the record holds what the program bound, at each field version. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { done, observe, oracledb, statements } from './observe.ts';

const at = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789));
/** The time on this machine's clock, as the driver writes times without a zone. */
function local(date: Date): string {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
}
const construct = (name: string, argument: unknown): unknown =>
  new (oracledb[name] as new (argument: unknown) => unknown)(argument);
const document = {
  name: 'größe ✓',
  count: 42,
  price: -123.45,
  flags: [true, false, null],
  nested: { empty: {}, list: [], text: 'y'.repeat(300), deep: [[1], [2, [3]]] },
};

interface Bound {
  readonly type: string;
  readonly value: unknown;
  readonly expected: unknown;
}

/** Types of all servers, each with what was bound and what the record says of it. */
const COMMON: readonly Bound[] = [
  { type: 'DB_TYPE_VARCHAR', value: 'größe ✓', expected: 'größe ✓' },
  { type: 'DB_TYPE_VARCHAR', value: '', expected: null },
  { type: 'DB_TYPE_CHAR', value: 'x  ', expected: 'x  ' },
  { type: 'DB_TYPE_NVARCHAR', value: 'größe ✓ 😀', expected: 'größe ✓ 😀' },
  { type: 'DB_TYPE_NCHAR', value: 'ü', expected: 'ü' },
  { type: 'DB_TYPE_LONG', value: 'long', expected: 'long' },
  { type: 'DB_TYPE_NUMBER', value: 0, expected: 0 },
  { type: 'DB_TYPE_NUMBER', value: -1, expected: -1 },
  { type: 'DB_TYPE_NUMBER', value: 1e100, expected: `1${'0'.repeat(100)}` },
  { type: 'DB_TYPE_NUMBER', value: 1.5e-20, expected: '0.000000000000000000015' },
  { type: 'DB_TYPE_NUMBER', value: 12_345_678_901_234_567_890n, expected: '12345678901234567890' },
  { type: 'DB_TYPE_NUMBER', value: null, expected: null },
  { type: 'DB_TYPE_BINARY_INTEGER', value: 2_147_483_647, expected: 2_147_483_647 },
  { type: 'DB_TYPE_BINARY_DOUBLE', value: -1.5e300, expected: -1.5e300 },
  { type: 'DB_TYPE_BINARY_FLOAT', value: 0.25, expected: 0.25 },
  { type: 'DB_TYPE_RAW', value: Buffer.from('c0ffee', 'hex'), expected: { type: 'RAW', hex: 'c0ffee' } },
  { type: 'DB_TYPE_LONG_RAW', value: Buffer.from('00ff', 'hex'), expected: { type: 'LONG RAW', hex: '00ff' } },
  { type: 'DB_TYPE_TIMESTAMP_TZ', value: at, expected: '2024-02-29T12:34:56.789Z' },
  { type: 'DB_TYPE_TIMESTAMP_LTZ', value: at, expected: '2024-02-29T12:34:56.789' },
  { type: 'DB_TYPE_DATE', value: at, expected: local(at).slice(0, -4) },
  { type: 'DB_TYPE_TIMESTAMP', value: at, expected: local(at) },
  { type: 'DB_TYPE_INTERVAL_YM', value: construct('IntervalYM', { years: 3, months: 7 }), expected: '3-07' },
  { type: 'DB_TYPE_INTERVAL_YM', value: construct('IntervalYM', { years: -1, months: -2 }), expected: '-1-02' },
  {
    type: 'DB_TYPE_INTERVAL_DS',
    value: construct('IntervalDS', { days: 2, hours: 3, minutes: 4, seconds: 5, fseconds: 6 }),
    expected: '2 03:04:05.000000006',
  },
  { type: 'DB_TYPE_BOOLEAN', value: true, expected: true },
  { type: 'DB_TYPE_BOOLEAN', value: false, expected: false },
  { type: 'DB_TYPE_BOOLEAN', value: null, expected: null },
  { type: 'DB_TYPE_JSON', value: document, expected: JSON.stringify(document) },
  { type: 'DB_TYPE_JSON', value: [1, 'two', null], expected: '[1,"two",null]' },
  { type: 'DB_TYPE_JSON', value: 'scalar', expected: '"scalar"' },
  { type: 'DB_TYPE_JSON', value: at, expected: '"2024-02-29T12:34:56.789"' },
];
/** Types of 23ai. */
const VECTORS: readonly Bound[] = [
  { type: 'DB_TYPE_VECTOR', value: new Float32Array([1.5, -2, 0]), expected: '[1.5,-2,0]' },
  { type: 'DB_TYPE_VECTOR', value: new Float64Array([0.1, 1e300]), expected: '[0.1,1e+300]' },
  { type: 'DB_TYPE_VECTOR', value: new Int8Array([-128, 0, 127]), expected: '[-128,0,127]' },
  { type: 'DB_TYPE_VECTOR', value: new Uint8Array([255, 1]), expected: '[255,1]' },
  {
    type: 'DB_TYPE_VECTOR',
    value: construct('SparseVector', { numDimensions: 30, indices: [9, 29], values: [2.5, -1] }),
    expected: '[30,[9,29],[2.5,-1]]',
  },
];

for (const fieldVersion of [7, 8, 12, 24]) {
  test(`field version ${fieldVersion}: each bind type on its own, and all at once`, async () => {
    const binds = fieldVersion === 24 ? [...COMMON, ...VECTORS] : COMMON;
    const variable = ({ type, value }: Bound): unknown => ({ val: value, type: oracledb[type] });
    const marks = binds.map((_, i) => `:${i + 1}`).join(', ');
    const records = await observe({ fieldVersion }, async (c, server) => {
      for (const [i, bind] of binds.entries()) {
        done(server, { rows: 1, cursor: 3 });
        await c.execute(`insert into t${i} values (:1)`, [variable(bind)]);
      }
      done(server, { rows: 1, cursor: 3 });
      await c.execute(`insert into t values (${marks})`, binds.map(variable));
      done(server, { rows: 1, cursor: 3 });
      await c.execute(`insert into t values (${marks})`, binds.map(variable));
    });
    const seen = statements(records);
    assert.equal(seen.length, binds.length + 2);
    for (const [i, bind] of binds.entries()) {
      assert.equal(seen[i]?.['db.query.text'], `insert into t${i} values (:1)`);
      assert.deepEqual(seen[i]?.['db.query.parameters'], [bind.expected], `${bind.type}, number ${i}`);
    }
    for (const record of seen.slice(binds.length)) {
      assert.deepEqual(
        record['db.query.parameters'],
        binds.map(({ expected }) => expected),
      );
      assert.equal(record['audit.marks'], undefined);
    }
  });
}

test('PL/SQL arrays: their values in order', async () => {
  const records = await observe({ fieldVersion: 12 }, async (c, server) => {
    done(server, { rows: 1, cursor: 3 });
    await c.execute('begin add_all(:names, :ids); end;', {
      names: { type: oracledb['STRING'], dir: oracledb['BIND_IN'], val: ['ann', null, 'bob'] },
      ids: { type: oracledb['NUMBER'], dir: oracledb['BIND_IN'], val: [7, 8] },
    });
  });
  assert.deepEqual(statements(records)[0]?.['db.query.parameters'], ['ann', null, 'bob', 7, 8]);
});
