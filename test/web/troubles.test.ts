/** What goes wrong while one works: the console stops and comes back, the sign-in ends, answers take long, texts are huge. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from 'playwright-core';
import { fill, goTo, NO_BROWSER, settled, textOf, type Visit } from './browser.ts';
import { PASSWORD, type Stage, withStage } from './stage.ts';

const DAY = 't=2026-11-21/2026-11-23';

async function goneAndBack(visit: Visit, stage: Stage): Promise<void> {
  const { page, context } = visit;
  await goTo(visit, stage, `/?${DAY}`);
  await context.route('**/api/v1/**', (route) => route.abort());
  await page.getByRole('button', { name: 'Outcome' }).click();
  await page.getByRole('combobox', { name: 'Query' }).fill('user:alice');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'The console does not answer' }).waitFor();
  assert.ok(await page.getByText('Who was active when').isVisible(), 'what was there stays');
  await context.unroute('**/api/v1/**');
  // Nobody presses anything.
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await settled(page);
  await page.locator('.tile').first().filter({ hasText: 'Records' }).waitFor();
}

/** The live page says since when it hears nothing, and goes on by itself. */
async function liveCut(visit: Visit, stage: Stage): Promise<void> {
  const { page, context } = visit;
  await context.route('**/api/v1/live*', (route) => route.abort());
  await page.goto(`${stage.base}/live`);
  await page.getByText('cut off, trying again').waitFor();
  await context.unroute('**/api/v1/live*');
  await page.getByText('receiving').waitFor();
}

async function slowAnswer(visit: Visit, stage: Stage): Promise<void> {
  const { page, context } = visit;
  const asked = new Promise<Route>((resolve) => {
    void context.route('**/api/v1/overview*', resolve);
  });
  await page.goto(`${stage.base}/?${DAY}`);
  const held = await asked;
  await page.locator('.skeleton').waitFor();
  await held.continue();
  await page.locator('.skeleton').waitFor({ state: 'detached' });
  await context.unroute('**/api/v1/overview*');
}

/** Ended elsewhere: the next click asks to sign in, and then the page is the one that was asked for. */
async function signInEnded(visit: Visit, stage: Stage): Promise<void> {
  const { page, context } = visit;
  await goTo(visit, stage, `/search?${DAY}&q=user:alice`);
  await context.clearCookies();
  await page.getByRole('link', { name: 'Sessions' }).click();
  await fill(page, { Name: 'auditor', Password: PASSWORD });
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('columnheader', { name: 'Began' }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/sessions');
  assert.equal(new URL(page.url()).searchParams.get('t'), '2026-11-21/2026-11-23');
}

/** A megabyte of SQL without a space, and a name longer than the window: neither widens the page. */
async function hugeTexts(visit: Visit, stage: Stage): Promise<void> {
  const { page, context } = visit;
  const text = `insert into t values ('${'a'.repeat(1_000_000)}')`;
  const user = 'x'.repeat(300);
  await context.route('**/api/v1/records/huge', (route) =>
    route.fulfill({
      json: {
        row: { id: 'huge', time: '2026-11-22T00:00:00.000000Z', kind: 'statement', text, user, operation: 'INSERT' },
        fields: {},
        text,
        spans: [{ kind: 'keyword', start: 0, end: 6 }],
        normalised: false,
        binds: Array.from({ length: 2000 }, (_, position) => ({ position, type: 'text', isNull: false, length: 13 })),
        mayReveal: false,
        matches: [],
        before: [],
        after: [],
        packets: false,
        notes: [],
      },
    }),
  );
  await goTo(visit, stage, '/statements/huge');
  assert.equal((await textOf(page.locator('.sql'))).length, text.length);
  assert.equal(await page.locator('tbody tr').count(), 50);
  await page.getByRole('button', { name: 'Show all 2,000' }).click();
  assert.equal(await page.locator('tbody tr').count(), 2000);
  const wider = await page.evaluate(() => {
    const main = document.querySelector('main');
    return main === null ? -1 : main.scrollWidth - main.clientWidth;
  });
  assert.equal(wider, 0);
}

test('troubles while one works', { skip: NO_BROWSER ?? false }, async (t) => {
  await withStage(async (stage) => {
    const visit = await stage.visit('auditor');
    await t.test('the console goes and comes back', () => goneAndBack(visit, stage));
    await t.test('the live page is cut and goes on', () => liveCut(visit, stage));
    await t.test('an answer takes its time', () => slowAnswer(visit, stage));
    await t.test('huge texts and names', () => hugeTexts(visit, stage));
    const expected = /^(status 401|console: .*(ERR_FAILED|net::))/;
    assert.deepEqual(
      visit.faults.filter((fault) => !expected.test(fault)),
      [],
    );
    await t.test('the sign-in ends', () => signInEnded(visit, stage));
  });
});
