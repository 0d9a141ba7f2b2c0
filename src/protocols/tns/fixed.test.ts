/** The fixed dialects (F8 and N) as OCI writes them, by the offsets seen in captures of field versions 5 and 6; synthetic. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialectOfRequest } from './dialect.ts';
import { DIALECT_F1, DIALECT_F8, DIALECT_N, DIALECT_U } from './reader.ts';
import * as t from './testing.ts';

const POINTER = t.bytes(0xfe, new Uint8Array(7).fill(0xff));
const NONE = new Uint8Array(8);

function le32(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >>> 24) & 0xff);
}

function le16(value: number): Uint8Array {
  return le32(value).subarray(0, 2);
}

/** OALL8 with one VARCHAR2 bind. The announced length is three times the true one, as UTF-8 servers make OCI do. */
function execute(seq: number, sql: string, value: string, native: boolean): Uint8Array {
  const head = t.bytes(3, 0x5e, seq, le32(0x8029), le32(0), POINTER, le32(3 * sql.length), POINTER, le32(13));
  const middle = t.bytes(
    POINTER,
    POINTER,
    le32(0),
    le32(1),
    le32(0),
    POINTER,
    le32(1),
    ...Array<Uint8Array>(5).fill(NONE),
  );
  const defines = t.bytes(NONE, le32(0), le32(0), NONE, POINTER, NONE, le32(0), NONE, le32(0), le32(0));
  const text = t.bytes(t.clr(sql), le32(1), le32(1), ...Array<Uint8Array>(11).fill(le32(0)));
  const oac = native
    ? t.bytes(
        [1, 1, 3, 0, 0],
        le32(30),
        le32(0),
        new Uint8Array(14),
        le16(0),
        le16(178),
        1,
        new Uint8Array(9).fill(0xaa),
      )
    : t.bytes([1, 3, 0, 0], le32(30), le32(0), le32(0), le32(0), le16(0), le16(178), 1, le32(0));
  return t.bytes(head, middle, defines, text, oac, 7, t.clr(value));
}

function status(seq: number, native: boolean, error: number, rows: number, cursor: number): Uint8Array {
  const mark = native ? [1] : [];
  const size = native ? 136 : 66;
  const head = t.bytes(4, le32(1), le16(0), mark, le32(rows), le16(error), le32(0), le16(cursor), le16(0), 3);
  const whole = new Uint8Array(size);
  whole.set(head);
  whole[native ? 49 : 45] = seq;
  return t.bytes(whole, error === 0 ? '' : t.clr(`ORA-${String(error).padStart(5, '0')}: said the server\n`));
}

for (const native of [false, true]) {
  test(`dialect ${native ? 'N' : 'F8'}: text, bind, outcome, without a negotiation seen`, () => {
    const ask = (seq: number, error: number): t.Turns => [
      t.client(t.data(execute(seq, 'SELECT n FROM t WHERE c = :1', 'blue', native))),
      t.server(t.data(t.bytes(16, new Uint8Array(90), status(seq, native, error, 4, 2)))),
    ];
    const events = t.statements(t.run([...ask(3, 1403), ...ask(4, 942)], true));
    assert.deepEqual(
      events.map((event) => [
        event.text,
        event.parameters,
        event.outcomes[0]?.returnedRows,
        event.outcomes[0]?.errorCode,
      ]),
      [
        ['SELECT n FROM t WHERE c = :1', ['blue'], 4, undefined],
        ['SELECT n FROM t WHERE c = :1', ['blue'], undefined, 'ORA-00942'],
      ],
    );
  });
}

test('the first call of a connection tells its dialect', () => {
  const dialect = (call: Uint8Array): number => dialectOfRequest(call, 0, call.length);
  assert.equal(dialect(t.auth(1, 1, 'SCOTT', [])), DIALECT_U);
  assert.equal(dialect(t.bytes(3, 0x76, 2, 1, le32(5), le32(1), 1, le32(5), 1, 1, t.clr('SCOTT'))), DIALECT_F1);
  const wide = t.bytes(3, 0x76, 2, POINTER, le32(5), le32(1), POINTER, le32(5));
  assert.equal(dialect(t.bytes(wide, POINTER, POINTER, t.clr('SCOTT'))), DIALECT_F8);
  assert.equal(dialect(t.bytes(wide, le32(0x71eb8b16), POINTER, POINTER, t.clr('SCOTT'))), DIALECT_N);
  assert.equal(dialect(t.execute(3, { sql: 'SELECT 1 FROM dual' })), DIALECT_U);
  assert.equal(dialect(execute(3, 'SELECT 1 FROM dual', 'x', false)), DIALECT_F8);
});
