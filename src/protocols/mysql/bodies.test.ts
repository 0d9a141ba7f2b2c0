/** Values of executions longer than what is kept: none is left out, and none is held. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BindValue,
  MARK_GAP,
  MARK_MALFORMED,
  MARK_TRUNCATED,
  type StatementEvent,
} from '../../contracts/event.ts';
import { TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import * as c from './constants.ts';
import { LIMITS, TAIL_KEPT_BYTES_MAX } from './limits.ts';
import * as t from './testing.ts';

const VARCHAR = 253;
const BLOB = 252;
const LONG = 3;
const DATETIME = 12;
const TEXT = 'INSERT INTO t VALUES (?)';

function hashOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The value as it is kept: whole when it is short. */
function kept(value: string): BindValue {
  if (value.length <= LIMITS.valueBytesMax) return value;
  const text = value.slice(0, LIMITS.valueBytesMax);
  return { type: 'varchar', text, length: value.length, sha256: hashOf(value) };
}

function prepare(parameters: number): t.Turns {
  return [t.client(t.command(c.COM_STMT_PREPARE, TEXT)), t.server(t.prepared(1, parameters, 0))];
}

/** The one statement that `request` makes, sent in pieces of `pieceBytes`. */
function executed(parameters: number, request: Uint8Array, before: t.Turns = [], pieceBytes = 65_536): StatementEvent {
  const pieces = Array.from({ length: Math.ceil(request.length / pieceBytes) }, (_, i) =>
    t.client(request.subarray(i * pieceBytes, (i + 1) * pieceBytes)),
  );
  const turns = [...t.opening(), ...prepare(parameters), ...before, ...pieces, t.server(t.ok(1))];
  const [statement, ...others] = t.statements(t.run(turns));
  assert.ok(statement && others.length === 0);
  return statement;
}

const first = 'f'.repeat(LIMITS.frameBytesMax + 777);
const second = 's'.repeat(3 * LIMITS.valueBytesMax);
const blob = Buffer.alloc(LIMITS.valueBytesMax + 1, 7);
const types = [VARCHAR, LONG, VARCHAR, BLOB, VARCHAR, DATETIME, VARCHAR, LONG];
const day = t.bytes(11, t.u16(2024), 2, 29, 12, 34, 56, t.u32(789_000));
const values = [t.str(first), t.u32(42), t.str(second), t.str(blob), undefined, day, t.str(''), t.u32(0xffffffff)];
const expected: readonly BindValue[] = [
  kept(first),
  42,
  kept(second),
  {
    type: 'blob',
    hex: blob.subarray(0, LIMITS.valueBytesMax).toString('hex'),
    length: blob.length,
    sha256: hashOf(blob),
  },
  null,
  '2024-02-29 12:34:56.789000',
  '',
  -1,
];

test('STMT_EXECUTE beyond the kept part: every value has its length and hash, or is there as a whole', () => {
  const request = t.execute(1, types, values);
  for (const pieceBytes of [request.length, 65_536, 1009]) {
    const statement = executed(types.length, request, [], pieceBytes);
    assert.deepEqual(statement.parameters, expected);
    assert.equal(statement.marks, 0);
  }
});

test('values in a message of several 16 MB packets', () => {
  const huge = 'h'.repeat(c.PAYLOAD_MAX - 5);
  const request = t.execute(1, [VARCHAR, VARCHAR, LONG], [t.str(huge), t.str('behind it'), t.u32(7)]);
  const statement = executed(3, request);
  assert.deepEqual(statement.parameters, [kept(huge), 'behind it', 7]);
  assert.equal(statement.marks, 0);
});

test('values behind the kept part, wherever its end falls', () => {
  const item = fc.oneof(
    fc.string({ maxLength: 6 }).map((text) => ({ type: VARCHAR, wire: t.str(text), value: text as BindValue })),
    fc.integer({ min: 0, max: 99 }).map((n) => ({ type: LONG, wire: t.u32(n), value: n as BindValue })),
    fc.constant({ type: DATETIME, wire: day, value: '2024-02-29 12:34:56.789000' as BindValue }),
    fc.constant({ type: VARCHAR, wire: undefined, value: null as BindValue }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 90 }), fc.array(item, { minLength: 1, maxLength: 10 }), (more, rest) => {
      const padding = 'p'.repeat(LIMITS.frameBytesMax - 90 + more);
      const all = [{ type: VARCHAR, wire: t.str(padding) }, ...rest];
      const request = t.execute(
        1,
        all.map(({ type }) => type),
        all.map(({ wire }) => wire),
      );
      const statement = executed(all.length, request);
      assert.deepEqual(
        statement.parameters?.slice(1),
        rest.map(({ value }) => value),
      );
      assert.equal(statement.marks, 0);
    }),
    { seed: 42, numRuns: 100 },
  );
});

test('a parameter sent apart has its place among values that come later', () => {
  const apart = t.client(t.command(c.COM_STMT_SEND_LONG_DATA, t.u32(1), t.u16(1), 'sent apart'));
  const head = t.bytes(t.u32(1), 0, t.u32(1), 0, 1, t.u16(VARCHAR), t.u16(BLOB), t.u16(VARCHAR));
  const request = t.command(c.COM_STMT_EXECUTE, head, t.str(first), t.str('last'));
  const statement = executed(3, request, [apart]);
  const value = { type: 'blob', hex: Buffer.from('sent apart').toString('hex') };
  assert.deepEqual(statement.parameters, [kept(first), value, 'last']);
});

function lossy(request: Uint8Array, at: number, lost: number): StatementEvent {
  const turns = [...t.opening(), ...prepare(types.length)];
  const [statement] = t.statements(
    t.runLossy([
      ...turns,
      { direction: TO_SERVER, bytes: request.subarray(0, at) },
      { direction: TO_SERVER, bytes: lost },
      { direction: TO_SERVER, bytes: request.subarray(at + lost) },
      { direction: TO_CLIENT, bytes: t.ok(1) },
    ]),
  );
  assert.ok(statement);
  return statement;
}

test('a loss among the values behind the kept part: those before it stay, the statement is marked', () => {
  const statement = lossy(t.execute(1, types, values), LIMITS.frameBytesMax + 3000, 500);
  assert.deepEqual(statement.parameters, expected.slice(0, 2));
  assert.equal(statement.marks, MARK_TRUNCATED | MARK_GAP);
  assert.equal(statement.lostBytes, 500);
});

test('values that claim more than the message has, or more than there are', () => {
  const two = [VARCHAR, VARCHAR];
  const lie = executed(2, t.execute(1, two, [t.str(first), t.bytes(t.lenenc(5000), 'abc')]));
  assert.deepEqual(lie.parameters, [kept(first)]);
  assert.equal(lie.marks, MARK_TRUNCATED | MARK_MALFORMED);
  const excess = executed(2, t.execute(1, two, [t.str(first), t.bytes(t.str('last'), 'and more')]));
  assert.deepEqual(excess.parameters, [kept(first), 'last']);
  assert.equal(excess.marks, MARK_TRUNCATED);
  const unknown = executed(2, t.execute(1, [VARCHAR, 99], [t.str(first), new Uint8Array(100)]));
  assert.equal(unknown.marks, MARK_TRUNCATED | MARK_MALFORMED);
});

test('many long values: what is kept of them is bounded, what is said of them is not', () => {
  const long = 'x'.repeat(LIMITS.valueBytesMax + 1);
  const count = 2 * Math.ceil(TAIL_KEPT_BYTES_MAX / LIMITS.valueBytesMax) + 10;
  const all = [t.str(first), ...new Array<Uint8Array>(count).fill(t.str(long))];
  const statement = executed(all.length, t.execute(1, new Array<number>(all.length).fill(VARCHAR), all));
  const texts = statement.parameters?.slice(1) as { text: string; length: number; sha256: string }[];
  assert.equal(texts.length, count);
  assert.ok(texts.every(({ length, sha256 }) => length === long.length && sha256 === hashOf(long)));
  const keptBytes = texts.reduce((sum, { text }) => sum + text.length, 0);
  assert.ok(keptBytes <= TAIL_KEPT_BYTES_MAX, `${keptBytes} bytes kept`);
});

test('MariaDB bulk beyond the kept part: rows and indicators go on', () => {
  const rows = t.bytes(0, t.str(first), 0, t.u32(1), 1, 0, t.u32(2), 0, t.str(second), 2);
  const head = t.bytes(t.u32(1), t.u16(c.BULK_SEND_TYPES), t.u16(VARCHAR), t.u16(LONG));
  const statement = executed(2, t.command(c.MARIADB_COM_STMT_BULK_EXECUTE, head, rows));
  const byDefault = { type: 'default', hex: '' };
  assert.deepEqual(statement.parameters, [kept(first), 1, null, 2, kept(second), byDefault]);
  assert.equal(statement.marks, 0);
});

test('MariaDB bulk beyond the kept part: a bounded number of values, and a row that ends early', () => {
  const head = t.bytes(t.u32(1), t.u16(c.BULK_SEND_TYPES), t.u16(VARCHAR));
  const many = t.bytes(0, t.str(first), ...Array.from({ length: 3000 }, () => t.bytes(0, t.str('v'))));
  const cut = executed(1, t.command(c.MARIADB_COM_STMT_BULK_EXECUTE, head, many));
  assert.equal(cut.parameters?.length, 1024);
  assert.equal(cut.marks, MARK_TRUNCATED);
  const early = executed(1, t.command(c.MARIADB_COM_STMT_BULK_EXECUTE, head, t.bytes(0, t.str(first), 0, 200, 'v')));
  assert.deepEqual(early.parameters, [kept(first)]);
  assert.equal(early.marks, MARK_TRUNCATED | MARK_MALFORMED);
});

test('an execution in flight with its prepare keeps all that is there of its values', () => {
  const value = 'v'.repeat(LIMITS.frameBytesMax - 100);
  const turns = [
    ...t.opening(),
    t.client(t.command(c.COM_STMT_PREPARE, TEXT), t.execute(-1, [VARCHAR, LONG], [t.str(value), t.u32(5)])),
    t.server(t.prepared(1, 2, 0), t.ok(1)),
  ];
  const [statement] = t.statements(t.run(turns));
  assert.deepEqual(statement?.parameters, [kept(value), 5]);
  assert.equal(statement?.marks, 0);
});

test('any bytes behind the kept part: no throw, and segmentation decides nothing', () => {
  const kinds = fc.array(fc.constantFrom(VARCHAR, LONG, DATETIME, BLOB, 11, 8, 6, 99), { minLength: 1, maxLength: 6 });
  const parts = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.constantFrom(day, t.str('ok'), Uint8Array.of(0xfb, 1, 0)),
  );
  const hostile = fc.array(parts, { maxLength: 30 }).map((all) => t.bytes(...all));
  fc.assert(
    fc.property(fc.boolean(), kinds, hostile, fc.integer({ min: 1, max: 40 }), (bulk, others, rest, pieceBytes) => {
      const all = [VARCHAR, ...others];
      const wireTypes = t.bytes(...all.map(t.u16));
      const request = bulk
        ? t.command(
            c.MARIADB_COM_STMT_BULK_EXECUTE,
            t.u32(1),
            t.u16(c.BULK_SEND_TYPES),
            wireTypes,
            0,
            t.str(first),
            rest,
          )
        : t.command(c.COM_STMT_EXECUTE, t.u32(1), 0, t.u32(1), 0, 1, wireTypes, t.str(first), rest);
      const at = request.length - rest.length - 20;
      const said = [request.length, pieceBytes].map((size) => {
        const count = Math.ceil((request.length - at) / size);
        const pieces = Array.from({ length: count }, (_, i) => request.subarray(at + i * size, at + (i + 1) * size));
        const turns = [t.client(request.subarray(0, at)), ...pieces.map((piece) => t.client(piece)), t.server(t.ok(1))];
        const [statement] = t.statements(t.run([...t.opening(), ...prepare(all.length), ...turns]));
        return [statement?.parameters, statement?.marks];
      });
      assert.deepEqual(said[1], said[0]);
    }),
    { seed: 42, numRuns: 120 },
  );
});
