/** The console's own trail: what is written down, and that nobody can take it back. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Completion } from '#src/console/api/records.js';
import type { Trail as TrailPage } from '#src/console/api/trail.js';
import { openState } from '#src/console/state.js';
import { Trail, type TrailFacts } from '#src/console/trail.js';
import { completeTrail, searchTrail } from '#src/console/trail-search.js';
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
    const some = (await console.get('auditor', '/trail?q=action:reveal&limit=1')).json() as TrailPage;
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

const EVERYBODY = { only: undefined, gone: undefined };

/** Entry `n`; what a slice of the search has is not what a page has, nor what a user has. */
function entry(n: number): TrailFacts {
  const facts = { who: n % 7 === 0 ? 'petrova' : 'ivanov', address: n % 3 === 0 ? '10.1.0.5' : '::1' };
  if (n % 100 === 50) return { ...facts, action: 'reveal', subject: `record${n}`, detail: `Ticket ${n}, "urgent"` };
  return { ...facts, action: 'view', subject: `record${n}` };
}

test('the trail is searched with the language of records, through any number of slices', async () => {
  const db = openState(':memory:');
  const trail = new Trail(db);
  const count = 9000;
  db.transaction(() => {
    for (let n = 1; n <= count; n++) trail.write(entry(n));
  })();
  const all = Array.from({ length: count }, (_, i) => ({ seq: i + 1, ...entry(i + 1) }));
  const questions: readonly (readonly [string, (one: TrailFacts & { seq: number }) => boolean])[] = [
    ['', () => true],
    ['user:Petrova', ({ who }) => who === 'petrova'],
    ['who:petrova op:reveal', ({ who, action }) => who === 'petrova' && action === 'reveal'],
    ['client:10.0.0.0/8 action:rev*', ({ address, action }) => address === '10.1.0.5' && action === 'reveal'],
    ['not action:view or subject:record1', ({ action, subject }) => action !== 'view' || subject === 'record1'],
    ['"ticket 4250"', ({ detail = '' }) => detail.includes('4250')],
    ['text:record899', ({ subject }) => subject.includes('record899')],
    ['subject:=record3 since:-1h', ({ subject }) => subject === 'record3'],
    ['until:-1h', () => false],
  ];
  for (const [q, isMeant] of questions) {
    const expected = all.filter(isMeant).map(({ seq }) => seq);
    const found: number[] = [];
    for (let before: number | undefined; ; ) {
      const page = await searchTrail(db, { q, limit: 500, ...(before && { before }) }, EVERYBODY);
      assert.deepEqual([page.matched, page.total], [expected.length, count], q);
      found.push(...page.entries.map(({ seq }) => seq));
      if (page.entries.length < 500) break;
      before = found.at(-1);
    }
    assert.deepEqual(found, expected.reverse(), q);
  }
  const own = await searchTrail(db, { q: 'not user:ivanov' }, { ...EVERYBODY, only: 'ivanov' });
  assert.deepEqual([own.matched, own.total], [0, all.filter(({ who }) => who === 'ivanov').length]);
  const counted = async (text: string, only?: string): Promise<readonly unknown[]> => {
    const { candidates } = await completeTrail(db, { text, pos: text.length }, { only, gone: undefined });
    return candidates.map(({ insert, count: times }) => [insert, times]);
  };
  assert.deepEqual(await counted('op:'), [
    ['view', 8910],
    ['reveal', 90],
  ]);
  assert.deepEqual(await counted('user:pet'), [['petrova', 1285]]);
  assert.deepEqual(await counted('user:', 'petrova'), [['petrova', 1285]]);
  await assert.rejects(searchTrail(db, {}, { only: undefined, gone: AbortSignal.abort() }), /nobody waits/);
  db.close();
});

test('a question about the trail that makes no sense is refused with its column; the range is absolute', () =>
  withConsole(someRecords(1), async (console) => {
    const wrong: readonly (readonly [string, number])[] = [
      ['action:login rows>3', 14],
      ['action>view', 1],
      ['(user:x', 1],
    ];
    for (const [q, column] of wrong) {
      const refused = await console.get('auditor', `/trail?q=${encodeURIComponent(q)}`);
      const { code, column: found } = refused.json() as { code: string; column: number };
      assert.deepEqual([refused.statusCode, code, found], [400, 'query', column], refused.body);
    }
    assert.equal((await console.get('auditor', '/trail?t=nonsense')).statusCode, 400);
    const none = (await console.get('auditor', '/trail?t=2020-01-01')).json() as TrailPage;
    assert.deepEqual([none.asked.from, none.asked.to], ['2020-01-01T00:00:00.000000Z', '2020-01-02T00:00:00.000000Z']);
    assert.deepEqual([none.matched, none.entries], [0, []]);
    assert.ok(none.total > 0);
    const { candidates, problem } = (
      await console.get('auditor', '/trail/complete?text=who:x act&pos=9')
    ).json() as Completion;
    assert.deepEqual([candidates.map(({ insert }) => insert), problem], [['action:'], undefined]);
  }));
