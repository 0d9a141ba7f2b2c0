/** The protocols' READMEs have the same headings, and their tables "where each demand is tested" name tests that exist. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** This file runs as `dist/test/golden/documented.test.js`. */
const BUILT: string = join(import.meta.dirname, '..', '..');
const PROTOCOLS: string = join(BUILT, '..', 'src', 'protocols');
const HEADING = '## Where each demand is tested';
/** In this order; a protocol may have others between them. */
const HEADINGS: readonly string[] = [
  '## Files',
  '## What a record says',
  '## Not read',
  '## Losses',
  '## Limits',
  HEADING,
];
/** The contract tests alone are so many. */
const TITLES_MIN = 5;

/** Titles of a README's table, as far as they are written out. */
function titlesIn(readme: string): string[] {
  const table = readme.slice(readme.indexOf(HEADING)).split('\n');
  const rows = table.filter((line) => line.startsWith('| ')).slice(2);
  // The demand itself may name things in the same type.
  const cells = rows.map((row) => row.split(' | ').slice(1).join(' '));
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, title = '']) => title.replace(/…$/, '')));
}

/** Test files, and the contract tests that every protocol runs. */
function builtTests(): string {
  const all = readdirSync(BUILT, { recursive: true, encoding: 'utf8' });
  const files = all.filter((name) => name.endsWith('.test.js') || name.endsWith('testkit.js'));
  return files.map((name) => readFileSync(join(BUILT, name), 'utf8')).join('\n');
}

for (const name of readdirSync(PROTOCOLS)) {
  if (!existsSync(join(PROTOCOLS, name, 'protocol.ts'))) continue;
  const path = join(PROTOCOLS, name, 'README.md');
  test(`documented: ${name}'s README has the headings of all protocols, in their order`, () => {
    const lines = readFileSync(path, 'utf8').split('\n');
    assert.deepEqual(
      lines.filter((line) => HEADINGS.includes(line)),
      HEADINGS,
    );
  });
  test(`documented: every test that ${name}'s README names exists`, () => {
    const titles = titlesIn(readFileSync(path, 'utf8'));
    assert.ok(titles.length >= TITLES_MIN, `only ${titles.length} titles`);
    const tests = builtTests();
    assert.deepEqual(
      titles.filter((title) => !tests.includes(title)),
      [],
    );
  });
}
