/** For the tests of this folder: a console over a store of their own, and people of each role signed in to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { ROLES, type Role } from '#src/console/api/common.js';
import { type ConsoleOptions, type ConsoleServer, createConsole } from '#src/console/server.js';
import type { AuditRecord } from '#src/contracts/record.js';
import { statement } from '#src/store/fixture.js';
import { openStore } from '#src/store/store.js';

export const API = '/api/v1';
export const PASSWORD = 'seven tall pines by a lake';
const HOST = 'localhost:80';
export const ORIGIN: string = `http://${HOST}`;

export interface TestConsole {
  readonly server: ConsoleServer;
  readonly directory: string;
  /** Unexpected errors, which no test should see. */
  readonly errors: Error[];
  /** A request as a role's browser makes it; `undefined` role: nobody is signed in. */
  as(role: Role | undefined, options: InjectOptions): Promise<LightMyRequestResponse>;
  get(role: Role, path: string): Promise<LightMyRequestResponse>;
  post(role: Role | undefined, path: string, payload: object): Promise<LightMyRequestResponse>;
  /** A further person, signed in, perhaps with rights to some databases only. */
  person(name: string, role: Role, databases?: readonly string[]): Promise<Asker>;
  /** Cookie header of a role. */
  readonly cookies: Readonly<Record<Role, string>>;
}

/** Somebody who is signed in, or a script with a token. */
export interface Asker {
  get(path: string): Promise<LightMyRequestResponse>;
  post(path: string, payload: object): Promise<LightMyRequestResponse>;
  send(options: InjectOptions): Promise<LightMyRequestResponse>;
}

/** Who sends these headers. */
export function askerWith(server: ConsoleServer, headers: Readonly<Record<string, string>>): Asker {
  const send = (options: InjectOptions): Promise<LightMyRequestResponse> =>
    server.app.inject({ ...options, headers: { origin: ORIGIN, host: HOST, ...headers, ...options.headers } });
  return {
    send,
    get: (path) => send({ method: 'GET', url: `${API}${path}` }),
    post: (path, payload) => send({ method: 'POST', url: `${API}${path}`, payload }),
  };
}

/** Records of a few users, one after the other. */
export function someRecords(count: number): AuditRecord[] {
  return Array.from({ length: count }, (_, n) => {
    const bob = n % 3 === 1;
    return statement(n + 1, {
      session: bob ? '00000000000000bb' : '00000000000000aa',
      user: bob ? 'bob' : 'alice',
      namespace: 'shop',
      durationUs: n + 1,
      parameters: n % 10 === 0 ? [4711, 'secret value'] : undefined,
      errorCode: n % 20 === 19 ? '42P01' : undefined,
    });
  });
}

export async function writeRecords(directory: string, records: readonly AuditRecord[]): Promise<void> {
  const store = await openStore(directory, { durability: 'fast' });
  const writer = store.writer('wait');
  for (const record of records) writer.write(record);
  await writer.close();
  await store.close();
}

/** Runs `use` with a console; the store and everything else is gone afterwards. */
export async function withConsole(
  records: readonly AuditRecord[],
  use: (console: TestConsole) => Promise<void>,
  options: Partial<ConsoleOptions> = {},
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'wiretrail-console-'));
  const errors: Error[] = [];
  let server: ConsoleServer | undefined;
  try {
    await writeRecords(directory, records);
    server = await createConsole({
      store: directory,
      state: ':memory:',
      socket: undefined,
      evidence: undefined,
      twoToPush: false,
      version: '0.0.0',
      tls: undefined,
      web: join(directory, 'no-web'),
      threads: 1,
      onError: (_id, error) => errors.push(error),
      ...options,
    });
    await use(await signInAll(server, directory, errors));
    if (errors[0] !== undefined) throw errors[0];
  } finally {
    await server?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The first administrator makes the others; each is called by the name of the role. */
async function signInAll(server: ConsoleServer, directory: string, errors: Error[]): Promise<TestConsole> {
  const cookies = { viewer: '', auditor: '', administrator: '' };
  const inject = (cookie: string, options: InjectOptions): Promise<LightMyRequestResponse> =>
    server.app.inject({
      ...options,
      headers: { origin: ORIGIN, host: HOST, ...(cookie === '' ? {} : { cookie }), ...options.headers },
    });
  const post = async (cookie: string, path: string, payload: object): Promise<LightMyRequestResponse> => {
    const response = await inject(cookie, { method: 'POST', url: `${API}${path}`, payload });
    if (response.statusCode !== 200) throw new Error(`${path}: ${response.body}`);
    return response;
  };
  const token = server.setupPath?.split('#')[1] ?? '';
  const setup = await post('', '/setup', { token, name: 'administrator', password: PASSWORD });
  cookies.administrator = cookieOf(setup);
  const invite = async (person: object): Promise<string> => {
    const invited = await post(cookies.administrator, '/people', person);
    const link = (invited.json() as { link: string }).link.split('#')[1] ?? '';
    return cookieOf(await post('', '/invitation', { token: link, password: PASSWORD }));
  };
  for (const role of ['viewer', 'auditor'] as const) cookies[role] = await invite({ name: role, role });
  return {
    server,
    directory,
    errors,
    cookies,
    person: async (name, role, databases) =>
      askerWith(server, { cookie: await invite({ name, role, ...(databases && { databases }) }) }),
    as: (role, options) => inject(role === undefined ? '' : cookies[role], options),
    get: (role, path) => inject(cookies[role], { method: 'GET', url: `${API}${path}` }),
    post: (role, path, payload) =>
      inject(role === undefined ? '' : cookies[role], { method: 'POST', url: `${API}${path}`, payload }),
  };
}

/** Name and value of the cookie that a response sets. */
export function cookieOf(response: LightMyRequestResponse): string {
  const [cookie] = response.cookies;
  if (cookie === undefined) throw new Error('no cookie was set');
  return `${cookie.name}=${cookie.value}`;
}

/** Asks until the answer will do; what is asked for tells no other way that it is ready. */
export async function until<T>(ask: () => Promise<T>, done: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (done(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const POLL_MS = 50;

export { ROLES };
