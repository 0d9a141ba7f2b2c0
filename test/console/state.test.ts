/** The console's own file: earlier versions of it, and what nobody can change in it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openState } from '#src/console/state.js';

/** Takes away what later versions added. */
const FIRST_VERSION = `
  DROP TABLE note; DROP TABLE signature; DROP TABLE secret; DROP TABLE pin; DROP TABLE asked; DROP TABLE receiver;
  ALTER TABLE person DROP COLUMN databases; ALTER TABLE token DROP COLUMN databases;
  ALTER TABLE decision DROP COLUMN databases;
  ALTER TABLE decision DROP COLUMN until_json; ALTER TABLE report DROP COLUMN databases;
  ALTER TABLE schedule DROP COLUMN databases; ALTER TABLE schedule DROP COLUMN receivers;
  INSERT INTO person (name, role, created_ms) VALUES ('petrova', 'auditor', 0);
  PRAGMA user_version = 1`;

test('a state file of the first version is brought up: its people see what they saw', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-state-'));
  try {
    const path = join(folder, 'console.db');
    const first = openState(path);
    first.exec(FIRST_VERSION);
    first.close();
    const db = openState(path);
    assert.deepEqual(db.prepare('SELECT name, role, databases FROM person').all(), [
      { name: 'petrova', role: 'auditor', databases: null },
    ]);
    db.exec("INSERT INTO note (record, who, time_ms, text) VALUES ('a', 'auditor', 0, 'seen')");
    assert.throws(() => db.exec("UPDATE note SET text = 'not seen'"), /cannot be changed/);
    assert.throws(() => db.exec('DELETE FROM note'), /cannot be removed/);
    db.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
