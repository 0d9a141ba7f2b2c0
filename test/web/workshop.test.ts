/** What is done rarely and matters much: revealing values, changing policies, keeping searches, looking at the trail. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { runChecked } from '../support/process.ts';
import { goTo, NO_BROWSER, settled, textOf, violations } from './browser.ts';
import { type Stage, withStage } from './stage.ts';

/** Id of the first record that the query finds and that has bind values. */
async function idWithBinds(page: Page): Promise<string> {
  return await page.evaluate(async () => {
    const list = (await (await fetch('/api/v1/records?limit=50&q=user:alice+call:prepared')).json()) as {
      rows: { id: string }[];
    };
    for (const { id } of list.rows) {
      const view = (await (await fetch(`/api/v1/records/${id}`)).json()) as { binds: unknown[] };
      if (view.binds.length > 0) return id;
    }
    return '';
  });
}

async function reveal(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  await goTo(visit, stage, '/account');
  const id = await idWithBinds(page);
  await goTo(visit, stage, `/statements/${id}`);
  await page
    .getByText(/hidden, \d+ characters/)
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Reveal with a reason' }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('complaint 4711 of a customer');
  await page.getByRole('button', { name: 'Reveal', exact: true }).click();
  await page
    .getByText(/hidden, \d+ characters/)
    .first()
    .waitFor({ state: 'detached' });
  await goTo(visit, stage, '/people');
  await page.getByRole('row', { name: /auditor .* reveal .*complaint 4711 of a customer/ }).waitFor();
  await page.getByText('the chain of hashes is unbroken').waitFor();
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
  const viewer = await stage.visit('viewer');
  await goTo(viewer, stage, `/statements/${id}`);
  await viewer.page.getByText('Your role sees their types and lengths only').waitFor();
  assert.equal(await viewer.page.getByRole('button', { name: 'Reveal with a reason' }).count(), 0);
  await viewer.context.close();
}

async function changePolicy(stage: Stage): Promise<void> {
  const visit = await stage.visit('administrator');
  const { page } = visit;
  await goTo(visit, stage, '/policies?tab=edit');
  await page.getByRole('button', { name: 'default.yaml' }).click();
  const editor = page.getByRole('textbox', { name: 'Policy file default.yaml' });
  await editor.waitFor();
  await page.getByText(/rules, \d+ tests passed/).waitFor();
  await editor.click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('}');
  await page.getByText(/^\d+ faults?$/).waitFor();
  await page
    .getByText(/default\.yaml:\d+:\d+/)
    .first()
    .waitFor();
  assert.equal(await page.getByRole('button', { name: 'Push to the sensor' }).isDisabled(), true);
  await page.keyboard.press('Control+z');
  await page.getByText(/rules, \d+ tests passed/).waitFor();
  await page.getByRole('button', { name: 'Try on the range above' }).click();
  await page.getByText(/^done, 100 % of the history/).waitFor();
  assert.ok((await page.getByRole('row').filter({ hasText: 'alert' }).count()) > 0);
  await page.getByRole('button', { name: 'Keep as draft' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('quieter');
  await page.getByRole('button', { name: 'Keep', exact: true }).click();
  await page.getByRole('link', { name: /^quieter/ }).click();
  await page.waitForFunction(() => new URLSearchParams(location.search).get('draft') === 'quieter');
  await page.getByRole('tab', { name: 'Differences' }).click();
  await page.getByText('The two are the same').waitFor();
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

async function keepSearch(stage: Stage): Promise<void> {
  const visit = await stage.visit('viewer');
  const { page } = visit;
  await goTo(visit, stage, '/search?q=op:DELETE&cols=time,user,objects');
  await page.getByRole('button', { name: 'Saved' }).click();
  await page.getByLabel('Save this search as').fill('who deletes');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('link', { name: 'who deletes' }).waitFor();
  await goTo(visit, stage, '/search');
  await page.getByRole('button', { name: 'Saved' }).click();
  await page.getByRole('link', { name: 'who deletes' }).click();
  await settled(page);
  assert.equal(await page.getByRole('combobox', { name: 'Query' }).inputValue(), 'op:DELETE');
  const heads = await page.getByRole('columnheader').all();
  assert.deepEqual(await Promise.all(heads.map(textOf)), ['Time ↓', 'User', 'Objects']);
  await goTo(visit, stage, '/search');
  const field = page.getByRole('combobox', { name: 'Query' });
  await field.pressSequentially('user:alice @who');
  await page.getByRole('option', { name: '@who deletes' }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await field.inputValue(), 'user:alice op:DELETE');
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

/** Made for two days; as PDF the bytes that the hash on the page names, as HTML a page that opens by itself; one count. */
async function makeReport(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  const days = 't=2026-11-21/2026-11-23';
  await goTo(visit, stage, `/reports?${days}`);
  const entry = page.locator('.catalogue li').filter({ hasText: 'Logins and failures' });
  await entry.getByRole('button', { name: /Make it/ }).click();
  const made = page.getByRole('row').filter({ hasText: 'Logins and failures' });
  await made.getByRole('link', { name: 'PDF' }).waitFor();
  const counted = await page.evaluate(async (scope) => {
    const response = await fetch(`/api/v1/count?${scope}&q=kind:login,opaque`);
    return ((await response.json()) as { total: number }).total;
  }, days);
  assert.equal(await textOf(made.locator('td.num')), String(counted));
  const pdf = await downloaded(page, made.getByRole('link', { name: 'PDF' }));
  const shown = (await made.locator('code[title]').getAttribute('title')) ?? '';
  assert.equal(
    shown.split(' ').at(-1),
    createHash('sha256')
      .update(await readFile(pdf))
      .digest('hex'),
  );
  const printed = await runChecked(['pdftotext', '-layout', pdf, '-']);
  assert.match(printed, new RegExp(`Records: ${counted}\\b`));
  await made.getByRole('button', { name: 'Sign' }).click();
  await page.getByRole('dialog').getByLabel('Comment').fill('checked against ticket 4711');
  await page.getByRole('button', { name: 'Sign it' }).click();
  await made.getByText('signed by auditor').waitFor();
  const html = `${await downloaded(page, made.getByRole('link', { name: 'HTML' }))}.html`;
  await rename(html.slice(0, -'.html'.length), html);
  const report = await visit.context.newPage();
  await report.goto(`file://${html}`);
  await report.getByRole('heading', { name: 'Logins and failures' }).waitFor();
  assert.equal(await textOf(report.locator('dl > div').filter({ hasText: 'Records' }).locator('dd')), String(counted));
  assert.equal(await report.locator('table').last().locator('tbody tr').count(), counted);
  assert.deepEqual(await violations(report), []);
  assert.equal(await report.evaluate(() => 'pwned' in window), false);
  assert.deepEqual(visit.faults, []);
  await visit.context.close();
}

/** A report for another person to sign: a task of theirs until they did, and nobody else's. */
async function toDo(stage: Stage): Promise<void> {
  const visit = await stage.visit('auditor');
  const { page } = visit;
  await goTo(visit, stage, '/reports?t=2026-11-21/2026-11-23');
  await page.locator('summary').filter({ hasText: 'Receivers of what is made' }).press('Enter');
  await page.getByLabel('administrator', { exact: true }).selectOption('sign');
  await page.getByText('below: administrator to sign').waitFor();
  const entry = page.locator('.catalogue li').filter({ hasText: 'Completeness' });
  await entry.getByRole('button', { name: /Make it/ }).click();
  const made = page.getByRole('row').filter({ hasText: 'Completeness' });
  await made.getByRole('link', { name: 'PDF' }).waitFor();
  await made.getByText('administrator has to sign').waitFor();
  assert.equal(await page.getByRole('region', { name: 'To do for me' }).count(), 0);
  assert.deepEqual(await violations(page), []);
  const other = await stage.visit('administrator');
  await goTo(other, stage, '/reports');
  const tasks = other.page.getByRole('region', { name: 'To do for me' });
  await tasks.getByText('Completeness').waitFor();
  assert.deepEqual(await violations(other.page), []);
  await Promise.all([
    other.page.waitForEvent('download'),
    tasks.getByRole('button', { name: 'Read as PDF' }).press('Enter'),
  ]);
  await settled(other.page);
  await tasks.getByRole('button', { name: 'Sign' }).press('Enter');
  await other.page.getByRole('button', { name: 'Sign it' }).click();
  await tasks.waitFor({ state: 'detached' });
  await other.page.getByRole('row').filter({ hasText: 'Completeness' }).getByText('signed by administrator').waitFor();
  assert.deepEqual([...visit.faults, ...other.faults], []);
  await visit.context.close();
  await other.context.close();
}

/** Where the file behind a link lies after a click on it. */
async function downloaded(page: Page, link: Locator): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  return download.path();
}

test('reveals, policies and saved searches', { skip: NO_BROWSER ?? false }, async (t) => {
  await withStage(async (stage) => {
    await t.test('values are revealed with a reason, which stays', () => reveal(stage));
    await t.test('a policy is edited, checked, tried and kept', () => changePolicy(stage));
    await t.test('a report is made and is what its hash says', () => makeReport(stage));
    await t.test('what somebody has to sign', () => toDo(stage));
    await t.test('a search is kept with its columns', () => keepSearch(stage));
  });
});
