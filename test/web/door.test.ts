/** The first start, signing in and out, the second factor, invitations, tokens, a locked name: by hand, as people do it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOTP } from 'otpauth';
import { fill, NO_BROWSER, settled, textOf, type Visit } from './browser.ts';
import { PASSWORD, type Stage, withStage } from './stage.ts';

async function firstStart(stage: Stage): Promise<Visit> {
  const visit = await stage.visit(undefined);
  const { page } = visit;
  await page.goto(stage.base + (stage.server.setupPath ?? ''));
  const create = page.getByRole('button', { name: 'Create and sign in' });
  await fill(page, { Name: 'petrova', 'New password': 'short', Again: 'short' });
  await page.getByText('At least 12 characters').waitFor();
  assert.equal(await create.isDisabled(), true);
  await fill(page, { 'New password': PASSWORD, Again: PASSWORD });
  await create.click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  await settled(page);
  assert.ok(new URL(page.url()).searchParams.has('t'), 'who comes in sees the last day, and the address says so');
  return visit;
}

/** Returns the secret that was set up. */
async function secondFactor({ page }: Visit): Promise<string> {
  await page.getByRole('button', { name: /petrova/ }).click();
  await page.getByRole('link', { name: /second factor/ }).click();
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Set up a second factor' }).click();
  await page.getByRole('img', { name: /QR code/ }).waitFor();
  const secret = (await textOf(page.getByText('Or type the secret').locator('code'))).trim();
  await page.getByLabel('Code of your second factor').fill(new TOTP({ secret }).generate());
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.getByText('Removing it takes').waitFor();
  return secret;
}

async function signInAgain({ page }: Visit, secret: string): Promise<void> {
  await page.getByRole('button', { name: /petrova/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await fill(page, { Name: 'petrova', Password: 'not the password' });
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  // A code is good once: the one that confirmed is used up, the next interval's is taken early.
  const next = new TOTP({ secret }).generate({ timestamp: Date.now() + 30_000 });
  await page.getByLabel('Code of your second factor').fill(next);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
}

test('first start, second factor, sign-in', { skip: NO_BROWSER ?? false }, async () => {
  await withStage(
    async (stage) => {
      const visit = await firstStart(stage);
      const secret = await secondFactor(visit);
      await signInAgain(visit, secret);
      const unexpected = visit.faults.filter((fault) => !fault.startsWith('status 401'));
      assert.deepEqual(unexpected, []);
    },
    { people: false },
  );
});

/** Made in the browser, shown once, used by a script; revoked, it opens nothing. */
async function tokenForScripts({ page }: Visit, { base }: Stage): Promise<void> {
  await page.goto(`${base}/people?tab=tokens`);
  await fill(page, { 'What it is for': 'nightly export' });
  await page.getByRole('button', { name: 'Make a token' }).click();
  const token = await textOf(page.getByRole('status').locator('code'));
  const ask = async (path: string): Promise<number> =>
    (await fetch(`${base}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } })).status;
  assert.deepEqual([await ask('/count'), await ask('/export?format=csv')], [200, 403], 'it is a viewer');
  await page.reload();
  await page.getByText('nightly export').waitFor();
  assert.equal(await page.getByText(token).count(), 0, 'it is not shown again');
  await page.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('revoked').waitFor();
  assert.equal(await ask('/count'), 401);
}

/** Wrong passwords lock the name; then the right one does not help, and the administrator sees it. */
async function lockedOut(stage: Stage, administrator: Visit): Promise<void> {
  const { page, context } = await stage.visit(undefined);
  await page.goto(stage.base);
  const attempt = async (password: string, answer: RegExp): Promise<void> => {
    await fill(page, { Name: 'viewer', Password: password });
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').filter({ hasText: answer }).waitFor();
  };
  for (let n = 1; n <= 5; n++) await attempt(`not the password ${n}`, /name, password or code is wrong/);
  await attempt(PASSWORD, /too many wrong passwords: try again in \d+ seconds/);
  await context.close();
  await administrator.page.goto(`${stage.base}/people`);
  await administrator.page
    .getByRole('row', { name: /viewer/ })
    .filter({ hasText: 'locked until' })
    .waitFor();
}

test('invitations, tokens and a locked name', { skip: NO_BROWSER ?? false }, async () => {
  await withStage(async (stage) => {
    const visit = await stage.visit('administrator');
    const { page } = visit;
    await page.goto(`${stage.base}/people`);
    await page.getByRole('button', { name: 'Invite' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('ivanov');
    await page.getByRole('button', { name: 'Make the link' }).click();
    const link = await textOf(page.getByText('/invitation#'));
    const guest = await stage.visit(undefined);
    await guest.page.goto(link);
    await fill(guest.page, { 'New password': PASSWORD, Again: PASSWORD });
    await guest.page.getByRole('button', { name: 'Set and sign in' }).click();
    await guest.page.getByRole('button', { name: /ivanov viewer/ }).waitFor();
    // A table called people has links as well.
    assert.equal(await guest.page.getByRole('link', { name: 'People', exact: true }).count(), 0);
    await tokenForScripts(visit, stage);
    await lockedOut(stage, visit);
    assert.deepEqual([...visit.faults, ...guest.faults], []);
  });
});
