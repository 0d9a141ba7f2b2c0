/** The short reader of YAML gives the tree of the full one, or none. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { readFullYaml } from './full-yaml.ts';
import type { Node } from './nodes.ts';
import { readSimpleYaml } from './simple-yaml.ts';

const PACKS = join(import.meta.dirname, '../../../policies');
const TEXTS: readonly string[] = readdirSync(PACKS)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(join(PACKS, name), 'utf8'));

/** Without the ends of block collections: the package takes a comment behind them for a part of them. */
function comparable(text: string, node: Node | undefined): unknown {
  if (node === undefined || node.kind === 'alias') return node;
  const isBlock = node.kind !== 'scalar' && !'[{'.includes(text[node.start] ?? '');
  const written = isBlock ? undefined : text.slice(node.start, node.end).trim();
  if (node.kind === 'scalar') return { start: node.start, written, text: node.text, flag: node.flag };
  if (node.kind === 'seq') return { start: node.start, written, items: node.items.map((at) => comparable(text, at)) };
  const pairs = node.pairs.map(({ key, value }) => [key?.start, key?.text, comparable(text, value)]);
  return { start: node.start, written, pairs };
}

/** Whether it was read. */
function agrees(text: string): boolean {
  const simple = readSimpleYaml(text);
  if (simple === undefined) return false;
  const { root, problems } = readFullYaml(text);
  assert.deepEqual(problems, [], text);
  assert.deepEqual(comparable(text, simple), comparable(text, root), text);
  return true;
}

test('all policies that come with it are simple', () => {
  assert.ok(TEXTS.length >= 9);
  for (const text of TEXTS) assert.ok(agrees(text), text.slice(0, 200));
});

const SIMPLE: readonly string[] = [
  'a: 1\n',
  '\n# first\na: x # behind\n\n  # between\nb:\n- 1\n- -2\nc: ~\n',
  "a:\n  - b: c\n    d: [e, \"f g\", 'h''i',] # last\n  - {j: k, l: {m: n}}\n",
  'a: [\n  b, # c\n\n  d\n ]\n',
  'a: >-\n  one\n  two\n\nb: |\n  three\n  # four\n',
  'a: x:y#z\nb: a b  \nc: "\\"\\\\\\n"\n',
  'a: true\nb: "true"\nc: 0x10\nd: []\ne: {}\n',
];
for (const text of SIMPLE) test(`simple: ${JSON.stringify(text)}`, () => assert.ok(agrees(text)));

const NOT_SIMPLE: readonly string[] = [
  '',
  '# only a comment\n',
  'a: 1',
  'a:\n',
  'a: b: c\n',
  'a: b\n  c\n',
  'a: "b\n  c"\n',
  'a: [b\nc]\n',
  'a: [b,\n]\n',
  'a:\n  b: {c: d\n  }\n',
  'a: [b c: d]\n',
  'a: [b,#c\n  d]\n',
  'a: 1\na: 2\n',
  '? a\n: b\n',
  'a: &x b\nc: *x\n',
  'a: !!str 1\n',
  '1: a\n',
  'true: a\n',
  'a:\tb\n',
  'a: b\r\n',
  '---\na: b\n',
  '- a\nb: c\n',
  'a: >\n  b\n\n  c\n',
  'a: >\n  b\n   c\n',
  'a: >2\n    b\n',
  `a: ${'['.repeat(50)}${']'.repeat(50)}\n`,
];
for (const text of NOT_SIMPLE) {
  test(`left to the full reader: ${JSON.stringify(text).slice(0, 60)}`, () =>
    assert.equal(readSimpleYaml(text), undefined));
}

test('any change of a policy is read alike, or left to the full reader', () => {
  const rules = TEXTS.flatMap((text) => text.split(/\n(?= {2}- id)/).slice(1)).map((rule) => `rules:\n${rule}\n`);
  const piece = fc.oneof(
    fc.constantFrom(' ', '  ', '\n', '\n  ', '\n    ', '#', ' #', ':', ': ', ',', '[', ']', '{', '}', '"', "'"),
    fc.constantFrom(
      '- ',
      '-',
      '&a ',
      '*a',
      '!!str ',
      '|',
      '>',
      '\\',
      '%',
      '@',
      '?',
      '~',
      'null',
      'true',
      '\t',
      '---\n',
    ),
    fc.string({ maxLength: 3 }),
  );
  const edit = fc.record({ at: fc.nat(), cut: fc.nat({ max: 6 }), piece });
  const cases = fc.record({ rule: fc.constantFrom(...rules), edits: fc.array(edit, { minLength: 1, maxLength: 3 }) });
  let read = 0;
  fc.assert(
    fc.property(cases, ({ rule, edits }) => {
      let text = rule;
      for (const { at, cut, piece: put } of edits) {
        const place = at % text.length;
        text = text.slice(0, place) + put + text.slice(place + cut);
      }
      if (agrees(text)) read++;
    }),
    { seed: 4, numRuns: 3000 },
  );
  assert.ok(read > 300, `${read} were read`);
});

test('any tree, as the package writes it, is read alike, or left to the full reader', () => {
  const word = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('yes', 'true', '~', '0x1F', 'a: b', 'c #d', '-e'),
  );
  const name = fc.stringMatching(/^[a-z_]{1,6}$/);
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      fc.oneof(word, fc.boolean(), fc.integer()),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(name, tie('tree'), { maxKeys: 3 }),
    ),
  }));
  const style = fc.record({ collectionStyle: fc.constantFrom('any', 'flow', 'block'), singleQuote: fc.boolean() });
  let read = 0;
  fc.assert(
    fc.property(fc.dictionary(name, tree, { minKeys: 1, maxKeys: 4 }), style, (value, options) => {
      if (agrees(stringify(value, { ...options } as object))) read++;
    }),
    { seed: 5, numRuns: 1000 },
  );
  assert.ok(read > 200, `${read} were read`);
});
