/** For the tests of this folder: a console over a store that a real replay filled, and a browser in front of it. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { ROLES, type Role } from '#src/console/api/common.js';
import { type ConsoleServer, createConsole } from '#src/console/server.js';
import { runChecked } from '../support/process.ts';
import { launchBrowser, newVisit, type Site, type Visit, type VisitOptions } from './browser.ts';
import { hostileCapture } from './hostile.ts';

const MAIN = resolve(import.meta.dirname, '../../main.js');
const WEB = resolve(import.meta.dirname, '../../console/web');
const PCAPS = resolve(import.meta.dirname, '../../../pcaps');
const API = '/api/v1';

export const PASSWORD = 'seven tall pines by a lake';

export interface Stage extends Site {
  readonly server: ConsoleServer;
  readonly store: string;
  /** Replays a capture into the store, as a sensor would add to it. */
  replay(capture: Uint8Array): Promise<void>;
  /** A fresh browser profile, signed in as the role; `undefined`: nobody. */
  visit(role: Role | undefined, options?: VisitOptions): Promise<Visit>;
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
      twoToPush: false,
      version: '0.0.0',
      tls: undefined,
      web: WEB,
      onError: (_id, error) => errors.push(error),
    });
    const base = await server.app.listen({ host: '127.0.0.1', port: 0 });
    const cookies = options.people === false ? undefined : await makePeople(base, server);
    browser = await launchBrowser();
    const launched = browser;
    await use({
      base,
      server,
      store,
      replay,
      visit: (role, view) => newVisit(launched, { base }, role === undefined ? undefined : cookies?.[role], view),
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
