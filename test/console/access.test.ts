/** Who may do what: every route with every role, sign-in, lockout, second factor, origin, tokens, the trail. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { fromBase32, toBase32, totpCode, totpStep } from '#src/console/access/totp.js';
import { ROLES, type Role } from '#src/console/api/common.js';
import { API, cookieOf, ORIGIN, PASSWORD, someRecords, withConsole } from './console.js';

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Least role of every route; a route that is missing here fails the test. */
const RIGHTS: Readonly<Record<string, Role | 'public'>> = {
  'get /session': 'public',
  'post /login': 'public',
  'post /setup': 'public',
  'post /invitation': 'public',
  'post /logout': 'viewer',
  'post /password': 'viewer',
  'post /totp/enrol': 'viewer',
  'post /totp/confirm': 'viewer',
  'post /totp/remove': 'viewer',
  'get /session/sign-ins': 'viewer',
  'delete /session/sign-ins/{id}': 'viewer',
  'get /people': 'administrator',
  'post /people': 'administrator',
  'patch /people/{name}': 'administrator',
  'post /people/{name}/reset': 'administrator',
  'get /store': 'viewer',
  'get /tokens': 'administrator',
  'post /tokens': 'administrator',
  'delete /tokens/{id}': 'administrator',
  'get /trail': 'auditor',
  'get /trail/complete': 'auditor',
  'get /overview': 'viewer',
  'get /overview/figures': 'viewer',
  'get /overview/before': 'viewer',
  'get /records': 'viewer',
  'get /records/at': 'viewer',
  'get /records/marks': 'viewer',
  'get /count': 'viewer',
  'get /histogram': 'viewer',
  'get /facets': 'viewer',
  'get /complete': 'viewer',
  'get /explain': 'viewer',
  'get /records/{id}': 'viewer',
  'post /records/{id}/notes': 'auditor',
  'post /records/{id}/reveal': 'auditor',
  'get /records/{id}/packets': 'auditor',
  'get /pins': 'viewer',
  'put /pins/{id}': 'viewer',
  'delete /pins/{id}': 'viewer',
  'delete /pins': 'viewer',
  'get /sessions': 'viewer',
  'get /sessions/{id}': 'viewer',
  'get /entities': 'viewer',
  'get /users/{name}': 'viewer',
  'get /objects/{name}': 'viewer',
  'get /databases/{name}': 'viewer',
  'get /export': 'auditor',
  'get /live': 'viewer',
  'get /alerts': 'viewer',
  'get /alerts/{id}': 'viewer',
  'post /alerts/decide': 'auditor',
  'get /sensors': 'viewer',
  'get /coverage': 'viewer',
  'get /history': 'viewer',
  'post /history': 'viewer',
  'post /history/forget': 'viewer',
  'get /searches': 'viewer',
  'post /searches': 'viewer',
  'delete /searches/{id}': 'viewer',
  'get /policies': 'viewer',
  'get /policies/versions/{id}': 'viewer',
  'get /policies/diff': 'viewer',
  'get /policies/drafts/{name}': 'viewer',
  'put /policies/drafts/{name}': 'administrator',
  'delete /policies/drafts/{name}': 'administrator',
  'post /policies/validate': 'auditor',
  'post /policies/try': 'auditor',
  'get /policies/try/{id}': 'auditor',
  'delete /policies/try/{id}': 'auditor',
  'post /policies/push': 'administrator',
  'get /reports': 'viewer',
  'post /reports': 'auditor',
  'get /reports/{id}': 'auditor',
  'get /reports/{id}/pdf': 'auditor',
  'get /reports/{id}/html': 'auditor',
  'post /reports/schedules': 'auditor',
  'post /reports/{id}/sign': 'auditor',
  'delete /reports/schedules/{id}': 'auditor',
};

test('every route asks for its role, of nobody less, and of nobody more', () =>
  withConsole(someRecords(3), async (console) => {
    const { paths } = (await console.get('viewer', '/openapi.json')).json() as OpenApi;
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path.slice(API.length)}`),
    );
    assert.deepEqual(routes.sort(), Object.keys(RIGHTS).sort());
    for (const [route, least] of Object.entries(RIGHTS)) {
      const [method = '', path = ''] = route.split(' ');
      // A body or query that no route takes: who may come in is refused for that, and nothing is changed.
      const url = `${API}${path.replace(/\{\w+\}/g, 'none')}?nonsense=1`;
      const payload = method === 'get' || method === 'delete' ? undefined : { nonsense: 1 };
      if (path === '/logout') continue;
      for (const role of [undefined, ...ROLES]) {
        const response = await console.as(role, { method: method as 'GET', url, ...(payload && { payload }) });
        const allowed = least === 'public' || (role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(least));
        const refused = role === undefined ? 401 : 403;
        if (allowed) assert.ok(![401, 403].includes(response.statusCode), `${route} as ${role}: ${response.body}`);
        else assert.equal(response.statusCode, refused, `${route} as ${role ?? 'nobody'}`);
      }
    }
  }));

test('names, wrong passwords and locks cannot be told apart, and a right password does not open a lock', () =>
  withConsole(someRecords(1), async (console) => {
    for (const name of ['viewer', 'nobody']) {
      const answers: number[] = [];
      for (let i = 0; i < 7; i++)
        answers.push((await console.post(undefined, '/login', { name, password: 'wrong' })).statusCode);
      assert.deepEqual(answers, [401, 401, 401, 401, 401, 429, 429], name);
    }
    const locked = await console.post(undefined, '/login', { name: 'viewer', password: PASSWORD });
    assert.equal(locked.statusCode, 429);
    assert.ok(Number(locked.headers['retry-after']) > 0);
    const people = (await console.get('administrator', '/people')).json() as { people: { lockedUntil?: string }[] };
    assert.ok(people.people.some(({ lockedUntil }) => lockedUntil !== undefined));
    assert.equal((await console.post(undefined, '/login', { name: 'auditor', password: PASSWORD })).statusCode, 200);
  }));

test('sign-ins are limited by address, whatever name is tried', () =>
  withConsole(someRecords(1), async (console) => {
    const answers: number[] = [];
    for (let i = 0; i < 25; i++)
      answers.push((await console.post(undefined, '/login', { name: `n${i}`, password: 'wrong' })).statusCode);
    assert.ok(answers.includes(401));
    assert.equal(answers.at(-1), 429);
  }));

test('one-time codes are those of RFC 6238, and of another implementation', () => {
  const secret = Buffer.from('12345678901234567890');
  // Appendix B, SHA-1.
  const vectors: readonly [number, string][] = [
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ];
  for (const [seconds, code] of vectors) assert.equal(totpCode(secret, Math.floor(seconds / 30), 8), code);
  assert.deepEqual(fromBase32(toBase32(secret)), secret);
  const other = new TOTP({ secret: Secret.fromBase32(toBase32(secret)) });
  for (let timeMs = 0; timeMs < 3_000_000; timeMs += 30_000)
    assert.equal(totpCode(secret, timeMs / 30_000), other.generate({ timestamp: timeMs }));
  assert.equal(totpStep(secret, totpCode(secret, 100), 100 * 30_000, 100), undefined, 'a code is good once');
  assert.equal(totpStep(secret, totpCode(secret, 97), 100 * 30_000, 0), undefined, 'an old code is not taken');
});

test('with a second factor a code is asked for, at sign-in and before what is sensitive', () =>
  withConsole(someRecords(11), async (console) => {
    assert.equal((await console.post('auditor', '/totp/enrol', { password: 'wrong wrong' })).statusCode, 401);
    const enrolled = (await console.post('auditor', '/totp/enrol', { password: PASSWORD })).json() as {
      secret: string;
    };
    const totp = new TOTP({ secret: Secret.fromBase32(enrolled.secret) });
    // Of one moment all of them: half a minute may end while this goes on.
    const now = Date.now();
    const [first, second, third] = [-1, 0, 1].map((steps) => totp.generate({ timestamp: now + steps * 30_000 }));
    assert.equal((await console.post('auditor', '/totp/confirm', { code: first })).statusCode, 200);
    const login = { name: 'auditor', password: PASSWORD };
    const without = await console.post(undefined, '/login', login);
    assert.equal(without.statusCode, 401);
    assert.equal((without.json() as { code: string }).code, 'code-needed');
    assert.equal((await console.post(undefined, '/login', { ...login, code: second })).statusCode, 200);
    const again = await console.post(undefined, '/login', { ...login, code: second });
    assert.equal((again.json() as { code: string }).code, 'code-wrong', 'each code is good once');
    const id = (1).toString(16).padStart(32, '0');
    const reason = 'asked for by the data owner';
    const reveal = await console.post('auditor', `/records/${id}/reveal`, { reason });
    assert.equal((reveal.json() as { code: string }).code, 'code-needed');
    const shown = await console.post('auditor', `/records/${id}/reveal`, { reason, code: third });
    assert.equal(shown.statusCode, 200, shown.body);
    assert.match(shown.body, /secret value/);
  }));

test('what changes something comes from the console’s own pages, or has a token', () =>
  withConsole(someRecords(1), async (console) => {
    const search = { name: 'mine', q: 'user:alice' };
    const post = (headers: Record<string, string>): Promise<{ statusCode: number }> =>
      console.server.app.inject({
        method: 'POST',
        url: `${API}/searches`,
        payload: search,
        headers: { host: 'localhost:80', ...headers },
      });
    const cookie = console.cookies.viewer;
    assert.equal((await post({ cookie, origin: ORIGIN })).statusCode, 200);
    assert.equal((await post({ cookie, origin: 'http://evil.example' })).statusCode, 403);
    assert.equal((await post({ cookie, origin: 'null' })).statusCode, 403);
    assert.equal((await post({ cookie })).statusCode, 403);
    const made = await console.post('administrator', '/tokens', { name: 'script', role: 'viewer' });
    const { id, token } = made.json() as { id: string; token: string };
    const authorization = `Bearer ${token}`;
    assert.equal((await post({ authorization })).statusCode, 200);
    const elsewhere = await console.as(undefined, { method: 'GET', url: `${API}/trail`, headers: { authorization } });
    assert.equal(elsewhere.statusCode, 403, 'a token has its role, no more');
    assert.equal((await console.as('administrator', { method: 'DELETE', url: `${API}/tokens/${id}` })).statusCode, 200);
    assert.equal((await post({ authorization })).statusCode, 401);
  }));

test('cookies are for this host and its server alone; a sign-in ends when it is ended', () =>
  withConsole(someRecords(1), async (console) => {
    const response = await console.post(undefined, '/login', { name: 'viewer', password: PASSWORD });
    const [cookie] = response.cookies;
    assert.equal(cookie?.httpOnly, true);
    assert.equal(cookie?.sameSite, 'Strict');
    assert.equal(cookie?.path, '/');
    const headers = { cookie: cookieOf(response) };
    const session = (): Promise<{ statusCode: number }> =>
      console.as(undefined, { method: 'GET', url: `${API}/count`, headers });
    assert.equal((await session()).statusCode, 200);
    assert.equal((await console.as(undefined, { method: 'POST', url: `${API}/logout`, headers })).statusCode, 200);
    assert.equal((await session()).statusCode, 401);
  }));

test('a disabled person is out at once; the last administrator stays', () =>
  withConsole(someRecords(1), async (console) => {
    const patch = (name: string, payload: object): Promise<{ statusCode: number }> =>
      console.as('administrator', { method: 'PATCH', url: `${API}/people/${name}`, payload });
    assert.equal((await console.get('viewer', '/count')).statusCode, 200);
    assert.equal((await patch('viewer', { disabled: true })).statusCode, 200);
    assert.equal((await console.get('viewer', '/count')).statusCode, 401);
    assert.equal((await patch('administrator', { role: 'viewer' })).statusCode, 409);
    assert.equal((await patch('auditor', { role: 'viewer' })).statusCode, 200);
    assert.equal((await console.get('auditor', '/trail')).statusCode, 403, 'roles count from the next request on');
  }));

test('weak passwords are refused with the reason', () =>
  withConsole(someRecords(1), async (console) => {
    const refused: readonly [string, RegExp][] = [
      ['aaaaaaaaaaaaaaaa', /different characters/],
      ['passwordpassword1234', /common words/],
      ['my name is viewer!', /contains the name/],
    ];
    for (const [password, reason] of refused) {
      const response = await console.post('viewer', '/password', { old: PASSWORD, new: password });
      assert.equal(response.statusCode, 400);
      assert.match(response.body, reason);
    }
    const changed = await console.post('viewer', '/password', { old: PASSWORD, new: 'granite under the moss' });
    assert.equal(changed.statusCode, 200, changed.body);
  }));

test('the link of the first start is good once, and only while nobody exists', () =>
  withConsole(someRecords(1), async (console) => {
    const token = console.server.setupPath?.split('#')[1] ?? '';
    const again = await console.post(undefined, '/setup', { token, name: 'second', password: PASSWORD });
    assert.equal(again.statusCode, 404);
    assert.equal((await console.as(undefined, { method: 'GET', url: `${API}/session` })).json().setupNeeded, false);
  }));

test('the description of the API is complete: every route has a summary, and answers by a schema or a file', () =>
  withConsole(someRecords(1), async (console) => {
    const { paths } = (await console.get('viewer', '/openapi.json')).json() as OpenApi;
    const files = new Set(['/export', '/live', '/records/{id}/packets', '/reports/{id}/pdf', '/reports/{id}/html']);
    const described: string[] = [];
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const { summary, responses } = operation as { summary?: string; responses: Record<string, Described> };
        assert.ok((summary ?? '').length > 3, `${method} ${path}`);
        const properties = responses['200']?.content?.['application/json']?.schema.properties;
        if (!files.has(path.slice(API.length))) assert.ok(properties, `${method} ${path}`);
        assert.deepEqual(Object.keys(responses['4XX']?.content?.['application/json']?.schema.properties ?? {}), [
          'code',
          'message',
          'column',
          'id',
        ]);
        described.push(`${method} ${path.slice(API.length)} ${Object.keys(properties ?? {}).join(' ')}`.trim());
      }
    }
    // What is taken away or renamed here breaks people's scripts: say so in the change log.
    const snapshot = readFileSync(join(import.meta.dirname, '../../../test/console/api.txt'), 'utf8');
    assert.equal(`${described.sort().join('\n')}\n`, snapshot);
  }));

interface Described {
  readonly content?: Readonly<
    Record<string, { readonly schema: { readonly properties?: Readonly<Record<string, unknown>> } } | undefined>
  >;
}
