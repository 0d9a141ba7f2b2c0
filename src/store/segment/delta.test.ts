import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter, cursorOver } from './bytes.ts';
import { readTextForm, writeTextForm } from './delta.ts';

function stored(reference: string, text: string): Uint8Array {
  const out = new ByteWriter(64);
  const bytes = Buffer.from(text);
  writeTextForm(out, Buffer.from(reference), bytes, 0, bytes.length);
  return out.bytes.subarray(0, out.pos);
}

function restored(reference: string, form: Uint8Array): string {
  const cursor = cursorOver(form);
  const bytes = readTextForm(cursor, Buffer.from(reference), new ByteWriter(1));
  assert.ok(bytes !== undefined);
  assert.equal(cursor.failed, false);
  assert.equal(cursor.remaining(), 0);
  return Buffer.from(bytes).toString();
}

describe('text differences', () => {
  const reference = "SELECT a, b FROM orders WHERE id = 12345 AND name = 'Bob Smith' LIMIT 10";

  test('the same text takes one byte', () => {
    assert.equal(stored(reference, reference).length, 1);
  });

  test('other literals cost little more than themselves', () => {
    const text = "SELECT a, b FROM orders WHERE id = 99 AND name = 'Al' LIMIT 500";
    assert.equal(restored(reference, stored(reference, text)), text);
    assert.ok(stored(reference, text).length <= 24, String(stored(reference, text).length));
  });

  test('an unlike text is kept as it is', () => {
    assert.equal(stored(reference, 'x').length, 3);
    assert.equal(restored(reference, stored(reference, 'x')), 'x');
    assert.equal(restored(reference, stored(reference, '')), '');
  });

  test('any text comes back byte for byte', () => {
    const pieces = fc.array(fc.constantFrom('SELECT ', 'a', 'b', ' = ', "'", '1', '22', ' ', 'ä€', '(', ', '), {
      maxLength: 30,
    });
    const texts = fc.oneof(
      pieces.map((list) => list.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const form = stored(a, b);
        assert.equal(restored(a, form), b);
        assert.ok(form.length <= Buffer.byteLength(b) + 6);
      }),
      { seed: 42, numRuns: 2000 },
    );
  });

  test('damaged bytes fail the cursor and never throw', () => {
    const base = Buffer.from(reference);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const cursor = cursorOver(bytes);
        const text = readTextForm(cursor, base, new ByteWriter(64));
        assert.ok(text === undefined || text.length < 100_000);
        assert.ok(cursor.pos <= bytes.length);
      }),
      { seed: 42, numRuns: 3000 },
    );
  });
});
