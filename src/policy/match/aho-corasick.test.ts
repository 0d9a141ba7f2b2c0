import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Keyword, type KeywordEncoding, Matcher, MatcherError } from './aho-corasick.ts';

/** The npm package that serves as an oracle; it ships no types. */
interface OracleAutomaton {
  add(word: string, data: number): void;
  build_fail(): void;
  search(text: string, receive: (word: string, data: number[], offset: number) => void): void;
}
const Oracle = createRequire(import.meta.url)('aho-corasick') as new () => OracleAutomaton;

const RUNS = { seed: 42, numRuns: 300 };

function find(
  keywords: readonly Keyword[],
  bytes: Uint8Array,
  ignoreCase = false,
  encodings: readonly KeywordEncoding[] = ['utf8'],
): string[] {
  const found: string[] = [];
  new Matcher(keywords, { ignoreCase, encodings }).scan(bytes, 0, bytes.length, (keyword, start, end) =>
    found.push(`${keyword}@${start}-${end}`),
  );
  return found.sort();
}

const plain = (...texts: string[]): Keyword[] => texts.map((text) => ({ text, word: false }));
const whole = (...texts: string[]): Keyword[] => texts.map((text) => ({ text, word: true }));
const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const utf16 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf16le'));

test('finds overlapping keywords and keywords inside keywords', () => {
  const found = find(plain('he', 'she', 'his', 'hers'), utf8('ushers'));
  assert.deepEqual(found, ['0@2-4', '1@1-4', '3@2-6']);
  assert.deepEqual(find(plain('a', 'aa', 'aaa'), utf8('aaa')), ['0@0-1', '0@1-2', '0@2-3', '1@0-2', '1@1-3', '2@0-3']);
});

test('the same keyword twice is found twice', () => {
  assert.deepEqual(find(plain('drop', 'drop'), utf8('drop')), ['0@0-4', '1@0-4']);
});

test('nothing to find: no keywords, empty text', () => {
  assert.deepEqual(find([], utf8('select 1')), []);
  assert.deepEqual(find(plain('select'), utf8('')), []);
});

test('scans only its range, and counts', () => {
  const bytes = utf8('xxdropxxdropxx');
  const matcher = new Matcher(plain('drop'), { ignoreCase: false, encodings: ['utf8'] });
  const starts: number[] = [];
  const count = matcher.scan(bytes, 3, 99, (_keyword, start) => starts.push(start));
  assert.equal(count, 1);
  assert.deepEqual(starts, [8]);
});

test('case: ASCII letters fold in the table, other letters by spelling', () => {
  assert.deepEqual(find(plain('Xp_CmdShell'), utf8('exec XP_cmdshell'), true), ['0@5-16']);
  assert.deepEqual(find(plain('Xp_CmdShell'), utf8('exec XP_cmdshell'), false), []);
  assert.deepEqual(find(plain('gehälter'), utf8('GEHÄLTER gehälter'), true), ['0@0-9', '0@10-19']);
  assert.deepEqual(
    find(plain('@[`{'), utf8('`@[`{ @{`['), true),
    ['0@1-5'],
    'neighbours of letters in ASCII do not fold',
  );
});

const WORD_CASES: readonly [keyword: string, text: string, hits: number][] = [
  ['drop', 'drop', 1],
  ['drop', 'drop table', 1],
  ['drop', 'raindrop', 0],
  ['drop', 'dropped', 0],
  ['drop', '_drop', 0],
  ['drop', 'drop$', 0],
  ['drop', 'édrop', 0],
  ['drop', 'x;drop/**/t', 1],
  ['drop', 'drop#comment', 1],
  ['--', 'a--b', 1],
  ['load_file(', 'xload_file(y', 0],
  ['load_file(', 'load_file(y', 1],
];

test('whole words, in both encodings', () => {
  for (const [keyword, text, hits] of WORD_CASES) {
    assert.equal(find(whole(keyword), utf8(text), true).length, hits, `${keyword} in ${text}, UTF-8`);
    assert.equal(find(whole(keyword), utf16(text), true, ['utf16le']).length, hits, `${keyword} in ${text}, UTF-16LE`);
  }
});

test('UTF-8 and UTF-16LE in one pass', () => {
  const bytes = new Uint8Array([...utf8('select '), ...utf16('select'), 0, 0]);
  assert.deepEqual(find(plain('select'), bytes, true, ['utf8', 'utf16le']), ['0@0-6', '0@7-19']);
});

test('UTF-16LE letters that differ in a byte that looks like an ASCII letter stay apart', () => {
  // U+0141 and U+0161: low bytes 0x41 and 0x61.
  assert.deepEqual(find(plain('Ł1'), utf16('š1'), true, ['utf16le']), []);
  assert.deepEqual(find(plain('Ł1'), utf16('ł1Ł1'), true, ['utf16le']), ['0@0-4', '0@4-8']);
});

test('all 256 byte values in use', () => {
  const everyByte = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i * 257)).join('');
  assert.equal(find(plain(everyByte), utf16(everyByte), false, ['utf16le']).length, 1);
});

test('limits are refused with the keyword that breaks them', () => {
  const options = { ignoreCase: true, encodings: ['utf8'] as const };
  const refuses = (keywords: Keyword[], keyword: number, reason: RegExp, tableBytesMax = 1 << 20): void => {
    assert.throws(
      () => new Matcher(keywords, { ...options, tableBytesMax }),
      (error) => error instanceof MatcherError && error.keyword === keyword && reason.test(error.message),
    );
  };
  refuses(plain('a', ''), 1, /empty/);
  refuses(plain('a', 'b', 'x'.repeat(1025)), 2, /1025 bytes/);
  refuses(plain(...Array.from({ length: 20_001 }, () => 'a')), -1, /20001 keywords/);
  refuses(plain('x'.repeat(1000), 'y'.repeat(1000)), -1, /table of more than 1000 bytes/, 1000);
});

test('10,000 keywords in both encodings fit the table and are all found', () => {
  const words = Array.from({ length: 10_000 }, (_, i) => `table_${(i * 7919) % 10_007}_x`);
  const matcher = new Matcher(whole(...words), { ignoreCase: true, encodings: ['utf8', 'utf16le'] });
  const text = words.join(' ').toUpperCase();
  const seen = new Set<number>();
  assert.equal(
    matcher.scan(utf8(text), 0, 1e9, (keyword) => seen.add(keyword)),
    10_000,
  );
  assert.equal(
    matcher.scan(utf16(text), 0, 1e9, (keyword) => seen.add(keyword)),
    10_000,
  );
  assert.equal(seen.size, 10_000);
  assert.ok(matcher.tableBytes < 128 * 1024 * 1024);
});

const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B', '_', ' '), minLength: 1, maxLength: 5 });
const subject = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B', '_', ' '), maxLength: 60 });

test('agrees with the npm package aho-corasick', () => {
  fc.assert(
    fc.property(fc.uniqueArray(letters, { maxLength: 12 }), subject, (words, text) => {
      const oracle = new Oracle();
      for (const [index, word] of words.entries()) oracle.add(word, index);
      oracle.build_fail();
      const expected: string[] = [];
      oracle.search(text, (word, data, offset) => expected.push(`${data[0]}@${offset}-${offset + word.length}`));
      assert.deepEqual(find(plain(...words), utf8(text)), expected.sort());
    }),
    RUNS,
  );
});

const anyText = fc.string({
  unit: fc.constantFrom('a', 'A', 'b', '_', ' ', '#', 'é', 'É', 'Ł', '王', '😀'),
  maxLength: 40,
});
const anyWord = fc.record({
  text: fc.string({ unit: fc.constantFrom('a', 'A', 'b', '_', ' ', 'é', '王', '😀'), minLength: 1, maxLength: 4 }),
  word: fc.boolean(),
});

/** Every position, every keyword, over characters; positions in bytes of the encoding. */
function naive(keywords: readonly Keyword[], text: string, ignoreCase: boolean, encoding: KeywordEncoding): string[] {
  const lower = (s: string): string => (ignoreCase ? s.replace(/[A-Z]/g, (c) => c.toLowerCase()) : s);
  const isWord = (code: number): boolean => code > 0x7f || /[A-Za-z0-9_$]/.test(String.fromCharCode(code));
  const adjoins = (a: number, b: number): boolean => isWord(a) && isWord(b);
  const found: string[] = [];
  for (const [index, { text: keyword, word }] of keywords.entries()) {
    const spellings = ignoreCase ? [keyword, keyword.toLowerCase(), keyword.toUpperCase()].map(lower) : [keyword];
    for (const spelling of new Set(spellings)) {
      for (let at = 0; at + spelling.length <= text.length; at++) {
        const end = at + spelling.length;
        if (lower(text.slice(at, end)) !== spelling) continue;
        if (word && at > 0 && adjoins(text.charCodeAt(at - 1), spelling.charCodeAt(0))) continue;
        if (word && end < text.length && adjoins(text.charCodeAt(end), spelling.charCodeAt(spelling.length - 1)))
          continue;
        const start = Buffer.byteLength(text.slice(0, at), encoding);
        found.push(`${index}@${start}-${start + Buffer.byteLength(spelling, encoding)}`);
      }
    }
  }
  return found.sort();
}

test('agrees with a naive search: case, words, both encodings', () => {
  for (const encoding of ['utf8', 'utf16le'] as const) {
    fc.assert(
      fc.property(fc.array(anyWord, { maxLength: 8 }), anyText, fc.boolean(), (keywords, text, ignoreCase) => {
        const bytes = new Uint8Array(Buffer.from(text, encoding));
        assert.deepEqual(find(keywords, bytes, ignoreCase, [encoding]), naive(keywords, text, ignoreCase, encoding));
      }),
      RUNS,
    );
  }
});

const longText = fc.string({ unit: fc.constantFrom('a', 'A', 'b', '_', ' ', 'é', 'x'), maxLength: 200 });

for (const [what, minLength, maxLength] of [
  ['long enough to jump', 5, 9],
  ['two to four letters', 2, 4],
  ['two letters and more', 2, 9],
] as const) {
  const word = fc.record({
    text: fc.string({ unit: fc.constantFrom('a', 'A', 'b', '_', 'é'), minLength, maxLength }),
    word: fc.boolean(),
  });
  test(`agrees with a naive search when all keywords are ${what}`, () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), longText, fc.nat(20), (keywords, noise, cut) => {
        const text = `${noise}${keywords[0]?.text}${noise.slice(cut)}`;
        assert.deepEqual(find(keywords, utf8(text), true), naive(keywords, text, true, 'utf8'));
      }),
      RUNS,
    );
  });
}
