import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  ByteWriter,
  cursorOver,
  readNumber,
  readOptionalNumber,
  readOptionalText,
  readText,
  readVarint,
  skipText,
} from './bytes.ts';

function written(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter(1);
  write(out);
  return out.bytes.subarray(0, out.pos);
}

describe('the byte format', () => {
  test('varints come back, at any size', () => {
    for (const value of [0, 1, 127, 128, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
      assert.equal(readVarint(cursorOver(written((out) => out.varint(value)))), value);
    }
  });

  test('any double comes back, its sign of zero too', () => {
    const numbers = fc.oneof(
      fc.double(),
      fc.maxSafeInteger(),
      fc.constantFrom(0, -0, 2 ** 51, -(2 ** 51), 1 - 2 ** 51),
    );
    fc.assert(
      fc.property(numbers, (value) => {
        const cursor = cursorOver(written((out) => out.number(value)));
        assert.ok(Object.is(readNumber(cursor), value));
        assert.equal(cursor.remaining(), 0);
      }),
      { seed: 42, numRuns: 2000 },
    );
    assert.equal(readOptionalNumber(cursorOver(written((out) => out.optionalNumber(undefined)))), undefined);
  });

  test('whole numbers in decimal digits', () => {
    const numbers = fc.oneof(
      fc.maxSafeInteger(),
      fc.integer(),
      fc.constantFrom(0, 9, 10, 99, 100, 1e9 - 1, 1e9, 1e9 + 1, 1e15, 123_000_000_000, -1e9, -0),
    );
    fc.assert(
      fc.property(numbers, (value) => {
        assert.equal(Buffer.from(written((out) => out.decimal(value))).toString('latin1'), String(value));
      }),
      { seed: 43, numRuns: 2000 },
    );
  });

  test('any well-formed text comes back, and can be passed over', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.stringMatching(/^[0-9a-f]{0,80}$/));
    fc.assert(
      fc.property(texts, (value) => {
        const bytes = written((out) => out.text(value));
        assert.equal(readText(cursorOver(bytes)), value);
        const cursor = cursorOver(bytes);
        assert.ok(skipText(cursor) >= 0);
        assert.equal(cursor.remaining(), 0);
      }),
      { seed: 42, numRuns: 2000 },
    );
    assert.equal(readOptionalText(cursorOver(written((out) => out.optionalText(undefined)))), undefined);
    assert.equal(readOptionalText(cursorOver(written((out) => out.optionalText('')))), '');
  });

  test('hexadecimal is packed, a lone surrogate becomes U+FFFD', () => {
    assert.equal(written((out) => out.text('00ff'.repeat(8))).length, 17);
    assert.equal(readText(cursorOver(written((out) => out.text('a\ud800')))), 'a\ufffd');
  });

  test('a length beyond the end fails', () => {
    const cursor = cursorOver(Uint8Array.of(200, 1, 65));
    assert.equal(readText(cursor), '');
    assert.equal(cursor.failed, true);
  });
});
