/**
 * Rights by database. What somebody gets who may see some databases only is what a store would say that has nothing else:
 * each route is asked of a store with everything by such a person, and of a store with those records alone by another one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alerts, AlertView } from '#src/console/api/alerts.js';
import { ROLES, type Role } from '#src/console/api/common.js';
import type { ApiTokens, People, TokenSecret } from '#src/console/api/people.js';
import type { Completion, Count, Records, RecordView, SessionView } from '#src/console/api/records.js';
import type { ReportRun, Reports } from '#src/console/api/reports.js';
import type { CoverageView, Sensors } from '#src/console/api/sensors.js';
import type { Session } from '#src/console/api/session.js';
import type { Trail } from '#src/console/api/trail.js';
import type { AuditRecord } from '#src/contracts/record.js';
import { statement, TEST_TIME_US } from '#src/store/fixture.js';
import { API, type Asker, askerWith, type TestConsole, until, withConsole } from './console.js';

const MINUTE_US = 60_000_000;
const MINE = ['hr', 'CRM'];

/** Records of four databases and of none, told apart by nothing else; sessions go from one to another. */
function mixedRecords(): AuditRecord[] {
  const databases = ['hr', 'pay', 'crm', undefined, 'hr', 'secrets'];
  return Array.from({ length: 300 }, (_, n) => {
    const namespace = databases[n % databases.length];
    return statement(n + 1, {
      timeUs: TEST_TIME_US + n * MINUTE_US,
      session: `00000000000000a${n % 5}`,
      user: n % 7 === 0 ? `only-${namespace}` : `user${n % 3}`,
      program: `program${n % 5}`,
      clientAddress: `10.0.${n % 3}.${n % 11}`,
      namespace,
      operation: ['SELECT', 'UPDATE', 'DELETE'][n % 3],
      objects: [`${namespace ?? 'none'}_table${n % 4}`, 'shared'],
      fingerprint: `${n % 5}${'0'.repeat(15)}`,
      durationUs: (n * 7919) % 5000,
      returnedRows: (n * 31) % 400,
      errorCode: n % 13 === 0 ? '42P01' : undefined,
      parameters: n % 10 === 0 ? ['secret value'] : undefined,
      policy: n % 7 === 3 ? [{ rule: `rule-${n % 3}`, severity: 'high', action: 'alert' }] : undefined,
    });
  });
}

const isMine = ({ namespace }: AuditRecord): boolean => namespace === 'hr' || namespace === 'crm';
const RECORDS = mixedRecords();
const mine = (at: number): AuditRecord => RECORDS.filter(isMine).at(at) as AuditRecord;
const others = RECORDS.filter((record) => !isMine(record));
const DAY = `t=${new Date(TEST_TIME_US / 1000 + 3_600_000).toISOString()}/${new Date(TEST_TIME_US / 1000 + 12_600_000).toISOString()}`;

/** Every route that reads, and questions to it. Those with a reason are looked at by tests of their own. */
const READS: Readonly<Record<string, readonly string[] | { readonly because: string }>> = {
  '/overview': ['/overview', `/overview?${DAY}`, '/overview?q=user:user1', '/overview?db=pay', '/overview?db=hr,pay'],
  '/overview/figures': ['/overview/figures', `/overview/figures?${DAY}&q=op:SELECT`, '/overview/figures?db=pay'],
  '/overview/before': [`/overview/before?${DAY}`, `/overview/before?${DAY}&back=week&q=op:SELECT`],
  '/records': ['/records?limit=1000', '/records?limit=1000&dir=oldest&q=db:secrets or user:user1', '/records?q=db:pay'],
  '/records/at': ['/records/at?position=20&limit=1000', `/records/at?position=3&limit=9&${DAY}&q=table:shared`],
  '/records/marks': ['/records/marks', `/records/marks?${DAY}&dir=oldest&q=op:SELECT`],
  '/count': ['/count', '/count?q=not db:hr', '/count?q=db:*', '/count?q=not db:nowhere', `/count?${DAY}&q=failed:yes`],
  '/histogram': ['/histogram?by=op', `/histogram?${DAY}&by=severity&q=rows>10`],
  '/facets': [
    '/facets?field=user,op,object,db,client,server,program,system,kind,rule,severity,error,fingerprint,session,sensor&limit=1000',
    `/facets?field=object,db&q=db:secrets or op:DELETE&${DAY}`,
  ],
  '/complete': [
    '/complete?text=db:&pos=3',
    '/complete?text=user:only&pos=9',
    '/complete?text=table:secrets&pos=13',
    '/complete?text=client:&pos=7&db=secrets',
    `/complete?text=rule:&pos=5&${DAY}`,
  ],
  '/explain': { because: 'says nothing of segments' },
  '/records/{id}': [0, 7, 30, -1].map((at) => `/records/${mine(at).id}`),
  '/pins': { because: 'has one’s own, see pins.test.ts' },
  '/records/{id}/packets': { because: 'needs evidence of a capture' },
  '/sessions': ['/sessions', `/sessions?${DAY}&q=db:pay or op:DELETE`, `/sessions?${DAY}&relation=covers`],
  '/sessions/{id}': [0, 1, 2, 3].map((n) => `/sessions/00000000000000a${n}`),
  '/entities': [
    '/entities?kind=user',
    '/entities?kind=object&limit=3',
    '/entities?kind=database',
    `/entities?kind=database&${DAY}&q=rows>3`,
  ],
  '/users/{name}': ['/users/user1', `/users/user2?${DAY}&days=1`, '/users/only-hr'],
  '/objects/{name}': ['/objects/shared', `/objects/hr_table0?${DAY}`],
  '/databases/{name}': ['/databases/hr', `/databases/crm?${DAY}`],
  '/alerts': ['/alerts', `/alerts?${DAY}&severity=high&state=open,closed`, '/alerts?course=new&q=op:SELECT'],
  '/alerts/{id}': ['/alerts/rule-0~3000000000000000'],
  '/export': ['/export?format=csv', '/export?format=jsonl&q=not db:hr', '/export?format=csv&cols=time,user,db,text'],
  '/live': { because: 'is a stream' },
  '/coverage': { because: 'speaks of sensors' },
  '/sensors': { because: 'speaks of sensors' },
  '/store': { because: 'refused: it is about the whole store' },
  '/session': { because: 'names the person' },
  '/trail': { because: 'has what somebody did themselves' },
  '/trail/complete': { because: 'as /trail' },
  '/reports': { because: 'goes by the rights of who made them' },
  '/reports/{id}': { because: 'as /reports' },
  '/reports/{id}/pdf': { because: 'as /reports' },
  '/reports/{id}/html': { because: 'as /reports' },
  '/policies/try/{id}': { because: 'is asked after a POST' },
  '/policies': { because: 'policies are no records' },
  '/policies/versions/{id}': { because: 'policies are no records' },
  '/policies/diff': { because: 'policies are no records' },
  '/policies/drafts/{name}': { because: 'policies are no records' },
  '/searches': { because: 'searches are kept as somebody typed them' },
  '/history': { because: 'has one’s own queries' },
  '/session/sign-ins': { because: 'has one’s own only' },
  '/people': { because: 'is for administrators, who see all' },
  '/tokens': { because: 'is for administrators, who see all' },
};

/**
 * Parts of an answer that depend on the store's other records without telling of them, and the statement of completeness,
 * which names the databases that it speaks of.
 */
const APART = new Set(['watermark', 'tookMs', 'next', 'evidence', 'statement']);

function comparable(body: string): unknown {
  const strip = (_key: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).filter(([key]) => !APART.has(key)))
      : value;
  return body.startsWith('{') && !body.includes('\n') ? JSON.parse(JSON.stringify(JSON.parse(body), strip)) : body;
}

async function json<T>(asker: Asker, path: string): Promise<T> {
  const response = await asker.get(path);
  assert.equal(response.statusCode, 200, `${path}: ${response.body}`);
  return response.json() as T;
}

function asRole(console: TestConsole, role: Role): Asker {
  return askerWith(console.server, { cookie: console.cookies[role] });
}

test('every route that reads is looked at here', () =>
  withConsole([], async (console) => {
    const { paths } = await json<{ paths: Record<string, object> }>(asRole(console, 'viewer'), '/openapi.json');
    const reads = Object.entries(paths).flatMap(([path, methods]) =>
      'get' in methods ? [path.slice(API.length)] : [],
    );
    assert.deepEqual(reads.sort(), Object.keys(READS).sort());
  }));

for (const role of ['viewer', 'auditor'] as const) {
  test(`each answer to a limited ${role} is that of a store with nothing else in it`, () =>
    withConsole(RECORDS, (whole) =>
      withConsole(RECORDS.filter(isMine), async (part) => {
        const limited = await whole.person('limited', role, MINE);
        const [free, all] = [asRole(part, role), asRole(whole, role)];
        const questions = Object.values(READS).flatMap((each) => ('because' in each ? [] : each));
        let different = 0;
        for (const question of questions) {
          const [path = '', query = ''] = question.split('?');
          const url = query === '' ? path : `${path}?${new URLSearchParams(query)}`;
          const [found, wanted, more] = await Promise.all([limited.get(url), free.get(url), all.get(url)]);
          assert.equal(found.statusCode, wanted.statusCode, `${question}: ${found.body} / ${wanted.body}`);
          const answer = comparable(found.body);
          assert.deepEqual(answer, comparable(wanted.body), question);
          if (JSON.stringify(answer) !== JSON.stringify(comparable(more.body))) different++;
        }
        assert.ok(different > questions.length * 0.9, `only ${different} of ${questions.length} would have told more`);
      }),
    ));
}

test('what may not be seen is as if it were not there', () =>
  withConsole(RECORDS, async (console) => {
    const limited = await console.person('limited', 'auditor', MINE);
    const [hidden] = others;
    const nothing = await limited.get('/records/00000000000000000000000000009999');
    for (const record of [hidden, ...others.slice(-5)]) {
      const response = await limited.get(`/records/${record?.id}`);
      assert.deepEqual([response.statusCode, response.body], [404, nothing.body]);
    }
    const refused: readonly (readonly [string, object])[] = [
      [`/records/${hidden?.id}/reveal`, { reason: 'wanting to know' }],
      [`/records/${hidden?.id}/notes`, { text: 'mine' }],
      ['/alerts/decide', { ids: ['rule-0~nothing'], state: 'acknowledged', reason: 'mine now' }],
    ];
    for (const [path, body] of refused) assert.equal((await limited.post(path, body)).statusCode, 404, path);
    for (const path of ['/databases/pay', '/users/only-secrets', '/objects/pay_table1', '/sessions/nosuch'])
      assert.equal((await limited.get(path)).statusCode, 404, path);
    assert.equal((await limited.get('/store')).statusCode, 403);
  }));

test('positions are sealed: watermarks and cursors work, and tell nothing', () =>
  withConsole(RECORDS, async (console) => {
    const limited = await console.person('limited', 'auditor', MINE);
    const seen: string[] = [];
    const marks = new Set<string>();
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const page: Records = await json<Records>(
        limited,
        `/records?limit=17${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...page.rows.map(({ id }) => id));
      marks.add(page.asked.watermark);
      cursor = page.next;
      const inside = Buffer.from(cursor ?? '', 'base64url').toString();
      assert.match(inside, /^$|^\d+ [\w-]{22}$/);
    }
    assert.deepEqual(
      seen,
      RECORDS.filter(isMine)
        .map(({ id }) => id)
        .reverse(),
    );
    assert.equal(new Set(marks).size, Math.ceil(seen.length / 17), 'two watermarks of one moment differ');
    for (const w of marks) {
      assert.doesNotMatch(w, /^\d{1,15}$/);
      assert.equal((await json<Count>(limited, `/count?w=${w}`)).total, seen.length);
    }
    for (const w of ['300', 'AAAAAAAAAAAAAAAAAAAAAA', 'x'])
      assert.equal((await limited.get(`/count?w=${w}`)).statusCode, 400, w);
    const { evidence } = await json<RecordView>(limited, `/records/${mine(3).id}`);
    assert.deepEqual(Object.keys(evidence ?? {}).sort(), ['segment', 'sha256', 'signed']);
    const { sentences } = await json<{ sentences: string[] }>(limited, '/explain?q=user:only-secrets');
    assert.deepEqual(sentences, ['Only records of hr, CRM are looked at: others are not yours to see.']);
  }));

test('the frame, sensors and coverage count what may be seen; losses are told to everybody', () => {
  const loss = statement(900, {
    timeUs: TEST_TIME_US + MINUTE_US,
    kind: 'loss',
    namespace: undefined,
    reason: 'ring full',
    lostBytes: 4096,
    sensor: 'db2',
  });
  return withConsole([...RECORDS, loss], async (console) => {
    const limited = await console.person('limited', 'viewer', MINE);
    const { store, person } = await json<Session>(limited, '/session');
    assert.deepEqual([store?.records, person?.databases], [RECORDS.filter(isMine).length, MINE]);
    assert.equal((await json<Count>(limited, '/count?q=kind:loss')).total, 0);
    const { coverage, strips } = await json<CoverageView>(limited, '/coverage');
    assert.deepEqual([coverage.lossRecords, coverage.lostBytes], [1, 4096]);
    assert.match(
      coverage.statement,
      /everything of databases hr, CRM that reached the sensors was recorded except in 1 minute with 1 reported loss\./,
    );
    assert.deepEqual(new Set(strips.map(({ db }) => db)), new Set(['hr', 'crm']));
    const { sensors } = await json<Sensors>(limited, '/sensors');
    const counted = sensors.reduce((sum, { records }) => sum + records, 0);
    assert.equal(counted, RECORDS.filter(isMine).length);
  });
});

test('a session that goes from one database to another shows its part, and notes of that part', () =>
  withConsole(RECORDS, async (console) => {
    const limited = await console.person('limited', 'auditor', MINE);
    const session = mine(0).session ?? '';
    const hidden = others.find((record) => record.session === session);
    for (const record of [mine(0), hidden])
      assert.equal(
        (await console.post('auditor', `/records/${record?.id}/notes`, { text: 'looked at' })).statusCode,
        200,
      );
    const view = await json<SessionView>(limited, `/sessions/${session}`);
    assert.deepEqual(
      view.notes.map(({ record }) => record),
      [mine(0).id],
    );
    assert.ok(view.items.every(({ row }) => MINE.some((name) => name.toLowerCase() === row.db)));
    assert.equal((await limited.get(`/sessions/${session}?after=${hidden?.id}`)).statusCode, 404);
  }));

test('a decision holds for the databases that who decided could see', () =>
  withConsole(RECORDS, async (console) => {
    const limited = await console.person('limited', 'auditor', MINE);
    const other = await console.person('other', 'auditor', ['pay']);
    const states = async (asker: Asker): Promise<Readonly<Record<string, string>>> =>
      Object.fromEntries(
        (await json<Alerts>(asker, '/alerts?state=open,acknowledged,closed')).groups.map(({ id, state }) => [
          id,
          state,
        ]),
      );
    const all = asRole(console, 'auditor');
    const everywhere = new Set(Object.keys(await states(other)));
    const id = Object.keys(await states(limited)).find((one) => everywhere.has(one)) ?? '';
    const close = { ids: [id], state: 'closed', verdict: 'expected', reason: 'nightly job of hr' };
    assert.equal((await limited.post('/alerts/decide', close)).statusCode, 200);
    assert.equal((await states(limited))[id], 'closed');
    assert.equal((await states(other))[id], 'open');
    assert.equal((await states(all))[id], 'open', 'its records of other databases were not decided about');
    // Whoever sees all decides for all; the reason stays with those who may see as much.
    const take = { ids: [id], state: 'acknowledged', reason: 'what secrets does at night' };
    assert.equal((await all.post('/alerts/decide', take)).statusCode, 200);
    assert.deepEqual([(await states(limited))[id], (await states(other))[id]], ['acknowledged', 'acknowledged']);
    const { trail } = await json<AlertView>(limited, `/alerts/${encodeURIComponent(id)}`);
    assert.deepEqual(
      trail.map(({ who, reason, count }) => [who, reason, count === undefined]),
      [
        ['limited', 'nightly job of hr', false],
        ['auditor', undefined, true],
      ],
    );
  }));

test('reports have the records of who asked, and are read by those who may see as much', () =>
  withConsole(RECORDS, async (console) => {
    const limited = await console.person('limited', 'auditor', MINE);
    const narrow = await console.person('narrow', 'auditor', ['hr']);
    const all = asRole(console, 'auditor');
    const made = async (asker: Asker, kind: string): Promise<ReportRun> => {
      const started = await asker.post('/reports', { kind });
      assert.equal(started.statusCode, 200, started.body);
      const { id } = started.json() as ReportRun;
      const get = (): Promise<ReportRun> => json<ReportRun>(asker, `/reports/${id}`);
      return until(get, ({ state }) => state !== 'running');
    };
    const own = await made(limited, 'objects');
    const whole = await made(all, 'objects');
    const alerts = RECORDS.filter(({ policy }) => policy !== undefined);
    assert.deepEqual([own.records, whole.records], [alerts.filter(isMine).length, alerts.length]);
    const html = (await limited.get(`/reports/${own.id}/html`)).body;
    for (const hidden of ['pay', 'secrets']) assert.doesNotMatch(html, new RegExp(`${hidden}|only-${hidden}`));
    assert.match(html, /Made with rights to hr, CRM only/);
    const ids = async (asker: Asker): Promise<readonly string[]> =>
      (await json<Reports>(asker, '/reports')).runs.map(({ id }) => id);
    assert.deepEqual([await ids(limited), await ids(narrow), (await ids(all)).length], [[own.id], [], 2]);
    for (const path of ['', '/pdf', '/html'])
      assert.equal((await limited.get(`/reports/${whole.id}${path}`)).statusCode, 404, path);
    assert.equal((await narrow.post(`/reports/${own.id}/sign`, { verdict: 'signed' })).statusCode, 404);
    assert.equal((await limited.post('/reports', { kind: 'console' })).statusCode, 403);
    const plan = { kind: 'logins', every: 'day', hour: 3 };
    assert.equal((await limited.post('/reports/schedules', plan)).statusCode, 200);
    const [schedule] = (await json<Reports>(all, '/reports')).schedules;
    assert.deepEqual((await json<Reports>(narrow, '/reports')).schedules, []);
    const remove = { method: 'DELETE' as const, url: `${API}/reports/schedules/${schedule?.id}` };
    assert.equal((await narrow.send(remove)).statusCode, 404);
    assert.equal((await limited.send(remove)).statusCode, 200);
  }));

test('the trail has what they did themselves', () =>
  withConsole(RECORDS, async (console) => {
    const limited = await console.person('limited', 'auditor', MINE);
    await asRole(console, 'auditor').get('/records?q=db:secrets');
    await limited.get('/records?q=user:user1');
    const { entries, total, intact } = await json<Trail>(limited, '/trail');
    assert.ok(entries.length > 0 && intact);
    assert.equal(total, entries.length);
    assert.deepEqual(new Set(entries.map(({ who }) => who)), new Set(['limited']));
    for (const q of ['user:auditor', 'not user:limited', 'text:secrets', 'action:*-created'])
      assert.deepEqual((await json<Trail>(limited, `/trail?q=${q}`)).entries, [], q);
    const { candidates } = await json<Completion>(limited, '/trail/complete?text=user:&pos=5');
    assert.deepEqual(
      candidates.map(({ insert, count }) => [insert, count]),
      [['limited', total]],
    );
  }));

test('tokens have rights by database too', () =>
  withConsole(RECORDS, async (console) => {
    const admin = asRole(console, 'administrator');
    const made = await admin.post('/tokens', { name: 'export', role: 'auditor', databases: ['hr'] });
    const { token } = made.json() as TokenSecret;
    const script = askerWith(console.server, { authorization: `Bearer ${token}` });
    const expected = RECORDS.filter(({ namespace }) => namespace === 'hr').length;
    assert.equal((await json<Count>(script, '/count')).total, expected);
    const lines = (await script.get('/export?format=jsonl')).body.trimEnd().split('\n');
    assert.equal(lines.length, expected + 1);
    assert.equal((await script.get('/trail')).statusCode, 403);
    assert.deepEqual((await json<ApiTokens>(admin, '/tokens')).tokens[0]?.databases, ['hr']);
  }));

test('rights are given and taken by administrators, who see all; they hold at once', () =>
  withConsole(RECORDS, async (console) => {
    const admin = asRole(console, 'administrator');
    const limited = await console.person('limited', 'viewer', ['hr']);
    const change = (body: object): Promise<number> =>
      admin.send({ method: 'PATCH', url: `${API}/people/limited`, payload: body }).then(({ statusCode }) => statusCode);
    const total = async (): Promise<number> => (await json<Count>(limited, '/count')).total;
    const of = (...names: string[]): number =>
      RECORDS.filter(({ namespace }) => namespace !== undefined && names.includes(namespace)).length;
    assert.equal(await total(), of('hr'));
    assert.equal(await change({ databases: ['pay', 'hr'] }), 200);
    assert.equal(await total(), of('pay', 'hr'));
    for (const wrong of [{ databases: [] }, { databases: [''] }, { databases: 'some' }, { role: 'administrator' }])
      assert.equal(await change(wrong), 400, JSON.stringify(wrong));
    assert.equal(await total(), of('pay', 'hr'), 'nothing of that was done');
    assert.equal(await change({ databases: 'all' }), 200);
    assert.equal(await total(), RECORDS.length);
    const { people } = await json<People>(admin, '/people');
    assert.deepEqual(people.find(({ name }) => name === 'limited')?.databases, 'all');
    assert.equal(
      (await admin.post('/people', { name: 'x', role: 'administrator', databases: ['hr'] })).statusCode,
      400,
    );
    assert.deepEqual(ROLES.length, people.length - 1);
  }));
