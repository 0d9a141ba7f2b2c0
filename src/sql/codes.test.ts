import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Codes } from './codes.ts';
import { CODE_WIDE, isWideSpace } from './dialects.ts';

function expected(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => {
    const c = text.charCodeAt(i);
    return c < 0x80 ? c : isWideSpace(c) ? 0x20 : CODE_WIDE;
  });
}

function check(codes: Codes, text: string): void {
  codes.load(text);
  assert.equal(codes.length, text.length);
  assert.equal(codes.isAscii, /^[\0-\x7f]*$/.test(text));
  assert.deepEqual([...codes.bytes.subarray(0, text.length)], expected(text));
  assert.deepEqual([...codes.bytes.subarray(text.length, text.length + 4)], [0, 0, 0, 0]);
}

test('characters outside ASCII are space or part of a word, at their own positions', () => {
  const codes = new Codes();
  check(codes, 'SELECT é\u00a0漢\u3000😀 FROM t');
  check(codes, '');
});

test('texts of any characters, one after the other, in one buffer', () => {
  const codes = new Codes();
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => check(codes, text)),
    { seed: 7, numRuns: 500 },
  );
});

test('texts as long as the buffer: what does not fit is not taken for ASCII', () => {
  for (let ascii = 8180; ascii < 8200; ascii++) {
    for (const end of ['', 'é', 'éé', '漢', 'é漢é']) check(new Codes(), 'x'.repeat(ascii) + end);
  }
});

test('a buffer that has grown is freed with its text', () => {
  const codes = new Codes();
  check(codes, 'y'.repeat(1_000_000));
  codes.clear();
  assert.ok(codes.bytes.length < 100_000);
  check(codes, 'after');
});
