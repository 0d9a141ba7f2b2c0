/** `wiretrail console`: the auditor's web console over a store. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { EXIT_DONE, UserError } from '../base/errors.ts';
import type { ConsoleServer } from '../console/server.ts';
import { generatedTls, readTls, type TlsFiles } from '../console/tls.ts';
import { catalogOf } from '../store/segment/catalog.ts';
import { DEFAULT_SOCKET, programVersion } from './options.ts';
import { say } from './text.ts';

export interface ConsoleOptions {
  readonly listen: string;
  readonly store: string;
  readonly state?: string;
  readonly socket?: string;
  readonly evidence?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly tls: boolean;
  readonly twoToPush?: boolean;
}

export const DEFAULT_LISTEN = '127.0.0.1:8443';
const WEB_FOLDER: string = resolve(import.meta.dirname, '../console/web');
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

const EXAMPLES = `
Examples:
  wiretrail console --store ./data                         https://127.0.0.1:8443, for this machine
  wiretrail console --store ./data --no-tls                http, on loopback only
  wiretrail console --listen 0.0.0.0:443 --cert c.pem --key k.pem --store /var/lib/wiretrail
  wiretrail console --store ./data --socket /run/wiretrail/control.sock --evidence ev

The first start prints a link, good once, that makes the first administrator.`;

export function consoleCommand(exit: (code: number) => void): Command {
  return new Command('console')
    .description("serve the auditor's web console over a store")
    .option('--listen <address:port>', 'where to listen', DEFAULT_LISTEN)
    .option('--store <dir>', 'the store', 'data')
    .option('--state <file>', "people, sign-ins and the console's own trail (default: console.db in the store)")
    .option('--socket <path>', `control socket of a sensor (default: ${DEFAULT_SOCKET}, when it is there)`)
    .option('--evidence <dir>', "folder of a sensor's --evidence, for downloads of packets")
    .option('--cert <file>', 'certificate, PEM (default: one that openssl makes, beside the store)')
    .option('--key <file>', 'its key, PEM')
    .option('--no-tls', 'plain HTTP; only on loopback')
    .option('--two-to-push', 'a policy is pushed only from a draft that another administrator kept')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ConsoleOptions) => {
      const running = await startConsole(options);
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
      if (!stop.signal.aborted) await once(stop.signal, 'abort');
      await running.close();
      exit(EXIT_DONE);
    });
}

/** Listens, and says where. Rejects with a UserError when it cannot. */
export async function startConsole(options: ConsoleOptions): Promise<ConsoleServer> {
  const { host, port } = listenAddress(options.listen);
  // Before a certificate is made beside what is no store.
  catalogOf(options.store);
  const tls = tlsOf(options, host);
  const socket = options.socket ?? (existsSync(DEFAULT_SOCKET) ? DEFAULT_SOCKET : undefined);
  // Loaded here: most commands and sensors run without it, and it takes 0.2 s of CPU.
  const { createConsole } = await import('../console/server.ts');
  const server = await createConsole({
    store: options.store,
    state: options.state,
    socket,
    evidence: options.evidence,
    twoToPush: options.twoToPush === true,
    version: programVersion(),
    tls,
    web: WEB_FOLDER,
    onError: (id, error) => say(`wiretrail: console error ${id}: ${error.stack ?? error.message}`),
  });
  try {
    await server.app.listen({ host, port });
  } catch (error) {
    await server.close();
    throw new UserError(`cannot listen at ${options.listen}: ${listenProblem(error as NodeJS.ErrnoException)}`);
  }
  void server.warm();
  // Asked for port 0, the system chose one.
  const bound = server.app.server.address();
  const name = host.includes(':') ? `[${host}]` : host;
  const address = `${tls === undefined ? 'http' : 'https'}://${name}:${typeof bound === 'object' ? (bound?.port ?? port) : port}`;
  say(`console at ${address}/`);
  if (tls !== undefined && options.cert === undefined) say(`its certificate was made here; SHA-256 ${tls.fingerprint}`);
  if (server.setupPath !== undefined) say(`make the first administrator: ${address}${server.setupPath}`);
  return server;
}

function listenAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new UserError(`--listen ${text}: expected ADDRESS:PORT, for example ${DEFAULT_LISTEN}`);
  return { host: match[1] ?? match[2] ?? '', port };
}

function listenProblem({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program does; choose another port';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address';
    case 'EACCES':
      return 'ports below 1024 need privileges';
    default:
      return message;
  }
}

function tlsOf(options: ConsoleOptions, host: string): TlsFiles | undefined {
  const { cert, key } = options;
  if (!options.tls) {
    if (!LOOPBACK.has(host))
      throw new UserError('--no-tls is for loopback only: passwords would cross the network in clear');
    return undefined;
  }
  if ((cert === undefined) !== (key === undefined)) throw new UserError('give --cert and --key together');
  if (cert !== undefined && key !== undefined) return readTls(cert, key);
  return generatedTls(join(options.store, 'tls'), host);
}
