/** Reports: each kind, as HTML and PDF, with the same bytes for the same content. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPORT_KINDS, type ReportRun, type Reports, type Schedule } from '#src/console/api/reports.js';
import type { Trail } from '#src/console/api/trail.js';
import { ReadPool } from '#src/console/reads/pool.js';
import { reportHtml } from '#src/console/reports/html.js';
import { contentHash, type ReportModel } from '#src/console/reports/model.js';
import { reportPdf } from '#src/console/reports/pdf.js';
import { ReportRuns } from '#src/console/reports/runs.js';
import { openState } from '#src/console/state.js';
import { statement } from '#src/store/fixture.js';
import { API, type TestConsole, until, withConsole } from './console.js';

const NASTY = '<script>alert(1)</script> Ελλάδα Кириллица';

const RECORDS = [
  statement(1, { kind: 'login', operation: undefined, text: undefined, user: NASTY }),
  statement(2, { kind: 'login', operation: undefined, text: undefined, errorCode: '28P01' }),
  statement(3, { operation: 'GRANT', operations: ['GRANT'], text: 'GRANT ALL ON orders TO mallory' }),
  statement(4, { operation: 'DROP TABLE', operations: ['DROP TABLE'], text: 'DROP TABLE orders' }),
  statement(5, { operation: 'CREATE USER', operations: ['CREATE USER'], text: 'CREATE USER mallory' }),
  statement(6, { policy: [{ rule: 'pci/cards', severity: 'high', action: 'alert' }], policyVersion: '0123456789ab' }),
];

async function make(console: TestConsole, kind: string): Promise<ReportRun> {
  const started = await console.post('auditor', '/reports', { kind });
  assert.equal(started.statusCode, 200, started.body);
  const { id } = started.json() as ReportRun;
  const run = await until(
    async () => (await console.get('auditor', `/reports/${id}`)).json() as ReportRun,
    ({ state }) => state !== 'running',
  );
  assert.equal(run.state, 'done', run.message);
  return run;
}

test('every kind of report is made, counts what it lists, and escapes what came from the wire', () =>
  withConsole(RECORDS, async (console) => {
    const records: Record<string, number | undefined> = {};
    for (const kind of REPORT_KINDS) {
      const run = await make(console, kind);
      records[kind] = run.records;
      const html = await console.get('auditor', `/reports/${run.id}/html`);
      assert.match(String(html.headers['content-disposition']), /^attachment/);
      assert.ok(!html.body.includes('<script'), kind);
      assert.equal(createHash('sha256').update(html.body).digest('hex'), run.htmlSha256);
      const pdf = await console.get('auditor', `/reports/${run.id}/pdf`);
      assert.equal(pdf.rawPayload.subarray(0, 5).toString(), '%PDF-');
    }
    assert.equal(records['privileged'], 2, 'GRANT and CREATE USER');
    assert.equal(records['schema'], 1, 'DROP TABLE, not the account');
    assert.equal(records['logins'], 2);
    assert.equal(records['objects'], 1);
    assert.equal(records['alerts'], 1);
    assert.equal(records['completeness'], 6);
    assert.ok((records['console'] ?? 0) === 0, 'nobody did anything when these records were made');
  }));

const MODEL: ReportModel = {
  kind: 'schema',
  title: 'Schema changes',
  purpose: 'What was created.',
  from: '2026-11-20T00:00:00.000000Z',
  to: '2026-11-21T00:00:00.000000Z',
  query: 'user:alice',
  by: 'auditor',
  createdAt: '2026-11-22T00:00:00.000Z',
  store: 'data',
  watermark: '6',
  completeness: 'Everything was seen.',
  figures: [{ name: 'Records', value: '200' }],
  tables: [
    {
      title: 'Records',
      note: '200 records.',
      columns: [
        { title: 'User', width: 1 },
        { title: 'Statement', width: 3 },
      ],
      rows: Array.from({ length: 200 }, (_, n) => [NASTY, `DROP TABLE number_${n} ${'long '.repeat(n % 40)}`]),
    },
  ],
  policies: ['0123456789ab'],
  version: '0.0.0',
};

test('the same content gives the same bytes, tagged, with every row and its heading on each page', (t) => {
  const pdf = reportPdf(MODEL);
  assert.deepEqual(reportPdf(MODEL), pdf);
  assert.equal(reportHtml(MODEL), reportHtml(structuredClone(MODEL)));
  if (!existsSync('/usr/bin/pdfinfo')) return t.skip('pdfinfo and pdftotext (poppler-utils) are not installed');
  return withConsole(RECORDS.slice(0, 1), async ({ directory }) => {
    const path = join(directory, 'report.pdf');
    writeFileSync(path, pdf);
    const info = execFileSync('pdfinfo', [path]).toString();
    assert.match(info, /^Tagged: +yes$/m);
    const pages = Number(/^Pages: +(\d+)$/m.exec(info)?.[1]);
    assert.ok(pages > 2);
    const text = execFileSync('pdftotext', ['-layout', path, '-']).toString();
    for (let n = 0; n < 200; n++) assert.match(text, new RegExp(`number_${n}\\b`));
    assert.equal(text.match(/User +Statement/g)?.length, pages);
    assert.equal(text.match(new RegExp(contentHash(MODEL), 'g'))?.length, pages);
    assert.match(text, /Ελλάδα/);
  });
});

test('a report is signed once by each, or sent back with a reason; signatures stay', () =>
  withConsole(RECORDS, async (console) => {
    const { id, pdfSha256 } = await make(console, 'schema');
    const sign = async (role: 'viewer' | 'auditor' | 'administrator', body: object): Promise<number> =>
      (await console.post(role, `/reports/${id}/sign`, body)).statusCode;
    assert.equal(await sign('viewer', { verdict: 'signed' }), 403);
    assert.equal(await sign('auditor', { verdict: 'sent back', comment: ' ' }), 400);
    assert.equal(await sign('auditor', { verdict: 'sent back', comment: 'which ticket?' }), 200);
    assert.equal(await sign('auditor', { verdict: 'signed', comment: '4711' }), 200, 'one may change one’s mind');
    assert.equal(await sign('auditor', { verdict: 'signed' }), 409);
    assert.equal(await sign('administrator', { verdict: 'signed' }), 200);
    assert.equal((await console.post('auditor', '/reports/none/sign', { verdict: 'signed' })).statusCode, 404);
    const { signatures } = (await console.get('auditor', `/reports/${id}`)).json() as ReportRun;
    assert.deepEqual(
      signatures.map(({ who, verdict, comment }) => [who, verdict, comment]),
      [
        ['auditor', 'sent back', 'which ticket?'],
        ['auditor', 'signed', '4711'],
        ['administrator', 'signed', ''],
      ],
    );
    const { entries } = (await console.get('auditor', '/trail?q=action:report-signed')).json() as Trail;
    assert.equal(entries.length, 3);
    assert.equal(entries[0]?.detail, `signed, PDF SHA-256 ${pdfSha256}`);
  }));

test('what is scheduled is made once it is due, over the period before', () =>
  withConsole(RECORDS, async ({ directory }) => {
    const db = openState(':memory:');
    const reads = new ReadPool(directory, 1);
    const runs = new ReportRuns(db, reads, '0.0.0', () => undefined);
    const noted: string[] = [];
    const receivers = [{ who: 'auditor', must: 'view' }] as const;
    const by = 'auditor';
    runs.schedule({ kind: 'privileged', q: 'user:alice', every: 'day', hour: 6, by, limit: undefined, receivers });
    const [planned] = runs.schedules(undefined);
    const dueMs = Date.parse(planned?.next ?? '');
    runs.runDue(dueMs - 1, ({ id }) => noted.push(id));
    assert.deepEqual([noted, runs.list(undefined)], [[], []], 'not before its time');
    runs.runDue(dueMs, ({ id }) => noted.push(id));
    runs.runDue(dueMs, ({ id }) => noted.push(id));
    assert.equal(noted.length, 1, 'and once');
    const made = await until(
      async () => runs.get(noted[0] ?? '', undefined),
      ({ state }) => state !== 'running',
    );
    const midnightMs = new Date(dueMs).setUTCHours(0, 0, 0, 0);
    assert.deepEqual(
      [made.state, made.q, made.by, Date.parse(made.from), Date.parse(made.to)],
      ['done', 'user:alice', 'auditor', midnightMs - 24 * 3_600_000, midnightMs],
    );
    assert.deepEqual(made.receivers, receivers);
    assert.deepEqual(
      runs.todo('auditor', undefined).map(({ must, run }) => [must, run.id]),
      [['view', made.id]],
    );
    assert.equal(runs.file(made.id, 'pdf', undefined).subarray(0, 5).toString(), '%PDF-');
    assert.equal(Date.parse(runs.schedules(undefined)[0]?.next ?? ''), dueMs + 24 * 3_600_000);
    await reads.close();
    db.close();
  }));

test('who has to read or sign a report sees it among their own tasks until it is done', () =>
  withConsole(RECORDS, async (console) => {
    const limited = await console.person('limited', 'auditor', ['shop']);
    const reports = async (role: 'viewer' | 'auditor' | 'administrator'): Promise<Reports> =>
      (await console.get(role, '/reports')).json() as Reports;
    const tasks = async (role: 'viewer' | 'auditor' | 'administrator'): Promise<readonly string[]> =>
      (await reports(role)).todo.map(({ must, run }) => `${must} ${run.id}`);
    assert.deepEqual((await reports('auditor')).readers, ['administrator', 'auditor', 'limited']);
    const viewers = await reports('viewer');
    assert.deepEqual([viewers.readers, viewers.todo], [[], []]);
    const post = (receivers: readonly object[], path = '/reports'): Promise<{ statusCode: number; body: string }> => {
      const plan = path === '/reports' ? {} : { every: 'week', hour: 6 };
      return console.post('auditor', path, { kind: 'schema', ...plan, receivers });
    };
    const view = (who: string): object => ({ who, must: 'view' });
    const sign = (who: string): object => ({ who, must: 'sign' });
    for (const wrong of [
      [view('viewer')],
      [view('nobody')],
      [view('auditor'), sign('AUDITOR')],
      [sign('limited')],
      [{ who: 'auditor', must: 'frame' }],
    ])
      for (const path of ['/reports', '/reports/schedules'])
        assert.equal((await post(wrong, path)).statusCode, 400, JSON.stringify(wrong));
    const started = await post([sign('Administrator'), view('auditor')]);
    const { id } = JSON.parse(started.body) as ReportRun;
    await until(
      async () => (await console.get('auditor', `/reports/${id}`)).json() as ReportRun,
      ({ state }) => state === 'done',
    );
    assert.deepEqual([await tasks('auditor'), await tasks('administrator')], [[`view ${id}`], [`sign ${id}`]]);
    // Reading is not signing.
    for (const role of ['administrator', 'auditor'] as const)
      assert.equal((await console.get(role, `/reports/${id}/pdf`)).statusCode, 200);
    assert.deepEqual([await tasks('auditor'), await tasks('administrator')], [[], [`sign ${id}`]]);
    const back = { verdict: 'sent back', comment: 'which ticket?' };
    assert.equal((await console.post('administrator', `/reports/${id}/sign`, back)).statusCode, 200);
    assert.deepEqual(await tasks('administrator'), []);
    const { receivers } = (await console.get('auditor', `/reports/${id}`)).json() as ReportRun;
    assert.deepEqual(
      receivers.map(({ who, must, doneAt }) => [who, must, doneAt !== undefined]),
      [
        ['administrator', 'sign', true],
        ['auditor', 'view', true],
      ],
    );
    const { entries } = (await console.get('auditor', '/trail?q=action:report')).json() as Trail;
    assert.match(entries[0]?.detail ?? '', /, administrator to sign, auditor to view$/);
    // Of a report with the records of some databases, those are receivers who may see them; a task ends with the right to it.
    const own = await limited.post('/reports', { kind: 'schema', receivers: [sign('limited')] });
    assert.equal(own.statusCode, 200, own.body);
    const ownId = (own.json() as ReportRun).id;
    const todo = async (): Promise<Reports['todo']> => ((await limited.get('/reports')).json() as Reports).todo;
    assert.equal((await until(todo, ({ length }) => length > 0))[0]?.run.id, ownId);
    const payload = { databases: ['other'] };
    await console.as('administrator', { method: 'PATCH', url: `${API}/people/limited`, payload });
    assert.deepEqual(await todo(), []);
  }));

test('a schedule is kept, listed and removed', () =>
  withConsole(RECORDS, async (console) => {
    const receivers = [{ who: 'auditor', must: 'sign' }];
    const plan = { kind: 'logins', every: 'week', hour: 6, q: 'user:alice', receivers };
    const created = await console.post('auditor', '/reports/schedules', plan);
    assert.equal(created.statusCode, 200, created.body);
    const { id, next, ...kept } = created.json() as Schedule;
    assert.deepEqual(kept.receivers, receivers);
    assert.equal(new Date(next).getUTCDay(), 1);
    assert.equal(new Date(next).getUTCHours(), 6);
    assert.equal((await console.post('auditor', '/reports/schedules', { ...plan, q: 'foo:1' })).statusCode, 400);
    const remove = { method: 'DELETE' as const, url: `${API}/reports/schedules/${id}` };
    assert.equal((await console.as('auditor', remove)).statusCode, 200);
    assert.equal((await console.as('auditor', remove)).statusCode, 404);
  }));
