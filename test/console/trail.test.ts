/** The console's own trail: what is written down, and that nobody can take it back. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Trail as TrailPage } from '#src/console/api/people.js';
import { openState } from '#src/console/state.js';
import { Trail } from '#src/console/trail.js';
import { StoreReader } from '#src/store/reader.js';
import { READS_FOLDER, verifyReads } from '#src/store/reads.js';
import { API, someRecords, withConsole } from './console.js';

test('sign-ins, views, reveals, exports and changes are written down', () =>
  withConsole(someRecords(11), async (console) => {
    const id = (1).toString(16).padStart(32, '0');
    await console.post(undefined, '/login', { name: 'viewer', password: 'wrong' });
    await console.get('auditor', `/records/${id}`);
    await console.post('auditor', `/records/${id}/reveal`, { reason: 'ticket 17' });
    const file = await console.get('auditor', '/export?format=csv');
    assert.equal(file.statusCode, 200);
    const page = (await console.get('auditor', '/trail')).json() as TrailPage;
    const actions = page.entries.map(({ who, action, detail }) => `${who} ${action} ${detail.slice(0, 9)}`);
    for (const expected of [
      '- login-refused sign-in-r',
      'auditor view ',
      'auditor reveal ticket 17',
      'administrator person-created viewer',
    ])
      assert.ok(actions.includes(expected), `${expected} in ${actions.join('; ')}`);
    assert.ok(page.entries.some(({ action, subject }) => action === 'export-done' && subject === '11 rows'));
    assert.equal(page.intact, true);
    const some = (await console.get('auditor', '/trail?action=reveal&limit=1')).json() as TrailPage;
    assert.deepEqual(
      some.entries.map(({ subject }) => subject),
      [id],
    );
    const log = new StoreReader(join(console.directory, READS_FOLDER));
    const kept = [...log.query({})].map(({ user, operation, call }) => `${user} ${operation} ${call}`);
    log.close();
    for (const expected of [
      'auditor READ console view',
      'auditor READ console reveal',
      'auditor READ console export',
      '- LOGIN-REFUSED console login-refused',
      'administrator PERSON-CREATED console person-created',
    ])
      assert.ok(kept.includes(expected), `${expected} in ${kept.join('; ')}`);
    assert.deepEqual(verifyReads(console.directory)?.faults, []);
    const removed = await console.as('administrator', { method: 'DELETE', url: `${API}/trail` });
    assert.equal(removed.statusCode, 404, 'there is no way to ask for it');
  }));

test('entries cannot be changed or removed, and a file that was edited shows it', () => {
  const db = openState(':memory:');
  const trail = new Trail(db);
  for (let i = 0; i < 5; i++) trail.write({ who: 'ann', address: '::1', action: 'view', subject: `r${i}` });
  assert.equal(trail.isIntact(), true);
  assert.throws(() => db.exec("UPDATE trail SET who = 'joe'"), /cannot be changed/);
  assert.throws(() => db.exec('DELETE FROM trail'), /cannot be removed/);
  db.exec("DROP TRIGGER trail_keeps; UPDATE trail SET who = 'joe' WHERE seq = 3");
  assert.equal(new Trail(db).isIntact(), false);
  db.exec("UPDATE trail SET who = 'ann' WHERE seq = 3");
  assert.equal(new Trail(db).isIntact(), true);
  db.exec('DROP TRIGGER trail_stays; DELETE FROM trail WHERE seq = 2');
  assert.equal(new Trail(db).isIntact(), false);
  db.close();
});
