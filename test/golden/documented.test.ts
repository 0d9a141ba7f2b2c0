/** The tables "where each demand is tested" in the protocols' READMEs name tests that exist. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** This file runs as `dist/test/golden/documented.test.js`. */
const BUILT: string = join(import.meta.dirname, '..', '..');
const PROTOCOLS: string = join(BUILT, '..', 'src', 'protocols');
const HEADING = '## Where each demand is tested';

/** Titles of a README's table, as far as they are written out. */
function titlesIn(readme: string): string[] {
  const table = readme.slice(readme.indexOf(HEADING)).split('\n');
  const rows = table.filter((line) => line.startsWith('| ')).slice(2);
  // The demand itself may name things in the same type.
  const cells = rows.map((row) => row.split(' | ').slice(1).join(' '));
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, title = '']) => title.replace(/…$/, '')));
}

function builtTests(): string {
  const files = readdirSync(BUILT, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.js'));
  return files.map((name) => readFileSync(join(BUILT, name), 'utf8')).join('\n');
}

for (const name of readdirSync(PROTOCOLS)) {
  const path = join(PROTOCOLS, name, 'README.md');
  if (!existsSync(path) || !readFileSync(path, 'utf8').includes(HEADING)) continue;
  test(`documented: every test that ${name}'s README names exists`, () => {
    const titles = titlesIn(readFileSync(path, 'utf8'));
    assert.ok(titles.length > 20, `only ${titles.length} titles`);
    const tests = builtTests();
    assert.deepEqual(
      titles.filter((title) => !tests.includes(title)),
      [],
    );
  });
}
