import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { beginningOf, characterEnd, Digest, keptText, LongBytes, sha256 } from './long.ts';

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test('a text is cut on a character, in every encoding', () => {
  const utf8 = Buffer.from('aé€😀');
  const cuts = [1, 1, 3, 3, 3, 6, 6, 6, 6, 10].map((_, i) => characterEnd(utf8, 0, i + 1, 'utf8'));
  assert.deepEqual(cuts, [1, 1, 3, 3, 3, 6, 6, 6, 6, 10]);
  assert.equal(keptText(utf8, 0, utf8.length, 'utf8', 5), 'aé');
  assert.equal(keptText(utf8, 0, utf8.length, 'utf8', 10), 'aé€😀');
  assert.equal(keptText(utf8, 0, utf8.length, 'latin1', 2), 'aÃ');
  const utf16 = Buffer.from('a😀', 'utf16le');
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((bytesMax) => keptText(utf16, 0, utf16.length, 'utf16le', bytesMax)),
    ['', 'a', 'a', 'a', 'a', 'a😀'],
  );
  assert.equal(beginningOf(Buffer.from([0x82, 0xa0, 0x82]), 0, 3, 'shift_jis'), 'あ');
});

test('bytes that are no text of their encoding are cut where they are told to', () => {
  const noText = new Uint8Array(8).fill(0x80);
  assert.equal(characterEnd(noText, 0, 8, 'utf8'), 8);
  assert.equal(characterEnd(noText, 0, 0, 'utf8'), 0);
});

test('pieces: the first bytes are kept, length and hash are the whole one’s, whatever the pieces', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat({ max: 200 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }),
      (whole, keptBytesMax, cuts) => {
        const long = new LongBytes(keptBytesMax);
        const digest = new Digest();
        for (let pos = 0, n = 0; pos < whole.length; n++) {
          const end = Math.min(whole.length, pos + (cuts[n % cuts.length] as number));
          long.add(whole, pos, end);
          digest.add(whole, pos, end);
          pos = end;
        }
        assert.equal(long.lengthBytes, whole.length);
        assert.deepEqual(long.kept.subarray(0, long.keptBytes), whole.subarray(0, keptBytesMax));
        assert.equal(long.sha256(), whole.length > keptBytesMax ? hashOf(whole) : undefined);
        assert.deepEqual([digest.lengthBytes, digest.sha256()], [whole.length, hashOf(whole)]);
        assert.equal(sha256(whole, 0, whole.length), hashOf(whole));
      },
    ),
    { seed: 42, numRuns: 300 },
  );
});

test('a hash may be asked for before the end', () => {
  const long = new LongBytes(2);
  long.add(Buffer.from('abc'), 0, 3);
  assert.equal(long.sha256(), hashOf(Buffer.from('abc')));
  long.add(Buffer.from('d'), 0, 1);
  assert.equal(long.sha256(), hashOf(Buffer.from('abcd')));
});
