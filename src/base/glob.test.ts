import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { globMatches, NO_BARRIER } from './glob.ts';

const DOT = '.'.charCodeAt(0);

test('globs agree with the regular expressions they stand for', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 });
  fc.assert(
    fc.property(pattern, text, fc.boolean(), (glob, subject, isDotted) => {
      const any = isDotted ? '[^.]' : '.';
      const source = glob.replace(/\./g, '\\.').replace(/\*+/g, `${any}*`).replace(/\?/g, any);
      const barrier = isDotted ? DOT : NO_BARRIER;
      assert.equal(globMatches(subject, glob, barrier), new RegExp(`^${source}$`).test(subject));
    }),
    { seed: 42, numRuns: 2000 },
  );
});

test('a hostile name does not make a glob slow', () => {
  assert.equal(globMatches('a'.repeat(20_000), '*a*a*a*a*a*a*a*a*b'), false);
});
