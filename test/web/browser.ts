/**
 * Debian's Chromium for the tests of this folder: fresh profiles, and whatever a page must never do (errors, reports of
 * the content security policy, foreign requests) is collected.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const PATIENCE_MS = 20_000;

/** Why the browser cannot be driven here; `undefined` when it can. */
export const NO_BROWSER: string | undefined = existsSync(CHROMIUM)
  ? undefined
  : 'SKIPPED: the pages were not looked at, as Chromium is not installed (apt-get install chromium)';

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What went wrong so far, one line each. */
  readonly faults: readonly string[];
}

export interface VisitOptions {
  readonly colours?: 'light' | 'dark';
  readonly size?: { readonly width: number; readonly height: number };
}

/** Where the console answers: `http://127.0.0.1:PORT`. */
export interface Site {
  readonly base: string;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
}

/** A fresh profile with the cookie of who is signed in, if anybody. Certificates that the console made are taken. */
export async function newVisit(
  browser: Browser,
  { base }: Site,
  cookie: string | undefined,
  { colours = 'light', size = { width: 1440, height: 900 } }: VisitOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: colours,
    reducedMotion: 'reduce',
    acceptDownloads: true,
    ignoreHTTPSErrors: true,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  if (cookie !== undefined) {
    const [name = '', value = ''] = cookie.split('=');
    await context.addCookies([{ name, value, url: base }]);
  }
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`script error: ${error.message}`));
  page.on('console', (message) => {
    // What the server refused is collected with its address below.
    if (message.text().startsWith('Failed to load resource')) return;
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`console: ${message.text()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`status ${response.status()}: ${response.url()}`);
  });
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await context.route(
    (url) => url.origin !== base && url.protocol.startsWith('http'),
    (route) => {
      faults.push(`foreign request: ${route.request().url()}`);
      return route.abort();
    },
  );
  return { page, context, faults };
}

/** Opens a path and waits until everything asked for has arrived. */
export async function goTo({ page }: Visit, { base }: Site, path: string): Promise<void> {
  await page.goto(base + path);
  await settled(page);
}

/**
 * Nothing is loading any more: no grey shapes, no stale answer, no code of a page missing, nothing fading in. It must have been
 * so for several frames, since a click is drawn in the next one at the earliest.
 */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector('#app > *');
  await page.evaluate(
    (framesCalm) =>
      new Promise<void>((resolve) => {
        let calm = 0;
        const look = (): void => {
          const busy = document.querySelector('.skeleton, [aria-busy="true"], .ghost') !== null;
          calm = busy || document.getAnimations().length > 0 ? 0 : calm + 1;
          if (calm < framesCalm) requestAnimationFrame(look);
          else resolve();
        };
        requestAnimationFrame(look);
      }),
    4,
  );
}

/** The text of an element as the document has it. */
export async function textOf(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? '';
}

/** Types into fields, by their labels. */
export async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, text] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(text);
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page as it stands: by all its rules, or by those named. */
export async function violations(page: Page, rules?: readonly string[]): Promise<string[]> {
  await page.evaluate(axeSource);
  const found = await page.evaluate(async (only): Promise<AxeResults['violations']> => {
    const { axe } = window as unknown as { axe: { run(context: Document, options: object): Promise<AxeResults> } };
    const options = only === undefined ? {} : { runOnly: { type: 'rule', values: only } };
    return (await axe.run(document, { ...options, resultTypes: ['violations'] })).violations;
  }, rules);
  return found.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
}
