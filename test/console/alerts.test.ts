/** Alerts: groups, decisions with a reason, what comes back after it was closed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alerts, AlertView } from '#src/console/api/alerts.js';
import type { AuditRecord, PolicyMatch } from '#src/contracts/record.js';
import { parsePolicies } from '#src/policy/policy.js';
import { archivePolicy } from '#src/sensor/policy-archive.js';
import { statement } from '#src/store/fixture.js';
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
      assert.deepEqual(counts, { open: 2, acknowledged: 0, closed: 0, returned: 0 });
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
    assert.equal(again.groups[0]?.returned, true, 'it matched again after it was closed');
    const view = (await console.get('viewer', `/alerts/${encodeURIComponent(ids[0] ?? '')}`)).json() as AlertView;
    assert.deepEqual(
      view.trail.map(({ who, state, verdict, reason, count }) => [who, state, verdict, reason, count]),
      [['auditor', 'closed', 'expected', 'yearly audit', 1]],
    );
    const removed = await console.as('administrator', { method: 'DELETE', url: `${API}/alerts/x` });
    assert.equal(removed.statusCode, 404);
  }));
