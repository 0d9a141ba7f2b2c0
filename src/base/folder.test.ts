import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from './folder.ts';

test('a folder is made with those above it, once, and refused where none can be', () => {
  const root = mkdtempSync(join(tmpdir(), 'wiretrail-folder-'));
  try {
    const deep = join(root, 'a/b/c');
    makeFolder(deep, 0o750);
    makeFolder(deep, 0o750);
    assert.equal(statSync(deep).mode & 0o777, 0o750);
    writeFileSync(join(root, 'file'), '');
    assert.throws(() => makeFolder(join(root, 'file/x')), { code: 'ENOTDIR' });
    assert.throws(() => makeFolder('/proc/wiretrail/x'), { code: 'ENOENT' });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
