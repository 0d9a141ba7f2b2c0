import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { scaffold } from './scaffold.ts';

const directory = mkdtempSync(join(tmpdir(), 'wiretrail-scaffold-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** This file runs as `dist/protocols/sdk/scaffold.test.js`. */
const SOURCES = resolve(import.meta.dirname, '../../../src/protocols');
const IMPORT = /from '([^']+)'/g;

test('a new protocol has the files of the template, under its own name, and imports what exists', () => {
  assert.equal(scaffold('novel', directory).exitCode, 0);
  const folder = join(directory, 'novel');
  const files = readdirSync(folder);
  assert.deepEqual(files, readdirSync(join(SOURCES, 'sdk', 'template')));
  const ownPlace = join(SOURCES, 'novel');
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const text = readFileSync(join(folder, file), 'utf8');
    assert.ok(!text.includes('template'), file);
    for (const [, path = ''] of text.matchAll(IMPORT)) {
      if (!path.startsWith('.')) continue;
      const inFolder = path.startsWith('./') && existsSync(join(folder, path));
      assert.ok(inFolder || existsSync(resolve(ownPlace, path)), `${file} imports ${path}`);
    }
  }
  assert.match(readFileSync(join(folder, 'README.md'), 'utf8'), /^# novel\n/);
});

test('a name that is taken or is none is refused in one line, and nothing is written', () => {
  for (const name of [undefined, 'Upper', '9lives', '../outside']) {
    assert.deepEqual([scaffold(name, directory).exitCode, scaffold(name, directory).said.includes('\n')], [2, false]);
  }
  const before = readdirSync(directory);
  assert.match(scaffold('novel', directory).said, /exists already/);
  assert.deepEqual(readdirSync(directory), before);
});
