/** An auditor's own desk in a real browser: earlier times to compare with, evidence of a record. */
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
  assert.deepEqual(asked, ['/overview']);
  await page.getByRole('button', { name: 'Time before' }).click();
  await page.locator('.legend .earlier').getByText('the time before').waitFor();
  assert.deepEqual(asked, ['/overview', '/overview/before']);
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
  await page.getByText('what reached them of database lab').first().waitFor();
  assert.equal(await page.getByRole('heading', { name: 'What is kept' }).count(), 0);
  assert.deepEqual(await violations(page), []);
  assert.deepEqual([visit.faults, admin.faults], [[], []]);
  await Promise.all([visit.context.close(), admin.context.close()]);
}

test('an auditor’s own desk', { skip: NO_BROWSER ?? false }, async (t) => {
  await withStage(async (stage) => {
    await t.test('the chart beside an earlier time', () => earlierTimes(stage));
    await t.test('evidence of a record', () => evidence(stage));
    await t.test('rights to one database', () => ownDatabase(stage));
  });
});
