/** Alerts: groups, decisions with a reason, what comes back after it was closed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alerts, AlertView } from '#src/console/api/alerts.js';
import type { AuditRecord, PolicyMatch } from '#src/contracts/record.js';
import { parsePolicies } from '#src/policy/policy.js';
import { archivePolicy } from '#src/sensor/policy-archive.js';
import { statement, TEST_TIME_US } from '#src/store/fixture.js';
import { API, withConsole, writeRecords } from './console.js';

const HIGH: PolicyMatch = { rule: 'pci/cards', severity: 'high', action: 'alert' };
const LOW: PolicyMatch = { rule: 'dba/grant', severity: 'low', action: 'alert' };
const QUIET: PolicyMatch = { rule: 'all/writes', severity: 'info', action: 'record' };

function alerting(n: number, fingerprint: string, ...policy: PolicyMatch[]): AuditRecord {
  return statement(n, { fingerprint, policy });
}

test('alerts are grouped by rule and shape, the most severe first', () =>
  withConsole(
    [
      alerting(1, 'aaaaaaaaaaaaaaaa', HIGH, QUIET),
      alerting(2, 'aaaaaaaaaaaaaaaa', HIGH),
      alerting(3, 'bbbbbbbbbbbbbbbb', LOW),
      alerting(4, 'bbbbbbbbbbbbbbbb', QUIET),
      statement(5),
    ],
    async (console) => {
      const { groups, counts } = (await console.get('viewer', '/alerts')).json() as Alerts;
      assert.deepEqual(
        groups.map(({ id, count, severity, state }) => [id, count, severity, state]),
        [
          ['pci/cards~aaaaaaaaaaaaaaaa', 2, 'high', 'open'],
          ['dba/grant~bbbbbbbbbbbbbbbb', 1, 'low', 'open'],
        ],
      );
      assert.deepEqual(counts, { open: 2, acknowledged: 0, closed: 0 });
      const id = encodeURIComponent('pci/cards~aaaaaaaaaaaaaaaa');
      const view = (await console.get('viewer', `/alerts/${id}`)).json() as AlertView;
      assert.equal(view.rows.length, 2);
      const same = await console.get('viewer', `/count?q=${encodeURIComponent(view.q)}`);
      assert.equal((same.json() as { total: number }).total, 2);
    },
  ));

test('groups bear the title of their rule, as the latest policy calls it', () =>
  withConsole([alerting(1, 'aaaaaaaaaaaaaaaa', HIGH), alerting(2, 'bbbbbbbbbbbbbbbb', LOW)], async (console) => {
    const titles = async (): Promise<(string | undefined)[]> =>
      ((await console.get('viewer', '/alerts')).json() as Alerts).groups.map(({ title }) => title);
    assert.deepEqual(await titles(), [undefined, undefined]);
    const keep = (title: string): void => {
      const text = `version: 1\nrules: [{ id: pci/cards, title: ${title}, reason: R, severity: high, action: alert, when: { object: c } }]\n`;
      archivePolicy(console.directory, parsePolicies([{ name: 'cards.yaml', text }]));
    };
    keep('Cards were read');
    assert.deepEqual(await titles(), ['Cards were read', undefined]);
    keep('Card numbers were read');
    assert.deepEqual(await titles(), ['Card numbers were read', undefined]);
  }));

test('a decision has a reason and changes exactly what it names; nobody takes it back', () =>
  withConsole([alerting(1, 'aaaaaaaaaaaaaaaa', HIGH), alerting(2, 'bbbbbbbbbbbbbbbb', LOW)], async (console) => {
    const decide = (payload: object): Promise<{ statusCode: number; body: string }> =>
      console.post('auditor', '/alerts/decide', payload);
    const ids = ['pci/cards~aaaaaaaaaaaaaaaa'];
    assert.equal((await decide({ ids, state: 'closed', verdict: 'expected', reason: '' })).statusCode, 400);
    assert.equal((await decide({ ids, state: 'closed', reason: 'yearly audit' })).statusCode, 400);
    const unknown = { ids: [...ids, 'no~such'], state: 'acknowledged', reason: 'looking' };
    assert.equal((await decide(unknown)).statusCode, 404);
    assert.equal(((await console.get('viewer', '/alerts')).json() as Alerts).counts.open, 2, 'nothing was changed');
    const closed = await decide({ ids, state: 'closed', verdict: 'expected', reason: 'yearly audit' });
    assert.deepEqual(JSON.parse(closed.body), { ids });
    const after = (await console.get('viewer', '/alerts')).json() as Alerts;
    assert.deepEqual(
      after.groups.map(({ rule }) => rule),
      ['dba/grant'],
    );
    await writeRecords(console.directory, [alerting(9, 'aaaaaaaaaaaaaaaa', HIGH)]);
    const again = (await console.get('viewer', '/alerts')).json() as Alerts;
    assert.equal(again.groups[0]?.rule, 'pci/cards');
    assert.equal(again.groups[0]?.course, 'regressed', 'it matched again after it was closed');
    const { groups: back } = (await console.get('viewer', '/alerts?course=regressed')).json() as Alerts;
    assert.deepEqual(
      back.map(({ rule }) => rule),
      ['pci/cards'],
    );
    const view = (await console.get('viewer', `/alerts/${encodeURIComponent(ids[0] ?? '')}`)).json() as AlertView;
    assert.deepEqual(
      view.trail.map(({ who, state, verdict, reason, count }) => [who, state, verdict, reason, count]),
      [['auditor', 'closed', 'expected', 'yearly audit', 1]],
    );
    const removed = await console.as('administrator', { method: 'DELETE', url: `${API}/alerts/x` });
    assert.equal(removed.statusCode, 404);
  }));

test('what is closed until something happens stays closed until it does', () => {
  const day = 86_400_000_000;
  const match = (n: number, timeUs: number, user: string): AuditRecord =>
    statement(n, { timeUs, user, fingerprint: 'aaaaaaaaaaaaaaaa', policy: [HIGH] });
  const id = 'pci/cards~aaaaaaaaaaaaaaaa';
  return withConsole([match(1, TEST_TIME_US, 'alice')], async (console) => {
    const state = async (query = ''): Promise<readonly [string | undefined, boolean]> => {
      const { groups } = (await console.get('viewer', `/alerts?state=open,closed${query}`)).json() as Alerts;
      return [groups[0]?.state, groups[0]?.course === 'regressed'];
    };
    const close = async (until: object): Promise<number> => {
      const body = { ids: [id], state: 'closed', verdict: 'expected', reason: 'nightly export', until };
      return (await console.post('auditor', '/alerts/decide', body)).statusCode;
    };
    for (const wrong of [{}, { at: 'soon' }, { perDay: 0 }, { newUser: false }, { never: true }])
      assert.equal(await close(wrong), 400, JSON.stringify(wrong));
    const open = { ids: [id], state: 'open', reason: 'looking again', until: { newUser: true } };
    assert.equal((await console.post('auditor', '/alerts/decide', open)).statusCode, 400);

    // More often than twice a day, or by somebody else: not by two more matches of the same user.
    assert.equal(await close({ perDay: 2, newUser: true }), 200);
    await writeRecords(console.directory, [match(2, TEST_TIME_US + 1, 'alice'), match(3, TEST_TIME_US + 2, 'alice')]);
    assert.deepEqual(await state(), ['closed', false]);
    await writeRecords(console.directory, [match(4, TEST_TIME_US + day, 'alice')]);
    assert.deepEqual(await state(), ['closed', false], 'the third, but on another day');
    await writeRecords(console.directory, [match(5, TEST_TIME_US + day + 1, 'bob')]);
    assert.deepEqual(await state(), ['open', true], 'bob is new');
    assert.deepEqual(
      await state(`&t=${new Date(TEST_TIME_US / 1000 - 1000).toISOString()}/PT2S`),
      ['open', true],
      'also where a page shows only what was before',
    );
    // Often, by those known by now.
    assert.equal(await close({ perDay: 2, newUser: true }), 200);
    const often = [1, 2, 3].map((n) => match(5 + n, TEST_TIME_US + 2 * day + n, 'bob'));
    await writeRecords(console.directory, often.slice(0, 2));
    assert.deepEqual(await state(), ['closed', false]);
    await writeRecords(console.directory, often.slice(2));
    assert.deepEqual(await state(), ['open', true], 'three on a day');
    // A date: before it nothing brings it back; after it whatever matched since does.
    assert.equal(await close({ at: new Date(Date.now() + 3_600_000).toISOString() }), 200);
    await writeRecords(console.directory, [match(20, TEST_TIME_US + 3 * day, 'carol')]);
    assert.deepEqual(await state(), ['closed', false]);
    assert.equal(await close({ at: '2026-01-01T00:00:00Z' }), 200);
    assert.deepEqual(await state(), ['closed', false], 'nothing has matched since');
    await writeRecords(console.directory, [match(21, TEST_TIME_US + 4 * day, 'carol')]);
    assert.deepEqual(await state(), ['open', true]);
    const view = (await console.get('viewer', `/alerts/${encodeURIComponent(id)}`)).json() as AlertView;
    assert.deepEqual(view.trail.map(({ until }) => until)[0], { perDay: 2, newUser: true });
  });
});

test('alerts change by themselves: new, ongoing, escalating', () => {
  const day = 86_400_000_000;
  let seq = 0;
  const matches = (fingerprint: string, daysAgo: number, count: number): AuditRecord[] =>
    Array.from({ length: count }, (_, n) =>
      statement(++seq, {
        timeUs: TEST_TIME_US - daysAgo * day - n,
        fingerprint: fingerprint.repeat(16),
        policy: [HIGH],
      }),
    );
  const records = [
    ...matches('a', 0, 1),
    // Often, but all of it new.
    ...matches('b', 0, 30),
    ...matches('c', 3, 8),
    ...matches('c', 0, 16),
    // Not twice what the busiest day had.
    ...matches('d', 3, 9),
    ...matches('d', 0, 16),
    // Too few to be called frequent, and not at all in the last day.
    ...matches('e', 20, 1),
    ...matches('e', 0, 9),
    ...matches('f', 2, 40),
    // The busy day is too long ago.
    ...matches('9', 12, 500),
    ...matches('9', 0, 10),
  ];
  return withConsole(records, async (console) => {
    const asked = async (query: string): Promise<Alerts> =>
      (await console.get('auditor', `/alerts?${query}`)).json() as Alerts;
    const letters = ({ groups }: Alerts): string =>
      groups
        .map(({ fingerprint }) => fingerprint?.[0])
        .sort()
        .join('');
    const all = await asked('');
    assert.deepEqual(all.courses, { new: 2, ongoing: 3, escalating: 2, regressed: 0 });
    assert.equal(letters(await asked('course=new')), 'ab');
    assert.equal(letters(await asked('course=ongoing')), 'def');
    const escalating = await asked('course=escalating');
    assert.equal(letters(escalating), '9c');
    assert.deepEqual(
      escalating.groups
        .map(({ fingerprint, lastDay, busiestBefore }) => [fingerprint?.[0], lastDay, busiestBefore])
        .sort(),
      [
        ['9', 10, 0],
        ['c', 16, 8],
      ],
    );
    assert.deepEqual(escalating.courses, all.courses, 'whichever of them is listed');
    // It is the same where a page shows only what was before, and of those that are taken.
    const early = await asked(`t=${new Date(TEST_TIME_US / 1000 - 4 * 86_400_000).toISOString()}/P1DT12H`);
    assert.deepEqual([letters(early), early.courses.escalating, early.courses.ongoing], ['cd', 1, 1]);
    const id = escalating.groups.find(({ fingerprint }) => fingerprint?.startsWith('c'))?.id ?? '';
    const decide = (body: object): Promise<{ statusCode: number }> =>
      console.post('auditor', '/alerts/decide', { ids: [id], reason: 'looked at', ...body });
    assert.equal((await decide({ state: 'acknowledged' })).statusCode, 200);
    assert.deepEqual((await asked('state=acknowledged')).courses, { new: 0, ongoing: 0, escalating: 1, regressed: 0 });
    assert.equal((await asked('state=open')).courses.escalating, 1);
    assert.equal((await decide({ state: 'closed', verdict: 'noise' })).statusCode, 200);
    const closed = await asked('state=closed');
    assert.deepEqual(
      [closed.groups[0]?.course, closed.courses],
      [undefined, { new: 0, ongoing: 0, escalating: 0, regressed: 0 }],
    );
    assert.equal((await console.get('auditor', '/alerts?course=returned')).statusCode, 400);
  });
});
