/** Queries that somebody asked: offered again at the end of completions, nobody else's, bounded, forgotten on demand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AskedOf, type AskedQueries, HISTORY_CHARS_MAX, HISTORY_MAX } from '#src/console/api/history.js';
import type { Completion } from '#src/console/api/records.js';
import { type Asker, askerWith, someRecords, type TestConsole, withConsole } from './console.js';

function asRole(console: TestConsole, role: 'viewer' | 'auditor'): Asker {
  return askerWith(console.server, { cookie: console.cookies[role] });
}

async function keep(asker: Asker, q: string, of: AskedOf = 'records'): Promise<boolean> {
  const response = await asker.post('/history', { of, q });
  assert.equal(response.statusCode, 200, response.body);
  return (response.json() as { kept: boolean }).kept;
}

async function listed(asker: Asker): Promise<readonly string[]> {
  return ((await asker.get('/history')).json() as AskedQueries).queries.map(({ of, q }) => `${of} ${q}`);
}

/** Candidates for a text with the cursor at its end: kinds in order, and queries asked before. */
async function offered(asker: Asker, text: string, path = ''): Promise<{ kinds: string[]; history: string[] }> {
  const url = `${path}/complete?pos=${text.length}&text=${encodeURIComponent(text)}`;
  const { candidates } = (await asker.get(url)).json() as Completion;
  const history = candidates.filter(({ kind }) => kind === 'history').map(({ insert }) => insert);
  return { kinds: [...new Set(candidates.map(({ kind }) => kind))], history };
}

test('what one asked is offered behind everything else, the latest first, to oneself alone', () =>
  withConsole(someRecords(9), async (console) => {
    const [viewer, auditor] = [asRole(console, 'viewer'), asRole(console, 'auditor')];
    for (const q of ['user:alice', 'op:DELETE  rows>3', ' user:alice failed:yes ', 'user:alice'])
      assert.equal(await keep(viewer, q), true, q);
    for (const q of ['', '   ', 'user:', 'nonsense>3', 'x'.repeat(HISTORY_CHARS_MAX + 1)])
      assert.equal(await keep(viewer, q), false, q);
    assert.deepEqual(await listed(viewer), [
      'records user:alice',
      'records user:alice failed:yes',
      'records op:DELETE  rows>3',
    ]);
    assert.deepEqual(await offered(viewer, 'user:al'), {
      kinds: ['value', 'history'],
      history: ['user:alice', 'user:alice failed:yes'],
    });
    assert.deepEqual((await offered(viewer, '')).kinds, ['field', 'history']);
    assert.deepEqual((await offered(viewer, 'USER:ALICE')).history, ['user:alice failed:yes'], 'not what is there');
    assert.deepEqual(await offered(auditor, 'user:al'), { kinds: ['value'], history: [] });
    assert.deepEqual(await listed(auditor), []);
    assert.equal(await keep(auditor, 'action:reveal', 'trail'), true);
    assert.equal(await keep(auditor, 'rows>3', 'trail'), false, 'no query of that language');
    assert.deepEqual((await offered(auditor, 'act', '/trail')).history, ['action:reveal']);
    assert.deepEqual((await offered(auditor, 'act')).history, []);
  }));

test('it has an end, and is forgotten', () =>
  withConsole(someRecords(1), async (console) => {
    const viewer = asRole(console, 'viewer');
    for (let n = 0; n < HISTORY_MAX + 5; n++) await keep(viewer, `rows>${n}`);
    const all = await listed(viewer);
    assert.deepEqual(
      [all.length, all[0], all.at(-1)],
      [HISTORY_MAX, `records rows>${HISTORY_MAX + 4}`, 'records rows>5'],
    );
    const forget = (body: object): Promise<unknown> => viewer.post('/history/forget', body);
    await forget({ query: { of: 'records', q: 'rows>7' } });
    await forget({ query: { of: 'trail', q: 'rows>8' } });
    assert.deepEqual(
      await listed(viewer),
      all.filter((one) => one !== 'records rows>7'),
    );
    await forget({});
    assert.deepEqual(await listed(viewer), []);
  }));
