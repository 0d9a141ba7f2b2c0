/** Every page in a real browser, for every role: it shows what it should, breaks no rule, and is accessible in both colours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { ROLES, type Role } from '#src/console/api/common.js';
import { goTo, NO_BROWSER, settled, violations } from './browser.ts';
import { type Stage, withStage } from './stage.ts';

interface PageCase {
  readonly path: string;
  /** A text that only the loaded page shows, in a role's eyes. */
  readonly shows: (role: Role) => string;
}

const DAY = 't=2026-11-21/2026-11-23';
const PAGES: readonly PageCase[] = [
  { path: `/?${DAY}`, shows: () => 'Who was active when' },
  { path: '/live', shows: () => 'Waiting for statements' },
  { path: `/search?${DAY}&q=user:alice`, shows: () => 'user:alice' },
  { path: `/sessions?${DAY}&rel=inside`, shows: () => 'Began' },
  { path: '/entities', shows: () => 'Share' },
  { path: '/entities?kind=object', shows: () => 'Share' },
  { path: `/users/alice?${DAY}`, shows: () => 'Rare statements' },
  { path: `/objects/people?${DAY}`, shows: () => 'weekday and hour' },
  { path: `/databases/lab?${DAY}`, shows: () => 'Activity' },
  { path: '/alerts', shows: (role) => (role === 'viewer' ? 'When it matched' : 'Decide') },
  { path: '/policies', shows: () => 'Versions' },
  { path: '/policies?tab=edit', shows: (role) => (role === 'viewer' ? 'Source' : 'Try over history') },
  { path: `/sensors?${DAY}`, shows: () => 'Completeness' },
  { path: '/reports', shows: () => 'Scheduled' },
  {
    path: '/people',
    shows: (role) =>
      ({ viewer: 'does not include', auditor: 'chain of hashes', administrator: 'What each role may do' })[role],
  },
  {
    path: `/people?tab=trail&q=action:view&${DAY}`,
    shows: (role) => (role === 'viewer' ? 'does not include' : 'chain of hashes'),
  },
  { path: '/account', shows: () => 'Second factor' },
];

/** What opens above the page: the control that does it, and a text that shows then. */
const OPENED: readonly { readonly path: string; readonly open: string; readonly shows: string }[] = [
  { path: '/search?q=user:alice', open: '[data-anchor="time"]', shows: 'Last 30 days' },
  { path: '/search?q=user:alice', open: '[data-anchor="columns"]', shows: 'As at first' },
  { path: '/search?q=user:alice', open: 'button:has-text("Saved")', shows: 'Save this search as' },
  { path: '/search?q=user:alice', open: '[aria-label="Keys"]', shows: 'Single letters do something' },
  { path: '/people', open: 'button:has-text("Invite")', shows: 'Invite a person' },
  { path: '/policies?tab=edit', open: 'button:has-text("Keep as draft")', shows: 'What it changes' },
];

const DESK = { width: 1440, height: 900 } as const;
const PHONE = { width: 360, height: 740 } as const;

/** A statement with a rule, bind values and a session around it. */
async function someIds(stage: Stage, page: Page): Promise<{ statement: string; session: string }> {
  return await page.evaluate(async (base) => {
    const response = await fetch(`${base}/api/v1/records?q=${encodeURIComponent('op:"DROP TABLE"')}&limit=1`);
    const { rows } = (await response.json()) as { rows: { id: string; session: string }[] };
    return { statement: rows[0]?.id ?? '', session: rows[0]?.session ?? '' };
  }, stage.base);
}

/** Goes on within the application, as a click on a link does; much quicker than loading it anew. */
async function follow(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    history.pushState(null, '', to);
    dispatchEvent(new PopStateEvent('popstate'));
  }, path);
  await settled(page);
}

async function pagesWith(stage: Stage, page: Page): Promise<readonly PageCase[]> {
  const { statement, session } = await someIds(stage, page);
  return [
    ...PAGES,
    { path: `/statements/${statement}`, shows: () => 'DROP TABLE' },
    { path: `/sessions/${session}`, shows: () => 'What it did when' },
    { path: `/search?${DAY}&id=${statement}`, shows: () => 'All fields of the record' },
  ];
}

test('every page, for every role, without a fault', { skip: NO_BROWSER ?? false }, async (t) => {
  await withStage(async (stage) => {
    for (const role of ROLES) {
      await t.test(role, async () => {
        const visit = await stage.visit(role);
        await goTo(visit, stage, '/');
        for (const { path, shows } of await pagesWith(stage, visit.page)) {
          await follow(visit.page, path);
          await visit.page.getByText(shows(role)).first().waitFor();
          await settled(visit.page);
          assert.deepEqual(visit.faults, [], `${path} as ${role}`);
          assert.equal(await visit.page.locator('.bad-note').count(), 0, `${path} as ${role} shows an error`);
        }
        await visit.context.close();
      });
    }
    await t.test('accessible, in light and in dark, and as wide as the window', async () => {
      const visit = await stage.visit('administrator');
      await goTo(visit, stage, '/');
      const found: string[] = [];
      for (const { path } of await pagesWith(stage, visit.page)) {
        await follow(visit.page, path);
        for (const fault of await violations(visit.page)) found.push(`${path} in light: ${fault}`);
        await visit.page.emulateMedia({ colorScheme: 'dark' });
        for (const fault of await violations(visit.page, ['color-contrast'])) found.push(`${path} in dark: ${fault}`);
        await visit.page.emulateMedia({ colorScheme: 'light' });
        await visit.page.setViewportSize(PHONE);
        const tooWide = await visit.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (tooWide > 0) found.push(`${path} is ${tooWide} px wider than a phone`);
        await visit.page.setViewportSize(DESK);
      }
      assert.deepEqual(found, []);
      assert.deepEqual(visit.faults, []);
      await visit.context.close();
    });
    await t.test('accessible with menus and dialogs open', async () => {
      const visit = await stage.visit('administrator');
      const { page } = visit;
      const found: string[] = [];
      for (const { path, open, shows } of OPENED) {
        await goTo(visit, stage, path);
        await page.locator(open).first().click();
        await page.getByText(shows).first().waitFor();
        for (const fault of await violations(page)) found.push(`${path} with ${shows}: ${fault}`);
      }
      assert.deepEqual([...found, ...visit.faults], []);
      await visit.context.close();
    });
    await t.test('an unknown address says so', async () => {
      const visit = await stage.visit('viewer');
      await goTo(visit, stage, '/no-such-page');
      await visit.page.getByText('There is no such page').waitFor();
      await visit.context.close();
    });
  });
});
