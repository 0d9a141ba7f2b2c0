/** Values of messages longer than what is kept: none is left out, and none is held. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BindValue, MARK_GAP, MARK_MALFORMED, MARK_TRUNCATED } from '../../contracts/event.ts';
import { TO_SERVER } from '../../contracts/protocol.ts';
import { LIMITS, TAIL_KEPT_BYTES_MAX } from './limits.ts';
import * as t from './testing.ts';

const TEXT = 25;
const INT4 = 23;
const BYTEA = 17;

function hashOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The value as it is kept: whole when it is short. */
function keptText(value: string): BindValue {
  if (value.length <= LIMITS.valueBytesMax) return value;
  const text = value.slice(0, LIMITS.valueBytesMax);
  return { type: 'text', text, length: value.length, sha256: hashOf(value) };
}

const first = 'f'.repeat(LIMITS.frameBytesMax + 777);
const second = 's'.repeat(3 * LIMITS.valueBytesMax);
const bytes = Buffer.alloc(LIMITS.valueBytesMax + 1, 7);
const types = [TEXT, INT4, TEXT, BYTEA, TEXT, TEXT, INT4];
const values: readonly (string | Uint8Array | null)[] = [first, t.i32(42), second, bytes, null, '', t.i32(-1)];
const formats = [0, 1, 0, 1, 0, 0, 1];
const expected: readonly BindValue[] = [
  keptText(first),
  42,
  keptText(second),
  {
    type: 'bytea',
    hex: bytes.subarray(0, LIMITS.valueBytesMax).toString('hex'),
    length: bytes.length,
    sha256: hashOf(bytes),
  },
  null,
  '',
  -1,
];

function parsed(): t.Dialogue {
  const d = new t.Dialogue().login().client(t.parse('s', 'insert into t values ($1, $2)', types), t.sync);
  return d.server(t.parseComplete, t.ready());
}

function answered(d: t.Dialogue): t.Dialogue {
  return d.client(t.execute(), t.sync).server(t.bindComplete, t.complete('INSERT 0 1'), t.ready());
}

test('Bind beyond the kept part of a message: every value has its length and hash, or is there as a whole', () => {
  const bind = t.bind('', 's', values, formats);
  for (const pieceBytes of [bind.length, 65_536, 1]) {
    const d = parsed();
    // One byte at a time only where it matters: at the end of the kept part and behind it.
    const head = pieceBytes === 1 ? LIMITS.frameBytesMax - 5 : 0;
    d.client(Buffer.from(bind.subarray(0, head)));
    for (let pos = head; pos < bind.length; pos += pieceBytes) {
      d.client(Buffer.from(bind.subarray(pos, pos + pieceBytes)));
    }
    assert.deepEqual(answered(d).statement().parameters, expected);
    assert.equal(d.statement().marks, 0);
  }
});

test('values behind the kept part, wherever its end falls', () => {
  const padding = LIMITS.frameBytesMax - 60;
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 80 }),
      fc.array(fc.string({ maxLength: 6 }), { maxLength: 12 }),
      (more, rest) => {
        const all = ['p'.repeat(padding + more), ...rest];
        const d = parsed();
        d.client(t.bind('', 's', all, [0]));
        assert.deepEqual(answered(d).statement().parameters?.slice(1), rest.map(textOf));
        assert.equal(d.statement().marks, 0);
      },
    ),
    { seed: 42, numRuns: 100 },
  );
});

/** As the second to seventh parameters are read: by their types, in text. */
function textOf(value: string, index: number): BindValue {
  const type = types[index + 1] ?? 0;
  if (type === INT4) return /^(?:0|-?[1-9]\d{0,5})$/.test(value) ? Number(value) : value;
  const isBytes = type === BYTEA && /^\\x(?:[0-9a-f]{2})*$/i.test(value);
  return isBytes ? { type: 'bytea', hex: value.slice(2).toLowerCase() } : value;
}

test('a loss among the values behind the kept part: those before it stay, the statement is marked', () => {
  const bind = t.bind('', 's', values, formats);
  const at = LIMITS.frameBytesMax + 3000;
  const d = parsed();
  d.client(Buffer.from(bind.subarray(0, at))).gap(TO_SERVER, 500);
  d.client(Buffer.from(bind.subarray(at + 500)));
  assert.deepEqual(answered(d).statement().parameters, expected.slice(0, 2));
  assert.equal(d.statement().marks, MARK_TRUNCATED | MARK_GAP);
  assert.equal(d.statement().lostBytes, 500);
});

test('a connection that ends within the values', () => {
  const d = parsed();
  d.client(Buffer.from(t.bind('', 's', values, formats).subarray(0, LIMITS.frameBytesMax + 10))).end();
  assert.equal(d.statements().length, 0, 'a Bind alone runs nothing');
});

test('values that claim more than the message has, or less than nothing', () => {
  const big = 'b'.repeat(LIMITS.frameBytesMax);
  const head = [t.z(''), t.z('s'), t.i16(0), t.i16(3), t.i32(big.length), Buffer.from(big)];
  for (const lie of [t.i32(1_000_000), t.i32(-2), Buffer.from([0, 0])]) {
    const d = parsed();
    d.client(t.message('B', ...head, lie, Buffer.from('abc')));
    answered(d);
    assert.deepEqual(d.statement().parameters, [keptText(big)]);
    assert.equal(d.statement().marks, MARK_TRUNCATED | MARK_MALFORMED);
  }
});

test('many long values: what is kept of them is bounded, what is said of them is not', () => {
  const long = 'x'.repeat(LIMITS.valueBytesMax + 1);
  const count = 2 * Math.ceil(TAIL_KEPT_BYTES_MAX / LIMITS.valueBytesMax) + 10;
  const all = [first, ...new Array<string>(count).fill(long)];
  const d = parsed();
  d.client(t.bind('', 's', all));
  const kept = answered(d).statement().parameters?.slice(1) as { text: string; length: number; sha256: string }[];
  assert.equal(kept.length, count);
  assert.ok(kept.every(({ length, sha256 }) => length === long.length && sha256 === hashOf(long)));
  const keptBytes = kept.reduce((sum, { text }) => sum + text.length, 0);
  assert.ok(keptBytes <= TAIL_KEPT_BYTES_MAX, `${keptBytes} bytes kept`);
});

test('parameter types behind a text that is not kept whole', () => {
  const text = `select ${'1 + '.repeat(LIMITS.frameBytesMax / 2)} $1`;
  const parse = t.parse('s', text, [INT4, BYTEA]);
  for (const pieceBytes of [parse.length, 65_536, 997]) {
    const d = new t.Dialogue().login();
    for (let pos = 0; pos < parse.length; pos += pieceBytes) {
      d.client(Buffer.from(parse.subarray(pos, pos + pieceBytes)));
    }
    d.client(t.sync).server(t.parseComplete, t.ready());
    d.client(t.bind('', 's', [t.i32(5), Buffer.from('a')], [1]));
    assert.deepEqual(answered(d).statement().parameters, [5, { type: 'bytea', hex: '61' }]);
    assert.equal(d.statement().textSha256, hashOf(text));
  }
});

test('any bytes behind the kept part: no throw, and segmentation decides nothing', () => {
  const big = Buffer.from('b'.repeat(LIMITS.frameBytesMax));
  const heads = [
    ['B', t.z(''), t.z('s'), t.i16(1), t.i16(1), t.i16(9), t.i32(big.length), big],
    ['P', t.z('s'), big],
    ['F', t.i32(955), t.i16(0), t.i16(4), t.i32(big.length), big],
  ] as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...heads),
      hostile,
      fc.integer({ min: 1, max: 40 }),
      ([tag, ...head], rest, pieceBytes) => {
        const message = t.message(tag, ...head, rest);
        const said = [message.length, pieceBytes].map((size) => {
          const d = parsed();
          const at = message.length - rest.length - 20;
          d.client(Buffer.from(message.subarray(0, at)));
          for (let pos = at; pos < message.length; pos += size)
            d.client(Buffer.from(message.subarray(pos, pos + size)));
          d.client(t.sync).server(t.error('08P01', 'no'), t.ready()).end();
          return d.statements().map(({ text, parameters, marks, textSha256 }) => [text, parameters, marks, textSha256]);
        });
        assert.deepEqual(said[1], said[0]);
      },
    ),
    { seed: 42, numRuns: 120 },
  );
});

/** Bytes in which lengths of all sorts are likely. */
const hostile = fc
  .array(
    fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.constantFrom(t.i32(-1), t.i32(0), t.i32(3), t.i32(-9), t.i16(2))),
    {
      maxLength: 30,
    },
  )
  .map((parts) => Buffer.concat(parts));

test('FunctionCall: the bytes of a large object beyond the kept part are hashed', () => {
  const data = Buffer.alloc(2 * LIMITS.frameBytesMax, 9);
  const body = [t.i32(955), t.i16(1), t.i16(1), t.i16(2), t.i32(4), t.i32(3), t.i32(data.length), data, t.i16(1)];
  const d = new t.Dialogue().login();
  d.client(t.message('F', ...body)).server(t.message('V', t.i32(4), t.i32(2)), t.ready());
  const hex = data.subarray(0, LIMITS.valueBytesMax).toString('hex');
  assert.deepEqual(d.statement().parameters, [3, { type: 'bytea', hex, length: data.length, sha256: hashOf(data) }]);
});
