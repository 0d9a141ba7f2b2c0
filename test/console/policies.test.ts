/** Policies: checking, drafts, differences, trying over history. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Draft, PolicyDiff, PolicyValidated, TryProgress } from '#src/console/api/policies.js';
import type { Trail } from '#src/console/api/trail.js';
import { statement } from '#src/store/fixture.js';
import { API, cookieOf, PASSWORD, until, withConsole } from './console.js';

const RULE = `version: 1
title: Deletes
rules:
  - id: deletes
    title: Deletes
    reason: Someone has to know.
    severity: high
    action: alert
    when:
      operation: [DELETE]
    tests:
      match:
        - sql: DELETE FROM t
      miss:
        - sql: SELECT 1
`;
const SOURCES = [{ name: 'deletes.yaml', text: RULE }];

test('a policy is checked with line and column, and its own tests are run', () =>
  withConsole([statement(1)], async (console) => {
    const good = (await console.post('auditor', '/policies/validate', { sources: SOURCES })).json() as PolicyValidated;
    assert.deepEqual(good.problems, []);
    assert.deepEqual([good.tests.passed, good.tests.failed], [2, []]);
    assert.equal(good.rules[0]?.id, 'deletes');
    const text = RULE.replace('severity: high', 'severity: hihg');
    const broken = await console.post('auditor', '/policies/validate', { sources: [{ name: 'a.yaml', text }] });
    const { problems } = broken.json() as PolicyValidated;
    assert.equal(problems[0]?.line, 7);
    assert.match(problems[0]?.reason ?? '', /unknown severity "hihg"/);
    const wrong = RULE.replace('SELECT 1', 'DELETE FROM u');
    const tested = await console.post('auditor', '/policies/validate', { sources: [{ name: 'a.yaml', text: wrong }] });
    assert.equal((tested.json() as PolicyValidated).tests.failed[0]?.expected, 'miss');
  }));

test('a trial reads all history with the real engine, and can be given up', () => {
  const records = Array.from({ length: 300 }, (_, n) =>
    n % 3 === 0
      ? statement(n + 1, { text: 'DELETE FROM orders', operation: 'DELETE', operations: ['DELETE'] })
      : statement(n + 1),
  ).map((record, n) => Object.assign(record, { namespace: n < 30 ? 'shop' : 'pay' }));
  return withConsole(records, async (console) => {
    const started = await console.post('auditor', '/policies/try', { sources: SOURCES });
    const { id } = started.json() as { id: string };
    const progress = await until(
      async () => (await console.get('auditor', `/policies/try/${id}`)).json() as TryProgress,
      ({ state }) => state !== 'running',
    );
    assert.equal(progress.state, 'done', progress.message);
    assert.deepEqual([progress.read, progress.total, progress.share, progress.matched], [300, 300, 1, 100]);
    assert.equal(progress.rules[0]?.matches, 100);
    assert.equal(progress.rules[0]?.before, 0);
    assert.equal(progress.days[0]?.matches, 100);
    assert.equal((await console.get('administrator', `/policies/try/${id}`)).statusCode, 404, 'not another one’s');
    const limited = await console.person('limited', 'auditor', ['shop']);
    const own = (await limited.post('/policies/try', { sources: SOURCES })).json() as { id: string };
    const part = await until(
      async () => (await limited.get(`/policies/try/${own.id}`)).json() as TryProgress,
      ({ state }) => state !== 'running',
    );
    assert.deepEqual([part.read, part.total, part.matched], [30, 30, 10], 'of what may be seen');
    const broken = await console.post('auditor', '/policies/try', { sources: [{ name: 'a.yaml', text: 'rules: 1' }] });
    assert.equal(broken.statusCode, 422);
    assert.equal((await console.as('auditor', { method: 'DELETE', url: `${API}/policies/try/${id}` })).statusCode, 200);
  });
});

test('drafts are not overwritten unseen, and differences are shown by line', () =>
  withConsole([statement(1)], async (console) => {
    const put = (name: string, payload: object): Promise<{ statusCode: number; body: string }> =>
      console.as('administrator', { method: 'PUT', url: `${API}/policies/drafts/${name}`, payload });
    const saved = await put('mine', { sources: SOURCES, note: 'first' });
    assert.equal(saved.statusCode, 200, saved.body);
    assert.equal((await put('mine', { sources: SOURCES })).statusCode, 409);
    const { savedAt } = JSON.parse(saved.body) as Draft;
    const changed = [{ name: 'deletes.yaml', text: RULE.replace('[DELETE]', '[DELETE, TRUNCATE]') }];
    assert.equal((await put('mine', { sources: changed, previous: savedAt })).statusCode, 200);
    await put('other', { sources: SOURCES });
    const diff = await console.get('viewer', '/policies/diff?from=draft:other&to=draft:mine');
    const { files } = diff.json() as PolicyDiff;
    const lines = files[0]?.hunks[0]?.lines.filter(({ sign }) => sign !== ' ');
    assert.deepEqual(lines, [
      { sign: '-', text: '      operation: [DELETE]' },
      { sign: '+', text: '      operation: [DELETE, TRUNCATE]' },
    ]);
    const push = { sources: SOURCES, reason: 'agreed on Monday' };
    assert.equal((await console.post('administrator', '/policies/push', push)).statusCode, 503, 'there is no sensor');
    assert.equal((await put('bad', { sources: [{ name: '../x.yaml', text: '' }] })).statusCode, 400);
  }));

test('where two push, what is pushed is a draft of somebody else, unchanged', async () => {
  const push = { sources: SOURCES, reason: 'agreed on Monday' };
  const settings = { twoToPush: true, socket: '/nowhere/control.sock' };
  await withConsole(
    [statement(1)],
    async (console) => {
      const draft = { method: 'PUT' as const, url: `${API}/policies/drafts/deletes`, payload: { sources: SOURCES } };
      const pushed = async (body: object = push): Promise<string> =>
        (await console.post('administrator', '/policies/push', body)).body;
      assert.match(await pushed(), /two people push a policy/);
      assert.equal((await console.as('administrator', draft)).statusCode, 200);
      assert.match(await pushed(), /two people push a policy/, 'one’s own draft is not enough');
      const second = await console.post('administrator', '/people', { name: 'ivanov', role: 'administrator' });
      const token = (second.json() as { link: string }).link.split('#')[1] ?? '';
      const came = await console.post(undefined, '/invitation', { token, password: PASSWORD });
      const headers = { cookie: cookieOf(came) };
      const { savedAt } = (await console.get('administrator', '/policies/drafts/deletes')).json().draft as Draft;
      const theirs = { ...draft, headers, payload: { sources: SOURCES, previous: savedAt } };
      assert.equal((await console.as(undefined, theirs)).statusCode, 200);
      const changed = [{ name: 'deletes.yaml', text: `${RULE}# more\n` }];
      assert.match(await pushed({ ...push, sources: changed }), /two people push a policy/);
      // Allowed now: what fails is the sensor, which is not there.
      assert.match(await pushed(), /control\.sock/);
      const trail = (await console.get('administrator', '/trail?q=action:policy-push')).json() as Trail;
      assert.equal(trail.entries[0]?.detail, 'agreed on Monday (draft deletes by ivanov)');
    },
    settings,
  );
});
