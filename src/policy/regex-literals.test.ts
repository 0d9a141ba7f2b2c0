import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requiredLiterals } from './regex-literals.ts';
import { parseRegex } from './regex-parser.ts';

test('literals that every match contains, the longest that are known', () => {
  const cases: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['\\bset\\s+trustworthy\\s+on\\b', ['trustworthy']],
    ["('|\\d+)\\s*;\\s*(drop|EXEC)\\b", ['drop', 'exec']],
    ['colou?r', ['color', 'colour']],
    ['(abc)+x', ['abc']],
    ['(abc)*x', undefined],
    ['abcd|e', undefined],
    ['[ab]cd', ['acd', 'bcd']],
    ['[^a]cd', undefined],
    ['or\\s*1', undefined],
    ['(abc){0,2}defg', ['defg']],
    ['\u00e9t\u00e9s', undefined],
  ];
  for (const [source, literals] of cases) {
    const found = requiredLiterals(parseRegex(source));
    assert.deepEqual(found && [...found].sort(), literals, source);
  }
});

test('a match always contains one, as the engine of JavaScript sees it', () => {
  const atom = fc.constantFrom('abc', 'd', '[ab]', '(bcd|abca)', '(dd)?', '(ab)+', 'c*', '.', '\\b', '(a|bcd){1,2}');
  const texts = fc.array(fc.stringMatching(/^[abcd]{0,12}$/), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(atom, { minLength: 1, maxLength: 5 }), texts, (atoms, list) => {
      const source = atoms.join('');
      const literals = requiredLiterals(parseRegex(source));
      for (const text of list) {
        const match = new RegExp(source, 'i').exec(text);
        if (match && literals)
          assert.ok(
            literals.some((literal) => match[0].includes(literal)),
            `${source} in ${text}`,
          );
      }
    }),
    { seed: 42, numRuns: 500 },
  );
});
