/** What auditors do all day, in a real browser: by keyboard alone, with hostile texts in the store, with counts that agree. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { goTo, NO_BROWSER, settled, textOf, type Visit } from './browser.ts';
import { HOSTILE, hostileCapture } from './hostile.ts';
import { type Stage, withStage } from './stage.ts';

const DAY = 't=2026-11-21/2026-11-23';

/** The number before "records" above the table. */
async function total(page: Page): Promise<number> {
  await settled(page);
  return Number((await textOf(page.locator('.search-tools .total'))).replaceAll(',', ''));
}

async function pressAll(page: Page, keys: readonly string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

const address = (page: Page): URLSearchParams => new URL(page.url()).searchParams;

async function findExplainNarrow(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  await goTo(visit, stage, `/?${DAY}`);
  await pressAll(page, ['g', 's']);
  await page.getByRole('combobox', { name: 'Query' }).waitFor();
  await settled(page);
  // Find: the query field has the focus on an empty search; a word of the list is taken by Tab.
  await page.keyboard.type('us');
  await page.getByRole('option', { name: /^user/ }).first().waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.getByRole('combobox', { name: 'Query' }).inputValue(), 'user:');
  await page.keyboard.type('alice op:"DROP TABLE"');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => new URLSearchParams(location.search).get('q') === 'user:alice op:"DROP TABLE"');
  const found = await total(page);
  assert.ok(found > 1);
  // Explain: the grid is reached by Tab, its row opened by Enter; the rule says why, with the matched words marked.
  await page.getByRole('grid', { name: 'Records found' }).focus();
  await pressAll(page, ['j', 'Enter']);
  await page.getByText('In the session').waitFor();
  const [first] = await page.locator('.match .because li').allInnerTexts();
  assert.match(first ?? '', /the rule asks for|asked for|found/);
  const opened = address(page).get('id');
  await page.keyboard.press(']');
  await page.waitForFunction((before) => new URLSearchParams(location.search).get('id') !== before, opened);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !new URLSearchParams(location.search).has('id'));
  // Narrow: to the database of the active cell, then undo.
  await page.getByRole('grid', { name: 'Records found' }).focus();
  await pressAll(page, ['ArrowRight', 'ArrowRight', 'ArrowRight', 'x']);
  await page.waitForFunction(() => /db!=/.test(new URLSearchParams(location.search).get('q') ?? ''));
  await settled(page);
  await page.goBack();
  assert.equal(address(page).get('q'), 'user:alice op:"DROP TABLE"');
  assert.equal(await total(page), found);
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

async function noteAndPrint(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  await page.addInitScript(() => {
    window.print = () => document.body.setAttribute('data-printed', 'yes');
  });
  await goTo(visit, stage, '/');
  await pressAll(page, ['g', 'a']);
  await page.getByRole('region', { name: 'Alert', exact: true }).getByText('Latest').waitFor();
  const before = await page.locator('.alert-line').count();
  // Note: a verdict by its letter moves on to the reason, Tab to the button.
  await page.keyboard.press('e');
  await page.keyboard.type('deployment of the shop, ticket 4711');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForFunction((count) => document.querySelectorAll('.alert-line').length === count, before - 1);
  await page.getByRole('tab', { name: /Closed/ }).focus();
  await page.getByRole('tab', { name: /To review/ }).focus();
  await pressAll(page, ['ArrowRight', 'ArrowRight', 'ArrowRight']);
  await page.getByText('deployment of the shop, ticket 4711').waitFor();
  // Print: of a statement as a page.
  await page.locator('.row-list a').first().focus();
  await page.keyboard.press('Enter');
  const pane = page.getByRole('complementary', { name: 'Statement' });
  await pane.getByRole('textbox', { name: 'Note' }).waitFor();
  await page.keyboard.press('n');
  await page.keyboard.type('seen with the shop, it is their deployment');
  await pressAll(page, ['Tab', 'Enter']);
  await pane.locator('.notes').getByText('it is their deployment').waitFor();
  await pane.getByRole('button', { name: 'Print' }).focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.getAttribute('body', 'data-printed'), 'yes');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.locator('.rail').isVisible(), false);
  assert.equal(await page.locator('.print-foot').isVisible(), true);
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

/** Opens every place where texts off the wire are shown. */
async function hostileTexts(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  const q = encodeURIComponent('client:10.9.9.9');
  const shown = async (...texts: readonly string[]): Promise<void> => {
    for (const text of texts) await page.getByText(text, { exact: false }).first().waitFor();
    const alive = await page.evaluate(() => ({
      pwned: 'pwned' in window,
      elements: document.querySelectorAll(
        '#app script, #app iframe, #app img:not([src="/icon.svg"]), #app [onload], #app [onerror]',
      ).length,
    }));
    assert.deepEqual(alive, { pwned: false, elements: 0 }, page.url());
    assert.deepEqual(visit.faults, [], page.url());
  };
  await goTo(visit, stage, `/?q=${q}`);
  await shown(HOSTILE.user, HOSTILE.database);
  await goTo(visit, stage, `/search?q=${q}&cols=time,user,db,program,text,outcome`);
  await shown(HOSTILE.user, HOSTILE.program, HOSTILE.database, HOSTILE.statement);
  await shown('select 1 \ufffd;secalp ta ,1\ufffd tceles\ufffd');
  await page.getByRole('grid', { name: 'Records found' }).getByText(HOSTILE.statement).click();
  await page.getByText('All fields of the record').click();
  await shown(HOSTILE.statement, HOSTILE.user, HOSTILE.program);
  await page.getByRole('link', { name: 'Session', exact: true }).click();
  await page.getByText('What it did when').waitFor();
  await shown(`Session of ${HOSTILE.user}`);
  await goTo(visit, stage, `/users/${encodeURIComponent(HOSTILE.user)}`);
  await shown(HOSTILE.user, HOSTILE.program);
  await goTo(visit, stage, `/databases/${encodeURIComponent(HOSTILE.database)}`);
  await shown(HOSTILE.database);
  await goTo(visit, stage, '/sensors');
  await shown(HOSTILE.database);
  await goTo(visit, stage, '/alerts');
  await shown('Latest');
  await completionOfHostileNames(visit, stage);
  await visit.context.close();
}

async function completionOfHostileNames(visit: Visit, stage: Stage): Promise<void> {
  const { page } = visit;
  await goTo(visit, stage, '/search');
  await page.getByRole('combobox', { name: 'Query' }).fill('user:');
  const hostile = page.getByRole('option').filter({ hasText: 'onerror' }).first();
  await hostile.waitFor();
  await hostile.click();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => (new URLSearchParams(location.search).get('q') ?? '').includes('onerror'));
  assert.ok((await total(page)) >= 3, 'the completed name finds its records');
  assert.deepEqual(visit.faults, []);
}

/** Numbers that are links, the records that each link finds, in the page's own range: they are as many. */
const COUNTED: readonly { readonly path: string; readonly links: string; readonly number?: string }[] = [
  { path: `/?${DAY}`, links: '.tile:not([href*="rows"])', number: 'b' },
  { path: `/?${DAY}`, links: '.top-list a.num' },
  { path: `/?${DAY}&q=user:alice`, links: '.severities a', number: 'b' },
  { path: `/search?${DAY}&q=op:INSERT`, links: '.facet-value', number: '.num' },
  { path: `/entities?${DAY}`, links: 'td.num a:not([href*="rows"])' },
  { path: `/sessions?${DAY}&q=failed:yes`, links: 'td.num a:not([href*="rows"])' },
  { path: `/users/alice?${DAY}`, links: '.figures a:is([href$="alice"], [href*="failed"])', number: 'b' },
  { path: `/users/alice?${DAY}`, links: '.plain-list a.num' },
];

async function numbersLead(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  let seen = 0;
  for (const { path, links, number } of COUNTED) {
    await goTo(visit, stage, path);
    await page.locator(links).first().waitFor();
    const wrong = await page.evaluate(
      async ({ links: selector, number: within }) => {
        const found = [...document.querySelectorAll<HTMLAnchorElement>(selector)].slice(0, 30);
        const asked = found.map(async (link) => {
          const text = (within === undefined ? link : link.querySelector(within))?.textContent ?? '';
          const { searchParams } = new URL(link.href);
          const scope = new URLSearchParams([...searchParams].filter(([name]) => name === 'q' || name === 't'));
          const { total: counted } = (await (await fetch(`/api/v1/count?${scope}`)).json()) as { total: number };
          const shown = Number(text.replaceAll(',', ''));
          // A name of an object finds it under its qualified names as well.
          const fits = shown === counted || (shown < counted && scope.get('q')?.includes('object:') === true);
          return fits ? '' : `${link.href} says ${text}, leads to ${counted}`;
        });
        return { count: found.length, faults: (await Promise.all(asked)).filter((fault) => fault !== '') };
      },
      { links, number },
    );
    assert.deepEqual(wrong.faults, [], path);
    seen += wrong.count;
  }
  assert.ok(seen > 60, `${seen} numbers were followed`);
  await page.locator('.plain-list a.num').first().click();
  assert.ok((await total(page)) > 0);
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

/** Chart, values, table and export count the same records. */
async function countsAgree(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  await goTo(visit, stage, `/search?${DAY}&q=op:INSERT`);
  const found = await total(page);
  await page.locator('.chart-head').getByText('in all').waitFor();
  const charted = Number(/([\d,]+) in all/.exec(await textOf(page.locator('.chart-head')))?.[1]?.replaceAll(',', ''));
  const counted = Number(/over ([\d,]+)/.exec(await textOf(page.locator('.facets')))?.[1]?.replaceAll(',', ''));
  assert.deepEqual({ charted, counted }, { charted: found, counted: found });
  const grid = page.getByRole('grid', { name: 'Records found' });
  assert.equal(Number(await grid.getAttribute('aria-rowcount')), found + 1);
  await grid.focus();
  await page.keyboard.press('End');
  await page.locator(`.grid-row[aria-rowindex="${found + 1}"] .moment`).waitFor();
  await page.getByText(`row ${found.toLocaleString('en-US')} of ${found.toLocaleString('en-US')}`).waitFor();
  await page.keyboard.press('s');
  await page.getByText('oldest first').waitFor();
  await settled(page);
  await page.locator('[role="columnheader"][aria-sort="ascending"]').waitFor();
  await page.getByRole('button', { name: 'Export' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'JSON Lines' }).click(),
  ]);
  const lines = (await streamText(await download.createReadStream())).trimEnd().split('\n');
  assert.equal(lines.length, found + 1, 'a line a record, and the last with count and hash');
  assert.match(lines.at(-1) ?? '', new RegExp(`\\b${found}\\b`));
  await visit.context.close();
}

async function streamText(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

/** Five million rows, as the server would count them: the last one and one in the middle are reached, and stay exact. */
async function millionsOfRows(stage: Stage): Promise<void> {
  const rows = 5_000_000;
  const visit = await stage.visit('viewer');
  const { page } = visit;
  await page.route('**/api/v1/records/at?*', async (route) => {
    const { asked: truly } = (await (await route.fetch()).json()) as { asked: object };
    const asked = new URL(route.request().url()).searchParams;
    const position = Number(asked.get('position'));
    const limit = Math.min(Number(asked.get('limit')), rows - position);
    const row = (index: number): object => ({
      id: `row-${position + index}`,
      time: '2026-11-22T00:00:00.000000Z',
      kind: 'statement',
      text: `select ${position + index}`,
    });
    await route.fulfill({
      json: { asked: truly, position, total: rows, rows: Array.from({ length: limit }, (_, index) => row(index)) },
    });
  });
  await goTo(visit, stage, '/search');
  const grid = page.getByRole('grid', { name: 'Records found' });
  await grid.focus();
  await page.keyboard.press('End');
  await page.getByText(`select ${rows - 1}`, { exact: true }).waitFor();
  await page.keyboard.press('PageUp');
  await page.keyboard.press('Home');
  await page.getByText('select 0', { exact: true }).waitFor();
  await grid.evaluate((element) => {
    element.scrollTop = (element.scrollHeight - element.clientHeight) / 2;
  });
  const middle = page.locator('.grid-window code').first();
  await page.waitForFunction(() => {
    const shown = Number(document.querySelector('.grid-window code')?.textContent?.split(' ')[1]);
    return Math.abs(shown - 2_500_000) < 2000;
  });
  const before = Number((await textOf(middle)).split(' ')[1]);
  // As a turn of the wheel would. With a real one this waited in vain once in ten runs.
  await grid.evaluate((element) => {
    element.scrollTop += 280;
  });
  await page.waitForFunction(
    (first) => Number(document.querySelector('.grid-window code')?.textContent?.split(' ')[1]) === first + 10,
    before,
  );
  await visit.context.close();
}

/** A brush over the chart is a time range in the address; chips turn round, switch off, come back. */
async function pointerTasks(stage: Stage): Promise<void> {
  const visit = await stage.visit('viewer');
  const { page } = visit;
  await goTo(visit, stage, `/?${DAY}&q=user:alice`);
  const plot = await page.locator('.plot .u-over').first().boundingBox();
  assert.ok(plot !== null);
  await page.mouse.move(plot.x + plot.width * 0.25, plot.y + 40);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.75, plot.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.waitForFunction(() => (new URLSearchParams(location.search).get('t') ?? '').includes('T'));
  await settled(page);
  await page.getByRole('button', { name: 'Switch off user:alice' }).click();
  await page.waitForFunction(() => new URLSearchParams(location.search).get('off') === 'user:alice');
  await page.getByRole('button', { name: 'Switch on user:alice' }).click();
  await page.waitForFunction(() => new URLSearchParams(location.search).get('q') === 'user:alice');
  await page.getByRole('button', { name: 'user:alice', exact: true }).click();
  await page.waitForFunction(() => new URLSearchParams(location.search).get('q') === 'user!=alice');
  await settled(page);
  // A query that makes no sense is explained; what was shown stays.
  await page.getByRole('combobox', { name: 'Query' }).fill('usr:alice');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'usr' }).waitFor();
  assert.ok(await page.getByText('Who was active when').isVisible());
  assert.deepEqual(
    visit.faults.filter((fault) => !fault.startsWith('status 400')),
    [],
  );
  await visit.context.close();
}

/** Rows come in while the page is open; pausing holds them back without losing them. */
async function liveRows(stage: Stage, replay: (capture: Uint8Array) => Promise<void>): Promise<void> {
  const visit = await stage.visit('viewer');
  const { page } = visit;
  await goTo(visit, stage, '/live');
  await page.getByText('receiving').waitFor();
  await replay(hostileCapture(Date.parse('2026-11-22T12:00:00Z')));
  await page.locator('.live-rows li').first().waitFor();
  await page.keyboard.press(' ');
  await page.getByText('Paused').waitFor();
  const held = await page.locator('.live-rows li').count();
  await replay(hostileCapture(Date.parse('2026-11-22T13:00:00Z')));
  await page.getByText(/[1-9]\d* more rows? received meanwhile/).waitFor();
  assert.equal(await page.locator('.live-rows li').count(), held);
  await page.keyboard.press(' ');
  await page.waitForFunction((count) => document.querySelectorAll('.live-rows li').length > count, held);
  assert.equal(await page.evaluate(() => 'pwned' in window), false);
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

test('the work of an auditor', { skip: NO_BROWSER ?? false }, async (t) => {
  await withStage(async (stage) => {
    await t.test('find, explain, narrow and undo by keyboard', () => findExplainNarrow(stage));
    await t.test('decide on an alert and print by keyboard', () => noteAndPrint(stage));
    await t.test('hostile texts stay texts', () => hostileTexts(stage));
    await t.test('every number leads to as many records', () => numbersLead(stage));
    await t.test('chart, values, table and export agree', () => countsAgree(stage));
    await t.test('the table reaches any of five million rows', () => millionsOfRows(stage));
    await t.test('brush, chips and a wrong query', () => pointerTasks(stage));
    await t.test('live rows, pause and go on', () => liveRows(stage, stage.replay));
  });
});
