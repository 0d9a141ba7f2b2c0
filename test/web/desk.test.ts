/** An auditor's own desk in a real browser: earlier times to compare with, evidence, pins, alerts put away, rights. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goTo, NO_BROWSER, settled, textOf, violations } from './browser.ts';
import { type Stage, withStage } from './stage.ts';

const DAY = 't=2026-11-22/2026-11-23';

/** The line of an earlier time is asked for after the overview is there, and by its own request. */
async function earlierTimes(stage: Stage): Promise<void> {
  const visit = await stage.visit('viewer');
  const { page } = visit;
  const asked: string[] = [];
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith('/api/v1/overview')) asked.push(pathname.slice('/api/v1'.length));
  });
  await goTo(visit, stage, `/?${DAY}`);
  assert.deepEqual(asked.sort(), ['/overview', '/overview/figures']);
  await page.getByRole('button', { name: 'Time before' }).click();
  await page.locator('.legend .earlier').getByText('the time before').waitFor();
  assert.deepEqual(asked.sort(), ['/overview', '/overview/before', '/overview/figures']);
  assert.equal(new URL(page.url()).searchParams.get('before'), 'range');
  // The same number by another way: what a search over the day before finds.
  await page.getByRole('button', { name: 'Numbers' }).first().click();
  const cells = await page.locator('.numbers tbody td:last-child').allInnerTexts();
  const sum = cells.reduce((total, text) => total + Number(text.replaceAll(',', '')), 0);
  const counted = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/count?t=2026-11-21/2026-11-22');
    return ((await answer.json()) as { total: number }).total;
  });
  assert.ok(counted > 0);
  assert.equal(sum, counted);
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Time before' }).click();
  await settled(page);
  assert.equal(await page.locator('.legend .earlier').count(), 0);
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

async function evidence(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  await goTo(visit, stage, '/search?q=user:alice');
  await page.getByRole('grid', { name: 'Records found' }).focus();
  await page.keyboard.press('Enter');
  const summary = page.locator('.evidence summary');
  await summary.waitFor();
  await summary.focus();
  await page.keyboard.press('Enter');
  await page.getByText(/wiretrail verify --anchor "wiretrail-anchor-1 \d+ [0-9a-f]{64}"/).waitFor();
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

/** What is taken from a page to elsewhere: a row, a link that stays as it is, what was around a statement. */
async function takenAlong(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  await visit.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const clipboard = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
  await goTo(visit, stage, '/search?q=op:UPDATE table:pgbench_accounts&cols=time,user,operation');
  await page.getByRole('grid', { name: 'Records found' }).focus();
  await page.keyboard.press('j');
  await page.keyboard.press('Control+c');
  assert.match(await clipboard(), /^\d\d-\d\d [\d:.]+Z?\talice\tUPDATE$/);
  await page.keyboard.press('Enter');
  await page
    .locator('.usual-hours')
    .getByText(/ a day on \d+ days?; .* as this one\.$/)
    .waitFor();
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('y');
  await page.waitForFunction(async () => (await navigator.clipboard.readText()).startsWith('http'));
  const copied = new URL(await clipboard()).searchParams;
  assert.match(copied.get('t') ?? '', /^\d{4}-.*Z\/\d{4}-.*Z$/, 'everything kept, as it is now');
  assert.equal(copied.get('q'), 'op:UPDATE table:pgbench_accounts');
  const id = copied.get('id');
  await page.getByRole('link', { name: 'Around it' }).click();
  await settled(page);
  const around = new URL(page.url()).searchParams;
  assert.deepEqual([around.has('q'), around.get('id')], [false, id]);
  const [from = '', to = ''] = (around.get('t') ?? '').split('/');
  assert.equal(Date.parse(to) - Date.parse(from), 60_000);
  assert.ok(Number((await textOf(page.locator('.search-tools .total'))).replaceAll(',', '')) > 1);
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

/** By keyboard: a row is pinned, found again from another page, and stays with the person, not with the browser. */
async function pins(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  await goTo(visit, stage, '/search?q=user:alice');
  await page.getByRole('grid', { name: 'Records found' }).focus();
  for (const key of ['j', 'p']) await page.keyboard.press(key);
  const sign = page.getByRole('row').getByRole('img', { name: 'pinned' });
  await sign.waitFor();
  await page.keyboard.press('Enter');
  const button = page
    .getByRole('complementary', { name: 'Statement' })
    .getByRole('button', { name: 'Pinned', exact: true });
  await button.waitFor();
  const session = await page.getByRole('link', { name: 'Session', exact: true }).getAttribute('href');
  assert.deepEqual(await violations(page), []);
  const other = await stage.visit('auditor');
  await goTo(other, stage, session ?? '');
  await other.page.locator('.steps').getByRole('img', { name: 'pinned' }).waitFor();
  await other.page.getByRole('button', { name: 'Pinned records: 1' }).click();
  assert.deepEqual(await violations(other.page), []);
  await other.page.locator('.pin-list a').click();
  await other.page.getByRole('button', { name: 'Pinned', exact: true }).waitFor();
  // The page listens to keys once it is drawn.
  await settled(other.page);
  await other.page.keyboard.press('p');
  await other.page.getByRole('button', { name: 'Pin', exact: true }).waitFor();
  await other.page.getByRole('button', { name: 'Pinned records: 0' }).waitFor();
  assert.deepEqual([visit.faults, other.faults], [[], []]);
  await Promise.all([visit.context.close(), other.context.close()]);
}

/** A pinned condition goes along the rail; a link that names another question still leads where it says. */
async function pinnedConditions(stage: Stage): Promise<void> {
  const visit = await stage.visit('viewer');
  const { page } = visit;
  const q = (): string | null => new URL(page.url()).searchParams.get('q');
  await goTo(visit, stage, '/search?q=user:alice op:SELECT');
  await page.getByRole('button', { name: 'Pin user:alice' }).click();
  await settled(page);
  assert.deepEqual(await violations(page), []);
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Overview', exact: true }).click();
  await page.getByText('Who was active when').waitFor();
  assert.equal(q(), 'user:alice');
  for (const key of ['g', 'p']) await page.keyboard.press(key);
  await page.getByText('Versions').first().waitFor();
  assert.equal(q(), null);
  // What is applied is shown, on the page of alerts as well.
  for (const key of ['g', 'a']) await page.keyboard.press(key);
  await page.getByRole('list', { name: 'Conditions' }).getByText('user:alice').waitFor();
  for (const key of ['g', 'e']) await page.keyboard.press(key);
  await page.waitForFunction(() => new URLSearchParams(location.search).get('q') === 'user:alice');
  await goTo(visit, stage, '/search?q=user:bob&pin=user:alice');
  const apart = page.getByRole('button', { name: 'Pinned, not part of this question: add user:alice' });
  await apart.waitFor();
  assert.deepEqual(await violations(page), []);
  await apart.click();
  await settled(page);
  assert.equal(q(), 'user:bob user:alice');
  await page.getByRole('button', { name: 'Remove user:alice' }).click();
  await settled(page);
  assert.equal(new URL(page.url()).searchParams.has('pin'), false);
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

/** Alerts by how they go: the number on each filter is the number of lines behind it, and one goes there by keyboard. */
async function courses(stage: Stage): Promise<void> {
  const visit = await stage.visit('viewer');
  const { page } = visit;
  await goTo(visit, stage, '/alerts');
  const all = await page.locator('.alert-line').count();
  const filters = page.getByRole('list', { name: 'How they go' }).getByRole('link');
  const counts: number[] = [];
  for (let index = 0; index < (await filters.count()); index++) {
    const filter = filters.nth(index);
    await filter.focus();
    await page.keyboard.press('Enter');
    await settled(page);
    const lines = await page.locator('.alert-line').count();
    assert.equal(Number((await textOf(filter)).replace(/^\D+/, '')), lines);
    counts.push(lines);
    assert.deepEqual(await violations(page), []);
  }
  assert.ok(counts.length > 0);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    all,
  );
  await page
    .getByRole('region', { name: 'Alert', exact: true })
    .getByText(/in the last day of the store; \d+ on the busiest/)
    .waitFor();
  assert.ok(new URL(page.url()).searchParams.has('course'));
  await filters.last().press('Enter');
  await settled(page);
  assert.equal(await page.locator('.alert-line').count(), all, 'once more shows all');
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

/** An alert put away until a day that is to come. */
async function putAway(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  await goTo(visit, stage, '/alerts');
  await page.getByRole('region', { name: 'Alert', exact: true }).getByText('Latest').waitFor();
  const before = await page.locator('.alert-line').count();
  await page.keyboard.press('e');
  await page.keyboard.type('migration of the shop');
  await page.getByLabel('If closed, until').selectOption('date');
  await page.getByLabel('Day (UTC)').fill('2126-01-01');
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await page.waitForFunction((count) => document.querySelectorAll('.alert-line').length === count, before - 1);
  await page.getByRole('tab', { name: /Closed/ }).click();
  await page.getByText('until 2126-01-01').first().waitFor();
  await page.getByText(/migration of the shop/).waitFor();
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

/** Rights to one database, given on the page; what the person then finds there is of that database alone. */
async function ownDatabase(stage: Stage): Promise<void> {
  const admin = await stage.visit('administrator');
  await goTo(admin, stage, '/people');
  await admin.page.getByRole('button', { name: 'Databases of viewer: all' }).click();
  const dialog = admin.page.getByRole('dialog', { name: 'What viewer may see' });
  await dialog.getByRole('button', { name: '+ lab' }).click();
  await dialog.getByText('Only these: lab').waitFor();
  assert.deepEqual(await violations(admin.page), []);
  await dialog.getByRole('button', { name: 'Do it' }).click();
  await admin.page.getByRole('button', { name: 'Databases of viewer: lab' }).waitFor();

  const visit = await stage.visit('viewer');
  const { page } = visit;
  await goTo(visit, stage, '/');
  await page.getByRole('button', { name: 'Only lab' }).click();
  await page.getByText('Your rights are limited to lab').waitFor();
  assert.deepEqual(await page.locator('.menu .check .grow').allTextContents(), ['lab']);
  assert.deepEqual(await violations(page), []);
  const [whole, part] = await Promise.all(
    [admin.page, page].map((each) =>
      each.evaluate(async () => ((await (await fetch('/api/v1/count')).json()) as { total: number }).total),
    ),
  );
  assert.ok(part !== undefined && whole !== undefined && part > 0 && part < whole);
  await goTo(visit, stage, '/search');
  assert.equal(Number((await textOf(page.locator('.search-tools .total'))).replaceAll(',', '')), part);
  await goTo(visit, stage, '/search?q=not db:lab');
  await page.getByText('Only records of lab are yours to see.').waitFor();
  await goTo(visit, stage, '/sensors');
  await page.getByText('everything of database lab that reached the sensors').first().waitFor();
  assert.equal(await page.getByRole('heading', { name: 'What is kept' }).count(), 0);
  assert.deepEqual(await violations(page), []);
  assert.deepEqual([visit.faults, admin.faults], [[], []]);
  await Promise.all([visit.context.close(), admin.context.close()]);
}

test('an auditor’s own desk', { skip: NO_BROWSER ?? false }, async (t) => {
  await withStage(async (stage) => {
    await t.test('the chart beside an earlier time', () => earlierTimes(stage));
    await t.test('evidence of a record', () => evidence(stage));
    await t.test('what is taken along', () => takenAlong(stage));
    await t.test('pinned records', () => pins(stage));
    await t.test('pinned conditions', () => pinnedConditions(stage));
    await t.test('alerts by how they go', () => courses(stage));
    await t.test('an alert put away', () => putAway(stage));
    // The last: from here on the viewer sees one database.
    await t.test('rights to one database', () => ownDatabase(stage));
  });
});
