import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REGEX_TEXT_MAX, Regex } from './regex.ts';
import { RegexError } from './regex-parser.ts';

const CASES: readonly [source: string, text: string, matches: boolean][] = [
  ['or \\? ?= ?\\?', 'SELECT 1 WHERE a = ? OR ? = ?', true],
  ['^select', ' select', false],
  ['^select$', 'SELECT', true],
  ['\\bunion\\b', 'reunion', false],
  ['\\bunion\\b', 'a UNION b', true],
  ['\\Bnion', 'union', true],
  ['[^a-c]x', 'ax bx', false],
  ['[^a-c]x', 'AX dx', true],
  ['[\\D]', '123', false],
  ['[-a]+', '-', true],
  ['a{2,3}b', 'ab', false],
  ['a{2,3}b', 'aaaab', true],
  ['^a{2}$', 'aaa', false],
  ['(?:ab|cd)+;', 'abcdab;', true],
  ['a|b|', 'zzz', true],
  ['\\x41\\u00e9', 'aé', true],
  ['.', '\n', false],
  ['é', 'É', false],
  // The assertion that fails behind the first a holds again where the search goes on.
  ['(?:\\ba)*\\bc', 'ax c', true],
];

test('says whether a text matches', () => {
  for (const [source, text, matches] of CASES)
    assert.equal(new Regex(source).search(text), matches, `${source} on ${text}`);
});

test('knows the words it needs', () => {
  assert.deepEqual(new Regex('\\bunion\\b.{1,40}\\bselect\\b').needed, [['union'], ['select']]);
  assert.deepEqual(new Regex("['0-9]\\s*;\\s*(DROP|exec(ute)?)\\b").needed, [['drop', 'exec']]);
  assert.deepEqual(new Regex('(a|b)(c|d)x*ef').needed, [['ac', 'ad', 'bc', 'bd'], ['ef']]);
  assert.deepEqual(new Regex('(drop)?|x+').needed, []);
  assert.deepEqual(new Regex('éab').needed, [['ab']]);
});

test('never matches a text that lacks a needed word', () => {
  const piece = fc.constantFrom('a', 'B', 'ab', '\\d', '.', 'x', '(ab|C)', '(a|bx|é)', '[ab]', '\\b', '^', '(xa?)');
  const repeats = fc.constantFrom('', '', '+', '*', '?', '{2}');
  const source = fc.array(fc.tuple(piece, repeats), { minLength: 1, maxLength: 6 });
  const sources = fc
    .tuple(source, source)
    .map(([left, right]) =>
      [left, right]
        .map((parts) => parts.map(([text, times]) => (/^[\\^]?[b^]$/.test(text) ? text : text + times)).join(''))
        .join('|'),
    );
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B', 'c', 'x', 'é', '1', ' '), maxLength: 12 });
  fc.assert(
    fc.property(sources, texts, (pattern, text) => {
      const regex = new Regex(pattern);
      const lower = text.toLowerCase();
      const has = regex.needed.every((words) => words.some((word) => lower.includes(word)));
      assert.ok(has || !regex.search(text), `${pattern} on ${text}`);
    }),
    { seed: 42, numRuns: 3000 },
  );
});

test('tells where', () => {
  const regex = new Regex('sleep\\(\\d+');
  assert.equal(regex.search('select pg_sleep(15)'), true);
  assert.deepEqual([regex.matchStart, regex.matchEnd], [10, 17]);
});

test('refuses what it cannot do, or what is wrong', () => {
  const refused = [
    '(a)\\1',
    '(?=a)',
    '(?<n>a)',
    'a*?',
    'a**',
    '(a',
    'a)',
    '[a',
    '[]',
    '*a',
    '\\',
    '\\q',
    'a{3,2}',
    'a{101}',
    '[z-a]',
  ];
  for (const source of [
    ...refused,
    '('.repeat(40) + ')'.repeat(40),
    '(a{100}){100}',
    '(?:(?:(?:){100}){100}){100}',
    'a|'.repeat(100_000),
  ])
    assert.throws(() => new Regex(source), RegexError, source);
});

test('is linear where a backtracking engine is not, and stops at its limit', () => {
  assert.equal(new Regex('(a*)*(a*)*(a|aa)+b').search('a'.repeat(REGEX_TEXT_MAX)), false);
  assert.equal(new Regex('b').search(`${'a'.repeat(REGEX_TEXT_MAX)}b`), false);
});

const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\b', '^', '$', ' ');
const source = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    atom,
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => a + b),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`),
    fc.tuple(tie('node'), fc.constantFrom('*', '+', '?', '{1,2}')).map(([a, q]) => `(?:${a})${q}`),
  ),
})).node;
// What no expression begins with lets the search leap ahead.
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'B', ' ', '_', 'x', '-'), maxLength: 12 });

test('agrees with RegExp on small texts', () => {
  fc.assert(
    fc.property(source, text, (pattern, subject) => {
      assert.equal(new Regex(pattern).search(subject), new RegExp(pattern, 'i').test(subject));
    }),
    { seed: 42, numRuns: 4000 },
  );
});
