/**
 * For the tests of this folder: a console over a store that a real replay filled, and Debian's Chromium in front of it.
 * Whatever a page must never do (errors, reports of the content security policy, foreign requests) is collected.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { ROLES, type Role } from '#src/console/api/common.js';
import { type ConsoleServer, createConsole } from '#src/console/server.js';
import { runChecked } from '../support/process.ts';
import { hostileCapture } from './hostile.ts';

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
const MAIN = resolve(import.meta.dirname, '../../main.js');
const WEB = resolve(import.meta.dirname, '../../console/web');
const PCAPS = resolve(import.meta.dirname, '../../../pcaps');
const API = '/api/v1';
const PATIENCE_MS = 20_000;

export const PASSWORD = 'seven tall pines by a lake';

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

export interface Stage {
  readonly base: string;
  readonly server: ConsoleServer;
  readonly store: string;
  /** Replays a capture into the store, as a sensor would add to it. */
  replay(capture: Uint8Array): Promise<void>;
  /** A fresh browser profile, signed in as the role; `undefined`: nobody. */
  visit(role: Role | undefined, options?: { readonly colours?: 'light' | 'dark' }): Promise<Visit>;
}

export interface StageOptions {
  /** Makes people of each role (the default); without, the console is as at its first start. */
  readonly people?: boolean;
}

/** Runs `use` with a console and a browser; both and the store are gone afterwards. */
export async function withStage(use: (stage: Stage) => Promise<void>, options: StageOptions = {}): Promise<void> {
  if (!existsSync(join(WEB, 'index.html'))) throw new Error('the browser application is not built: npm run build:web');
  const directory = mkdtempSync(join(tmpdir(), 'wiretrail-web-'));
  const store = join(directory, 'store');
  const errors: Error[] = [];
  let server: ConsoleServer | undefined;
  let browser: Browser | undefined;
  try {
    const hostile = join(directory, 'hostile.pcap');
    const replay = async (capture: Uint8Array): Promise<void> => {
      writeFileSync(hostile, capture);
      await runChecked([process.execPath, MAIN, 'replay', hostile, '--store', store]);
    };
    await runChecked([process.execPath, MAIN, 'replay', PCAPS, '--store', store]);
    await replay(hostileCapture(Date.parse('2026-11-21T12:00:00Z')));
    server = await createConsole({
      store,
      state: ':memory:',
      socket: undefined,
      evidence: undefined,
      version: '0.0.0',
      tls: undefined,
      web: WEB,
      onError: (_id, error) => errors.push(error),
    });
    const base = await server.app.listen({ host: '127.0.0.1', port: 0 });
    const cookies = options.people === false ? undefined : await makePeople(base, server);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
    const launched = browser;
    await use({
      base,
      server,
      store,
      replay,
      visit: (role, view) => visit(launched, base, role === undefined ? undefined : cookies?.[role], view?.colours),
    });
    if (errors[0] !== undefined) throw errors[0];
  } finally {
    await browser?.close();
    await server?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Cookie of each role; every person is called by the name of the role. */
async function makePeople(base: string, server: ConsoleServer): Promise<Readonly<Record<Role, string>>> {
  const cookies = { viewer: '', auditor: '', administrator: '' };
  const post = async (path: string, body: object, cookie = ''): Promise<Response> => {
    const response = await fetch(`${base}${API}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: base, ...(cookie === '' ? {} : { cookie }) },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return response;
  };
  const token = server.setupPath?.split('#')[1];
  cookies.administrator = cookieOf(await post('/setup', { token, name: 'administrator', password: PASSWORD }));
  for (const role of ROLES.filter((one) => one !== 'administrator')) {
    const made = (await (await post('/people', { name: role, role }, cookies.administrator)).json()) as {
      link: string;
    };
    cookies[role] = cookieOf(await post('/invitation', { token: made.link.split('#')[1], password: PASSWORD }));
  }
  return cookies;
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

async function visit(
  browser: Browser,
  base: string,
  cookie: string | undefined,
  colours: 'light' | 'dark' = 'light',
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    colorScheme: colours,
    reducedMotion: 'reduce',
    acceptDownloads: true,
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
export async function goTo({ page }: Visit, stage: Stage, path: string): Promise<void> {
  await page.goto(stage.base + path);
  await settled(page);
}

/** Nothing is loading any more: no grey shapes, no stale answer, no code of a page missing. */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector('#app > *');
  await page.waitForFunction(() => document.querySelector('.skeleton, [aria-busy="true"], .ghost') === null);
}

/** The text of an element as the document has it. */
export async function textOf(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? '';
}
