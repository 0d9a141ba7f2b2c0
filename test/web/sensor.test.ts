/**
 * The console beside a running sensor, from the wire to the page: what is sent is seen live, alerts, can be downloaded as
 * packets; a policy pushed from the browser judges the next statement. Over TLS with the certificate made by the console.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import { TestNet } from '#src/capture/live/net-test-support.js';
import { Conversation } from '#src/capture/synthetic.js';
import { auth, columns, complete, query, ready, row, startup, terminate } from '#src/protocols/postgres/testing.js';
import { run, Service } from '../support/process.ts';
import { fill, goTo, launchBrowser, NO_BROWSER, newVisit, settled, textOf, type Visit } from './browser.ts';
import { PASSWORD } from './stage.ts';

const PROGRAM: string = join(import.meta.dirname, '../../main.js');
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 30_000;

function policyAbout(table: string): string {
  return `version: 1
rules:
  - id: test/watched
    title: The watched table was read
    reason: Nobody but payroll needs it.
    severity: high
    action: alert
    when: { kind: statement, object: ${table} }
`;
}

/** Sends one connection with one statement; `port` tells it from others. */
function say(net: TestNet, port: number, statement: string): void {
  const talk = new Conversation({ client: { address: '10.1.0.1', port }, server: { address: '10.1.0.2', port: 5432 } });
  talk.open();
  talk.toServer(startup({ user: 'petrova', database: 'hr', application_name: 'psql' }));
  talk.toClient(Buffer.concat([auth(0), ready()]));
  talk.toServer(query(statement));
  talk.toClient(Buffer.concat([columns('pay'), row('4711'), complete('SELECT 1'), ready()]));
  talk.toServer(terminate);
  talk.close();
  net.send('out0', talk.packets);
}

interface Running {
  readonly net: TestNet;
  readonly site: { readonly base: string };
  readonly setupPath: string;
  readonly browser: Browser;
}

/** The sensor with its console, as a user starts them; `undefined` where that cannot be. */
async function startSensor(t: TestContext, folder: string): Promise<Running | undefined> {
  const net = TestNet.create(t);
  if (net === undefined) return undefined;
  net.setLink('lo', 'up');
  net.addPair('out0', 'in0');
  const policies = join(folder, 'policies');
  mkdirSync(policies);
  writeFileSync(join(policies, 'payroll.yaml'), policyAbout('salary'));
  const sensor = new Service('sensor', [
    ...[process.execPath, PROGRAM, 'sensor', '-i', 'in0', '--sensor-name', 'payroll-tap', '--policies', policies],
    ...['--store', join(folder, 'store'), '--evidence', join(folder, 'evidence'), '--flows', '1024'],
    ...['--block-kib', '64', '--blocks', '64', '--socket', join(folder, 'control.sock'), '--console', '127.0.0.1:0'],
  ]);
  t.after(async () => {
    assert.equal(await sensor.stop('SIGINT', STOP_TIMEOUT_MS), 0, sensor.output());
    assert.doesNotMatch(sensor.output(), /console error|Warning/);
  });
  const link = /first administrator: (https:\S+?)(\/setup#\S+)/;
  await sensor.waitFor('the console', () => link.test(sensor.output()), START_TIMEOUT_MS);
  const [, base = '', setupPath = ''] = link.exec(sensor.output()) ?? [];
  const browser = await launchBrowser();
  t.after(() => browser.close());
  return { net, site: { base }, setupPath, browser };
}

async function setUp({ page }: Visit, { site, setupPath }: Running): Promise<void> {
  await page.goto(site.base + setupPath);
  await fill(page, { Name: 'auditor', 'New password': PASSWORD, Again: PASSWORD });
  await page.getByRole('button', { name: 'Create and sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  await settled(page);
}

/** HTTP/2, so that live pages in many tabs do not use up the browser's connections. */
async function seenLive(visit: Visit, running: Running): Promise<void> {
  const { page } = visit;
  await goTo(visit, running.site, '/live');
  await page.getByText('receiving').waitFor();
  const protocol = await page.evaluate(() => {
    const [entry] = performance.getEntriesByType('navigation');
    return entry instanceof PerformanceNavigationTiming ? entry.nextHopProtocol : '';
  });
  assert.equal(protocol, 'h2');
  say(running.net, 40_001, 'select pay from salary where id = 7');
  await page.locator('.live-rows li').filter({ hasText: 'select pay from salary' }).waitFor();
}

/** From the alert to its statement: the word that matched, the rule in words, the packets. */
async function explained(visit: Visit, running: Running, folder: string): Promise<void> {
  const { page } = visit;
  await goTo(visit, running.site, '/alerts');
  await page.getByRole('heading', { name: 'The watched table was read' }).waitFor();
  await page.locator('.row-list a').first().click();
  const pane = page.getByRole('complementary', { name: 'Statement' });
  assert.equal(await textOf(pane.locator('.sql mark')), 'salary');
  await pane.getByText('The rule asks for object salary; found salary').waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    pane.getByRole('button', { name: 'Packets' }).click(),
  ]);
  const file = join(folder, 'session.pcapng');
  await download.saveAs(file);
  const read = await run(['tshark', '-r', file, '-Y', 'pgsql.query', '-T', 'fields', '-e', 'pgsql.query']);
  assert.equal(read.stdout.trim(), 'select pay from salary where id = 7', read.stderr);
}

/** Edits the file in the browser, tries it over history, pushes it; gives the version in force. */
async function pushPolicy(visit: Visit, running: Running): Promise<string> {
  const { page } = visit;
  await goTo(visit, running.site, '/policies?tab=edit');
  const before = await textOf(inForce(page));
  const editor = page.getByRole('textbox', { name: 'Policy file payroll.yaml' });
  await editor.waitFor();
  await page.getByText('1 rule, 0 tests passed').waitFor();
  await editor.click();
  await page.keyboard.press('Control+a');
  // Chromium itself would merge the lines typed over, with inline styles that the policy of the page refuses.
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(policyAbout('bonus'));
  await page.getByRole('button', { name: 'Try on the range above' }).click();
  await page.getByText(/^done, 100 % of the history, \d+ records, 0 matched/).waitFor();
  await page.getByRole('button', { name: 'Push to the sensor' }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('request 4711: bonuses instead of salaries');
  await page.getByRole('button', { name: 'Push', exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await inForce(page).filter({ hasNotText: before }).waitFor();
  return await textOf(inForce(page));
}

/** The version that the list of versions marks. */
function inForce(page: Page): Locator {
  const versions = page.getByRole('navigation', { name: 'Versions and drafts' });
  return versions.getByRole('link').filter({ hasText: 'in force' }).locator('code');
}

/** What comes next is judged by it, and by nothing else. */
async function judgedAnew(visit: Visit, running: Running, version: string): Promise<void> {
  const { page } = visit;
  await goTo(visit, running.site, '/live?q=kind:statement');
  await page.getByText('receiving').waitFor();
  say(running.net, 40_002, 'select sum from bonus');
  say(running.net, 40_003, 'select pay from salary');
  const rows = page.locator('.live-rows li');
  await rows.filter({ hasText: 'select pay from salary' }).waitFor();
  await rows.filter({ hasText: 'select sum from bonus' }).getByRole('link').click();
  await page.getByText(`Judged by policy ${version}`).waitFor();
  assert.equal(await textOf(page.locator('.pane .sql mark')), 'bonus');
  // Nothing alerted in this one, so no packets were kept of it.
  await goTo(visit, running.site, '/live?q=kind:statement');
  await page.getByText('receiving').waitFor();
  say(running.net, 40_004, 'select 1');
  await rows.filter({ hasText: 'select 1' }).getByRole('link').click();
  await page.getByRole('button', { name: 'Packets' }).click();
  await page.getByRole('alert').filter({ hasText: 'no packets of this session are kept' }).waitFor();
  await goTo(visit, running.site, '/search?q=action:alert');
  assert.equal(await textOf(page.locator('.search-tools .total')), '2');
  await goTo(visit, running.site, '/sensors');
  const line = page.getByRole('row').filter({ hasText: 'payroll-tap' });
  await line.getByText(version).waitFor();
  await line.getByText('in0').waitFor();
  await goTo(visit, running.site, '/people?tab=trail');
  await page.getByRole('row', { name: /policy-push .*request 4711/ }).waitFor();
}

test('a sensor with its console, from the wire to a pushed policy', { skip: NO_BROWSER ?? false }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-live-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const running = await startSensor(t, folder);
  if (running === undefined) return;
  const visit = await newVisit(running.browser, running.site, undefined);
  await setUp(visit, running);
  await seenLive(visit, running);
  await explained(visit, running, folder);
  const version = await pushPolicy(visit, running);
  await judgedAnew(visit, running, version);
  assert.deepEqual(
    visit.faults.filter((fault) => !/^status 404: .*packets$/.test(fault)),
    [],
  );
});
