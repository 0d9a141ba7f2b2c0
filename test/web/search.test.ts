/** Searching: marks beside the scroll bar; what was done in the console, in the same field as records; queries asked before; sessions and the range. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { goTo, NO_BROWSER, settled, textOf, violations } from './browser.ts';
import { type Stage, withStage } from './stage.ts';

/** Names of the conditions, as the chips have them. */
async function chips(page: Page): Promise<readonly string[]> {
  return Promise.all((await page.locator('.chip-text').all()).map(textOf));
}

/** Somebody looked for markup; who looks at the trail sees it as they typed it, and narrows without the mouse. */
async function searchTrail(stage: Stage): Promise<void> {
  const hostile = '<img src=x onerror="window.pwned=1">';
  const visit = await stage.visit('auditor');
  const { page } = visit;
  await goTo(visit, stage, `/search?q=${encodeURIComponent(`text:${JSON.stringify(hostile)}`)}`);
  await goTo(visit, stage, '/people');
  await page.keyboard.press('/');
  await page.keyboard.type('act');
  await page.getByRole('option', { name: 'action:' }).waitFor();
  await page.keyboard.press('Tab');
  await page.getByRole('option', { name: /^search/ }).waitFor();
  // Typed faster than the list follows: Tab takes what the list will have.
  await page.keyboard.type('sea');
  await page.keyboard.press('Tab');
  await page.waitForFunction(() => document.querySelector<HTMLInputElement>('[data-query]')?.value === 'action:search');
  await page.keyboard.type(' onerror');
  await page.keyboard.press('Enter');
  await page
    .getByRole('row')
    .filter({ hasText: hostile.slice(0, 10) })
    .first()
    .waitFor();
  assert.deepEqual(await chips(page), ['action:search', 'onerror']);
  assert.equal(await page.getByRole('row').count(), 2);
  await page.getByText(/^1 of \d+ entries; the chain of hashes is unbroken/).waitFor();
  await page.getByRole('row').getByRole('link', { name: 'auditor' }).click();
  await settled(page);
  assert.deepEqual(await chips(page), ['action:search', 'onerror', 'user:auditor']);
  await page.getByRole('button', { name: 'Remove onerror' }).click();
  await settled(page);
  assert.deepEqual(await chips(page), ['action:search', 'user:auditor']);
  await page.getByRole('button', { name: /^(Everything|Chosen)/ }).click();
  await page.getByLabel('Time range', { exact: true }).fill('2020-01-01');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('No entry matched').waitFor();
  await goTo(visit, stage, '/people?q=rows>3');
  await page.getByText('unknown field rows').waitFor();
  assert.deepEqual(await violations(page), []);
  assert.equal(await page.evaluate(() => 'pwned' in window), false);
  assert.deepEqual(
    visit.faults.filter((fault) => !fault.startsWith('status 400')),
    [],
  );
  await visit.context.close();
}

/** A pin far down, and gaps of the captures, are seen beside the scroll bar and gone to by key and by click. */
async function scrollMarks(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  await goTo(visit, stage, '/search');
  const grid = page.getByRole('grid', { name: 'Records found' });
  await grid.focus();
  await page.keyboard.press('End');
  await settled(page);
  await page.keyboard.press('p');
  const pin = page.locator('.grid-marks .pin');
  await pin.waitFor();
  const total = Number((await textOf(page.locator('.search-tools .total'))).replaceAll(',', ''));
  const top = await pin.evaluate((mark) => Number.parseFloat((mark as HTMLElement).style.top));
  assert.ok(Math.abs(top - (100 * (total - 1)) / total) < 0.01, `${top} %`);
  const marks = await page.evaluate(async () => {
    const response = await fetch('/api/v1/records/marks');
    return (await response.json()) as { gaps: { kind: string; first: number; end: number }[]; pins: unknown[] };
  });
  assert.ok(marks.gaps.length > 0 && marks.pins.length === 1);
  assert.equal(await page.locator('.grid-marks i').count(), marks.gaps.length + 1);
  await page.keyboard.press('Home');
  const foot = page.locator('.grid-foot');
  await page.keyboard.press('M');
  await foot.getByText(': pinned').waitFor();
  assert.match(await textOf(foot), new RegExp(`row ${total.toLocaleString('en')} of`));
  await page.keyboard.press('m');
  await foot.getByText('no sensor watched').waitFor();
  const row = (marks.gaps[0]?.first ?? 0) + 1;
  assert.match(await textOf(foot), new RegExp(`row ${row.toLocaleString('en')} of`));
  await pin.click();
  await foot.getByText(': pinned').waitFor();
  await page.getByRole('button', { name: /^Next of \d+ marks$/ }).click();
  await foot.getByText('no sensor watched').waitFor();
  assert.deepEqual(await violations(page), []);
  // Without the pin its mark goes.
  await grid.focus();
  await page.keyboard.press('End');
  await settled(page);
  await page.keyboard.press('p');
  await pin.waitFor({ state: 'detached' });
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

/** By keyboard: a query is offered again on the next day's empty field, taken as a whole, and forgotten. */
async function askedBefore(stage: Stage): Promise<void> {
  const hostile = 'text:"<b onclick=alert(1)>"';
  const visit = await stage.visit('administrator');
  const { page } = visit;
  await goTo(visit, stage, '/search');
  const field = page.getByRole('combobox', { name: 'Query' });
  for (const q of [hostile, 'op:DELETE rows>0']) {
    await field.fill(q);
    await Promise.all([
      page.waitForResponse((response) => response.url().endsWith('/history')),
      page.keyboard.press('Enter'),
    ]);
  }
  await goTo(visit, stage, '/sessions');
  await field.focus();
  await page.keyboard.type('del');
  const option = page.getByRole('option', { name: /op:DELETE rows>0/ });
  await option.waitFor();
  assert.equal(await page.getByRole('option').last().textContent(), await option.textContent(), 'at the end');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Tab');
  assert.equal(await field.inputValue(), 'op:DELETE rows>0');
  await field.fill('onclick');
  await page.getByRole('option', { name: /onclick=alert/ }).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Shift+Delete');
  await page.getByRole('option', { name: /onclick=alert/ }).waitFor({ state: 'detached' });
  await goTo(visit, stage, '/account');
  await page.getByRole('button', { name: 'Forget op:DELETE rows>0' }).waitFor();
  assert.equal(await page.locator('.own-queries li').count(), 1);
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Forget all' }).click();
  await page.getByText('None are kept').waitFor();
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

/** Sessions by how they lie to the range: each choice gives as many as the server says, and leads to all their records. */
async function relations(stage: Stage): Promise<void> {
  const visit = await stage.visit('viewer');
  const { page } = visit;
  await goTo(visit, stage, '/sessions');
  assert.equal(await page.getByRole('list', { name: 'How a session lies to the range' }).count(), 0);
  const t = await page.evaluate(async () => {
    const response = await fetch('/api/v1/sessions?limit=500');
    const { sessions } = (await response.json()) as { sessions: { first: string; last: string }[] };
    const length = (one: { first: string; last: string }): number => Date.parse(one.last) - Date.parse(one.first);
    const [longest] = sessions.sort((a, b) => length(b) - length(a));
    // Within the longest session, so that at least that one covers it.
    return `${new Date(Date.parse(longest?.first ?? '') + 2).toISOString()}/${new Date(Date.parse(longest?.last ?? '') - 2).toISOString()}`;
  });
  await goTo(visit, stage, `/sessions?t=${t}`);
  for (const [name, relation] of [
    ['overlaps the range', 'overlaps'],
    ['covers the range', 'covers'],
    ['is not in the range', 'not'],
  ]) {
    await page.getByRole('link', { name: name ?? '' }).click();
    await settled(page);
    const counted = await page.evaluate(async (query) => {
      const response = await fetch(`/api/v1/sessions?${query}&limit=200`);
      return ((await response.json()) as { sessions: unknown[] }).sessions.length;
    }, `t=${t}&relation=${relation}`);
    assert.ok(counted > 0, name);
    assert.equal(await page.locator('tbody tr').count(), counted, name);
  }
  assert.equal(new URL(page.url()).searchParams.get('rel'), 'not');
  assert.deepEqual(await violations(page), []);
  const count = page.locator('td.num a').first();
  const records = await textOf(count);
  await count.click();
  await settled(page);
  assert.equal(await textOf(page.locator('.search-tools .total')), records, 'also of records outside the range');
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

test('searching', { skip: NO_BROWSER ?? false }, async (t) => {
  await withStage(async (stage) => {
    await t.test('the scroll bar shows gaps and pins', () => scrollMarks(stage));
    await t.test('what one asked before is offered again', () => askedBefore(stage));
    await t.test('sessions by how they lie to the range', () => relations(stage));
    await t.test('the trail is searched as records are', () => searchTrail(stage));
  });
});
