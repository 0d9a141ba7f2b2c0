/** What is read from the store: lists, counts, pages, one record, sessions; all agree with each other. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Role } from '#src/console/api/common.js';
import type { Overview, OverviewBefore, OverviewFigures } from '#src/console/api/overview.js';
import type {
  Completion,
  Count,
  Facets,
  Histogram,
  Records,
  RecordsAt,
  RecordView,
  SessionView,
} from '#src/console/api/records.js';
import type { Kept } from '#src/console/api/sensors.js';
import type { AuditRecord } from '#src/contracts/record.js';
import { parsePolicies, shortVersion } from '#src/policy/policy.js';
import { archivePolicy } from '#src/sensor/policy-archive.js';
import { addHold } from '#src/store/expiry/hold.js';
import { statement, TEST_TIME_US } from '#src/store/fixture.js';
import { verifyStore } from '#src/store/proof/verify.js';
import { someRecords, type TestConsole, withConsole, writeRecords } from './console.js';

async function ask<T>(console: TestConsole, role: Role, path: string): Promise<T> {
  const response = await console.get(role, path);
  assert.equal(response.statusCode, 200, `${path}: ${response.body}`);
  return response.json() as T;
}

test('chart, facets, table, positions and export give one count', () =>
  withConsole(someRecords(1234), async (console) => {
    for (const q of ['', 'user:bob', 'failed:yes', 'rows>0 user:alice']) {
      const query = `q=${encodeURIComponent(q)}`;
      const { total } = await ask<Count>(console, 'auditor', `/count?${query}`);
      const histogram = await ask<Histogram>(console, 'auditor', `/histogram?${query}&by=op`);
      assert.equal(histogram.total, total);
      const bars = histogram.series.lines.flatMap(({ counts }) => counts);
      assert.equal(
        bars.reduce((sum, count) => sum + count, 0),
        total,
      );
      const { facets } = await ask<Facets>(console, 'auditor', `/facets?${query}&field=user&limit=1`);
      const counted = facets[0]?.values.reduce((sum, { count }) => sum + count, facets[0].others);
      assert.equal(counted, total);
      const seen = new Set<string>();
      for (let cursor: string | undefined = ''; cursor !== undefined; ) {
        const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
        const page: Records = await ask<Records>(console, 'auditor', `/records?${query}&limit=100${more}`);
        for (const { id } of page.rows) seen.add(id);
        cursor = page.next;
      }
      assert.equal(seen.size, total);
      const file = (await console.get('auditor', `/export?${query}&format=jsonl`)).body.trimEnd().split('\n');
      const last = JSON.parse(file.pop() ?? '') as Record<string, unknown>;
      assert.equal(file.length, total);
      assert.equal(last['export.rows'], total);
      const bytes = file.map((line) => `${line}\n`).join('');
      assert.equal(last['export.sha256'], createHash('sha256').update(bytes).digest('hex'));
      const overview = await ask<Overview>(console, 'auditor', `/overview?${query}`);
      assert.equal(overview.total, total);
      const { asked, ...figures } = await ask<OverviewFigures>(console, 'auditor', `/overview/figures?${query}`);
      assert.deepEqual({ ...overview, ...figures, asked: overview.asked }, overview);
      assert.equal(asked.watermark, overview.asked.watermark);
    }
  }));

test('every position of the result is reached, in either direction', () =>
  withConsole(someRecords(1500), async (console) => {
    for (const position of [0, 1, 499, 500, 501, 750, 1498, 1499]) {
      for (const dir of ['newest', 'oldest']) {
        const url = `/records/at?position=${position}&limit=2&dir=${dir}`;
        const { rows, total } = await ask<RecordsAt>(console, 'viewer', url);
        const n = dir === 'oldest' ? position + 1 : 1500 - position;
        assert.equal(total, 1500);
        assert.equal(rows[0]?.id, n.toString(16).padStart(32, '0'), url);
      }
    }
    const beyond = await ask<RecordsAt>(console, 'viewer', '/records/at?position=1500');
    assert.deepEqual(beyond.rows, []);
  }));

test('of few records every position shows what pages by cursor show there, and goes on like them', () => {
  // Three of each moment, the last of no time at all, as captures without a clock have them.
  const records = Array.from({ length: 40 }, (_, n) =>
    statement(n + 1, { timeUs: n === 39 ? 0 : TEST_TIME_US + Math.floor(n / 3) * 1_000_000, user: `user${n % 3}` }),
  );
  return withConsole(records, async (console) => {
    const ids = ({ rows }: Records | RecordsAt): string[] => rows.map(({ id }) => id);
    for (const dir of ['newest', 'oldest']) {
      for (const q of ['', 'user:user1']) {
        const all = ids(await ask<Records>(console, 'viewer', `/records?limit=1000&dir=${dir}&q=${q}`));
        for (const [position] of all.entries()) {
          const url = `/records/at?position=${position}&limit=4&dir=${dir}&q=${q}`;
          const at = await ask<RecordsAt>(console, 'viewer', url);
          assert.equal(at.total, all.length);
          assert.deepEqual(ids(at), all.slice(position, position + 4), url);
          assert.equal(at.next === undefined, position + 4 >= all.length);
          if (at.next === undefined || position > 0) continue;
          const next = await ask<Records>(console, 'viewer', `/records?limit=1000&dir=${dir}&q=${q}&cursor=${at.next}`);
          assert.deepEqual(ids(next), all.slice(4));
        }
      }
    }
  });
});

test('the line of an earlier time has as many bars as the chart, and the records of that time', () => {
  const day = 86_400_000_000;
  const times = [0, 1, 2, 3, 4].map((n) => TEST_TIME_US + n * 3_600_000_000);
  const records = [
    ...times.map((timeUs, n) => statement(n + 1, { timeUs })),
    ...times.slice(0, 3).map((timeUs, n) => statement(n + 10, { timeUs: timeUs - day, user: 'bob' })),
    ...times.slice(0, 2).map((timeUs, n) => statement(n + 20, { timeUs: timeUs - 7 * day })),
  ];
  return withConsole(records, async (console) => {
    const iso = (timeUs: number): string => new Date(timeUs / 1000).toISOString();
    const t = `${iso(TEST_TIME_US)}/${iso(TEST_TIME_US + day)}`;
    const { series, total, before } = await ask<Overview>(console, 'viewer', `/overview?t=${t}`);
    assert.deepEqual([total, before.total], [5, 3]);
    const range = await ask<OverviewBefore>(console, 'viewer', `/overview/before?t=${t}&back=range`);
    assert.deepEqual(
      [range.total, range.from, range.to],
      [3, `${iso(TEST_TIME_US - day).slice(0, -1)}000Z`, `${iso(TEST_TIME_US).slice(0, -1)}000Z`],
    );
    const bars = series.lines[0]?.counts ?? [];
    assert.equal(range.counts.length, series.buckets);
    // The same hours: each earlier record stands at the bar of the one that came a day later.
    for (const [bar, count] of range.counts.entries()) assert.ok(count <= (bars[bar] ?? 0), `bar ${bar}`);
    assert.equal(
      range.counts.reduce((sum, count) => sum + count, 0),
      3,
    );
    const week = await ask<OverviewBefore>(console, 'viewer', `/overview/before?t=${t}&back=week`);
    assert.deepEqual([week.total, week.counts.indexOf(1)], [2, bars.indexOf(1)]);
    const bob = await ask<OverviewBefore>(console, 'viewer', `/overview/before?t=${t}&q=user:alice`);
    assert.equal(bob.total, 0, 'the query holds of that time as well');
  });
});

test('a statement beside the usual times of its shape', () => {
  const hour = 3_600_000_000;
  // TEST_TIME_US is at ten o'clock.
  const times = [0, 1, 24, 25, 25.5, 73].map((hours) => TEST_TIME_US + hours * hour);
  const records = times.map((timeUs, n) => statement(n + 1, { timeUs, fingerprint: 'aaaaaaaaaaaaaaaa' }));
  return withConsole([...records, statement(9, { fingerprint: 'bbbbbbbbbbbbbbbb' })], async (console) => {
    const { fingerprint } = await ask<RecordView>(console, 'viewer', `/records/${records[0]?.id}`);
    assert.deepEqual([fingerprint?.count, fingerprint?.days], [6, 3]);
    assert.deepEqual(fingerprint?.hours, [...Array<number>(10).fill(0), 2, 4, ...Array<number>(12).fill(0)]);
  });
});

test('the evidence of a record is an anchor that verify takes', () =>
  withConsole(someRecords(40), async (console) => {
    const { rows } = await ask<Records>(console, 'viewer', '/records?limit=1');
    const { evidence } = await ask<RecordView>(console, 'viewer', `/records/${rows[0]?.id}`);
    assert.ok(evidence?.block !== undefined && evidence.anchor !== undefined);
    assert.deepEqual([evidence.segment, evidence.record, evidence.signed], ['segments/000001.db', 40, false]);
    assert.ok(evidence.block.first <= 40 && evidence.block.last >= 40);
    assert.match(evidence.anchor, new RegExp(`${evidence.sha256}$`));
    assert.deepEqual(verifyStore(console.directory, evidence.anchor).faults, []);
  }));

test('what arrives later is not in pages and counts of an earlier watermark', () =>
  withConsole(someRecords(50), async (console) => {
    const first = await ask<Records>(console, 'viewer', '/records?limit=10');
    const w = first.asked.watermark;
    assert.equal((await ask<Overview>(console, 'viewer', '/overview')).total, 50);
    await writeRecords(
      console.directory,
      Array.from({ length: 7 }, (_, n) => statement(1000 + n, {})),
    );
    assert.equal((await ask<Count>(console, 'viewer', '/count')).total, 57);
    assert.equal((await ask<Overview>(console, 'viewer', '/overview')).total, 57, 'kept answers end with what arrives');
    assert.equal((await ask<Overview>(console, 'viewer', `/overview?w=${w}`)).total, 50);
    assert.equal((await ask<Count>(console, 'viewer', `/count?w=${w}`)).total, 50);
    assert.equal((await ask<Histogram>(console, 'viewer', `/histogram?w=${w}`)).total, 50);
    const next = await ask<Records>(console, 'viewer', `/records?limit=100&w=${w}&cursor=${first.next}`);
    assert.equal(next.rows.length, 40);
    assert.equal((await ask<Records>(console, 'viewer', `/records?limit=100&w=${w}`)).rows.length, 50);
  }));

test('viewers see no literal anywhere; auditors see statements, and values only by a reveal', () => {
  const secret = '4929-1111-2222-3333';
  // Its sentences quote what met it.
  const rule =
    '{ id: x/card, title: Card, reason: Card, severity: high, action: alert, when: { regex: "[0-9-]{19}" } }';
  const policy = parsePolicies([{ name: 'x.yaml', text: `version: 1\nrules:\n  - ${rule}\n`, named: true }]);
  const records = [
    statement(1, {
      policy: [{ rule: 'x/card', severity: 'high', action: 'alert' }],
      policyVersion: shortVersion(policy),
      text: `SELECT * FROM cards WHERE number = '${secret}'`,
      summary: 'SELECT * FROM cards WHERE number = ?',
      parameters: [`${secret}-bound`],
      errorCode: '22P02',
      errorText: `invalid input: ${secret}`,
    }),
    statement(2, { text: `SELECT '${secret}'`, summary: 'SELECT ?' }),
  ];
  const id = records[0]?.id ?? '';
  const paths = [
    '/overview',
    '/records',
    '/records/at?position=0',
    `/records/${id}`,
    '/sessions',
    '/sessions/00000000000000aa',
    '/users/alice',
    '/objects/public.orders',
    '/facets?field=user,op,fingerprint',
    '/alerts',
    `/alerts/${encodeURIComponent('x/card~0123456789abcdef')}`,
  ];
  return withConsole(records, async (console) => {
    archivePolicy(console.directory, policy);
    for (const path of paths) {
      const response = await console.get('viewer', path);
      assert.equal(response.statusCode, 200, `${path}: ${response.body}`);
      assert.ok(!response.body.includes(secret), path);
    }
    assert.equal((await console.get('viewer', `/count?q=${encodeURIComponent('"4929"')}`)).statusCode, 403);
    const view = await ask<RecordView>(console, 'auditor', `/records/${id}`);
    assert.match(view.text ?? '', /4929/);
    assert.match(
      view.matches[0]?.because[0]?.sentence ?? '',
      /4929-1111-2222-3333/,
      'an auditor is told what met the rule',
    );
    assert.ok(!JSON.stringify(view).includes(`${secret}-bound`), 'bind values are not part of the view');
    assert.deepEqual(view.binds, [{ position: 0, type: 'text', isNull: false, length: 25 }]);
    const exported = await console.get('auditor', '/export?format=jsonl');
    assert.ok(!exported.body.includes(`${secret}-bound`), 'nor of an export');
    const shown = await console.post('auditor', `/records/${id}/reveal`, { reason: 'chargeback 991' });
    assert.deepEqual(shown.json(), { values: [{ position: 0, type: 'text', value: `${secret}-bound` }] });
    assert.equal((await console.post('auditor', `/records/${id}/reveal`, { reason: '' })).statusCode, 400);
  });
});

test('text from the wire comes back as data, in JSON that no browser takes for a page', () => {
  const nasty = '<img src=x onerror=alert(1)>"\'</script>\u2028';
  const record = statement(1, {
    user: nasty,
    program: nasty,
    text: nasty,
    summary: nasty,
    objects: [nasty],
    namespace: nasty,
  });
  return withConsole([record], async (console) => {
    for (const path of ['/records', '/overview', `/records/${record.id}`, '/sessions/00000000000000aa']) {
      const response = await console.get('auditor', path);
      assert.match(String(response.headers['content-type']), /^application\/json/);
      assert.equal(response.headers['x-content-type-options'], 'nosniff');
      assert.match(String(response.headers['content-security-policy']), /default-src 'none'/);
      assert.equal(response.headers['cache-control'], 'no-store');
    }
    const { rows } = await ask<Records>(console, 'auditor', '/records');
    assert.equal(rows[0]?.user, nasty);
    const page = await console.get('viewer', `/users/${encodeURIComponent(nasty)}`);
    assert.equal(page.statusCode, 200, page.body);
    const csv = await console.get('auditor', '/export?format=csv&cols=user,text');
    assert.match(String(csv.headers['content-disposition']), /^attachment/);
  });
});

test('unknown properties, wrong times and queries are refused with a sentence', () =>
  withConsole(someRecords(3), async (console) => {
    const refused: readonly [string, RegExp][] = [
      ['/count?foo=1', /there is no foo/],
      ['/count?q=nofield:1', /unknown field nofield/],
      ['/count?t=yesterdayish', /expected an ISO 8601/],
      ['/records?limit=5000', /limit must be <= 1000/],
      ['/records?cursor=!!!', /cursor/],
      ['/facets?field=nothing', /no facet nothing/],
      ['/export?format=xml', /format must be equal to one of/],
    ];
    for (const [path, reason] of refused) {
      const response = await console.get('auditor', path);
      assert.equal(response.statusCode, 400, `${path}: ${response.body}`);
      assert.match(response.body, reason);
    }
    const column = (await console.get('auditor', '/count?q=user:a%20foo:1')).json() as { column: number };
    assert.equal(column.column, 8);
    const body = await console.post('viewer', '/searches', { name: 'x', q: '', extra: 1 });
    assert.equal(body.statusCode, 400);
  }));

test('a query in parts: colours, chips, candidates with counts', () =>
  withConsole(someRecords(30), async (console) => {
    const complete = (text: string, pos = text.length): Promise<Completion> =>
      ask<Completion>(console, 'viewer', `/complete?text=${encodeURIComponent(text)}&pos=${pos}`);
    const values = await complete('user:');
    assert.deepEqual(
      values.candidates.map(({ insert, count }) => [insert, count]),
      [
        ['alice', 20],
        ['bob', 10],
      ],
    );
    const fields = await complete('us');
    assert.deepEqual(
      fields.candidates.map(({ insert }) => insert),
      ['user:'],
    );
    const parts = await complete('user:alice not (op:DELETE or rows>5) "drop table"');
    assert.deepEqual(
      parts.terms.map(({ text }) => text),
      ['user:alice', 'not (op:DELETE or rows>5)', '"drop table"'],
    );
    assert.equal(parts.problem, undefined);
    const save = { name: 'who deletes', q: 'op:DELETE or op:TRUNCATE' };
    await console.post('auditor', '/searches', { ...save, shared: true });
    await console.post('auditor', '/searches', { ...save, name: 'who looks' });
    const named = await complete('user:alice @who');
    assert.deepEqual(
      [named.from, named.to, named.candidates],
      [
        11,
        15,
        [
          {
            insert: '(op:DELETE or op:TRUNCATE)',
            kind: 'search',
            label: '@who deletes',
            hint: 'op:DELETE or op:TRUNCATE · shared by auditor',
          },
        ],
      ],
    );
    const broken = await complete('foo:1');
    assert.equal(broken.tokens[0]?.kind, 'error');
    assert.equal(broken.problem?.column, 1);
  }));

test('a session from login to logout: lanes, transactions, idle times', () => {
  const at = (n: number, facts: Partial<AuditRecord>): AuditRecord => statement(n, { durationUs: 100, ...facts });
  const records = [
    at(1, { kind: 'login', operation: undefined, text: undefined }),
    at(2, { operation: 'BEGIN', transaction: 'open' }),
    at(3, { operation: 'INSERT', affectedRows: 2, returnedRows: undefined, transaction: 'open' }),
    at(4, { operation: 'ROLLBACK', transaction: 'idle', returnedRows: undefined }),
    at(5, { operation: 'GRANT' }),
    at(6, { operation: 'BEGIN', transaction: 'open', returnedRows: undefined }),
    at(7, { operation: 'SELECT', transaction: 'open', returnedRows: 5 }),
    at(8, { operation: 'COMMIT', transaction: 'idle', returnedRows: undefined }),
    at(9, { kind: 'logout', operation: undefined, text: undefined }),
  ];
  return withConsole(records, async (console) => {
    const view = await ask<SessionView>(console, 'viewer', '/sessions/00000000000000aa');
    assert.deepEqual(
      view.items.map(({ lane }) => lane),
      ['other', 'other', 'write', 'other', 'admin', 'other', 'read', 'other', 'other'],
    );
    assert.deepEqual(view.transactions, [
      { first: 1, last: 3, end: 'rollback', writes: 1, rows: 3 },
      { first: 5, last: 7, end: 'commit', writes: 0, rows: 5 },
    ]);
    assert.equal(view.items[1]?.idleUs, 900);
    assert.equal(view.login?.kind, 'login');
    assert.equal(view.logout?.kind, 'logout');
    assert.equal((await console.get('viewer', '/sessions/ffff')).statusCode, 404);
  });
});

test('what is kept: records, segments, legal holds with what they keep', () =>
  withConsole(someRecords(30), async (console) => {
    addHold(console.directory, { name: 'case-7', expression: 'user:bob', sinceUs: 0 });
    const kept = await ask<Kept>(console, 'auditor', '/store');
    assert.deepEqual([kept.records, kept.segments, kept.expired], [30, 1, { segments: 0, records: 0 }]);
    assert.ok(kept.bytes > 0);
    assert.deepEqual(
      kept.holds.map(({ name, expression, records }) => [name, expression, records]),
      [['case-7', 'user:bob', 10]],
    );
    assert.deepEqual((await ask<Kept>(console, 'viewer', '/store')).holds, []);
  }));
