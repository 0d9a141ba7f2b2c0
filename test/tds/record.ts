/**
 * Records the scenarios of `pcaps/tds`: `node dist/test/tds/record.js [--expected] [NAME]…`. Writes the captures and the
 * records that a replay of them gives; the tests beside this file hold the same clients against what they asked for.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { replayText } from '../lab/sensor.ts';
import { bsqldb, freebcp, pymssql, tsql, tsqlByNtlm, tsqlOverTls } from './programs.ts';
import { DENIED_USER, ScriptedServer } from './server.ts';
import { askAll, cancelled, close, connect, load, NTLM, transact } from './tedious.ts';
import { makeCredentials } from './transport.ts';

/** This file runs as `dist/test/tds/record.js`. */
const PCAPS = join(import.meta.dirname, '..', '..', '..', 'pcaps', 'tds');

interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly client: string;
  /** The server has a key, and the client wants TLS. */
  readonly hasTls?: boolean;
  readonly run: (port: number, server: ScriptedServer) => Promise<void>;
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'calls-and-types',
    about: 'Batches, sp_executesql with parameters of every type, sp_prepare and sp_execute, a procedure.',
    client: 'tedious (TDS 7.4)',
    run: async (port) => {
      const connection = await connect(port, 'ann');
      await askAll(connection);
      await close(connection);
    },
  },
  {
    name: 'bulk-and-transaction',
    about: 'A bulk load of three rows, then a transaction begun and rolled back by the transaction manager.',
    client: 'tedious (TDS 7.4)',
    run: async (port) => {
      const connection = await connect(port, 'ann');
      await load(connection);
      await transact(connection, 'delete from stock');
      await close(connection);
    },
  },
  {
    name: 'attention',
    about: 'A statement that the client takes back while the server works on it, and one that it does not.',
    client: 'tedious (TDS 7.4)',
    run: async (port, server) => {
      const connection = await connect(port, 'ann');
      await cancelled(connection, server);
      await transact(connection, 'delete from stock');
      await close(connection);
    },
  },
  {
    name: 'login-failure',
    about: 'A login that the server refuses: error 18456.',
    client: 'tedious (TDS 7.4)',
    run: (port) => connect(port, DENIED_USER).then(close, () => undefined),
  },
  ...['7.4', '7.1', '7.0', '5.0', '4.2'].map((version) => ({
    name: `tsql-${version}`,
    about: 'A query, a change in characters beyond ASCII, and a statement that fails.',
    client: `FreeTDS tsql (TDS ${version})`,
    run: (port: number) => tsql(port, version),
  })),
  {
    name: 'db-library',
    about: 'The same batches through DB-Library.',
    client: 'FreeTDS bsqldb (TDS 7.4)',
    run: bsqldb,
  },
  ...[
    { name: 'bulk-copy', version: '7.4' },
    { name: 'bulk-copy-5.0', version: '5.0' },
  ].map(({ name, version }) => ({
    name,
    about: 'Three rows of a file into a table.',
    client: `FreeTDS freebcp (TDS ${version})`,
    run: (port: number) => freebcp(port, version),
  })),
  { name: 'pymssql', about: 'Batches with values put in, and a procedure.', client: 'pymssql (TDS 7.3)', run: pymssql },
  {
    name: 'ntlm',
    about: 'A login by NTLM as SHOP\\ann, then a transaction around one batch.',
    client: 'tedious (TDS 7.4)',
    run: async (port) => {
      const connection = await connect(port, NTLM);
      await transact(connection, 'delete from stock');
      await close(connection);
    },
  },
  {
    name: 'ntlm-freetds',
    about: 'A login by NTLM as SHOP\\ann, then three batches.',
    client: 'FreeTDS tsql (TDS 7.4)',
    run: tsqlByNtlm,
  },
  {
    name: 'encrypted-login',
    about: 'TLS for the login only: the user is hidden, the three batches are not.',
    client: 'FreeTDS tsql (TDS 7.4, GnuTLS)',
    hasTls: true,
    run: (port) => tsqlOverTls(port, 'request'),
  },
  {
    name: 'encrypted-login-failure',
    about: 'TLS for a login that the server refuses in the clear: error 18456.',
    client: 'FreeTDS tsql (TDS 7.4, GnuTLS)',
    hasTls: true,
    run: (port) => tsqlOverTls(port, 'request', DENIED_USER),
  },
  {
    name: 'encrypted',
    about: 'TLS inside TDS for everything: only its handshake can be read.',
    client: 'tedious (TDS 7.4)',
    hasTls: true,
    run: (port, server) => askOverTls(port, server, true),
  },
  {
    name: 'tds-8',
    about: 'TDS inside TLS from the first byte on: only its handshake can be read.',
    client: 'tedious (TDS 8.0)',
    hasTls: true,
    run: (port, server) => askOverTls(port, server, 'strict'),
  },
];

async function askOverTls(port: number, { security }: ScriptedServer, encrypt: true | 'strict'): Promise<void> {
  if (security === undefined) throw new Error('the server has no key');
  const connection = await connect(port, 'ann', { encrypt, credentials: security.credentials });
  await transact(connection, 'delete from stock');
  await close(connection);
}

/** With `--expected` only the records are renewed, of the captures as they are. */
const renewsRecordsOnly = process.argv.includes('--expected');

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));

for (const scenario of SCENARIOS) {
  if (names.length > 0 && !names.includes(scenario.name)) continue;
  const folder = join(PCAPS, scenario.name);
  const capture = join(folder, 'capture.pcap');
  if (!renewsRecordsOnly) await record(scenario, folder, capture);
  writeFileSync(join(folder, 'expected.jsonl'), await replayText(capture));
}

async function record(scenario: Scenario, folder: string, capture: string): Promise<void> {
  const { name, about, client, hasTls, run } = scenario;
  const server = new ScriptedServer(hasTls ? { credentials: makeCredentials() } : undefined);
  await run(await server.listen(), server);
  await server.close();
  mkdirSync(folder, { recursive: true });
  server.recorder.save(capture);
  const lines = [
    `# tds: ${name}\n\n${about}\n`,
    `The client is ${client}; the server is the scripted one in \`test/tds\`, which answers as MS-TDS and the TDS 5.0`,
    'specification say. `node dist/test/tds/record.js` recorded what the two sent each other; the TCP around it is made.\n',
    '`capture.pcap` is the traffic, `expected.jsonl` the audit records a replay must give (renewed with `--expected`).',
    'That these are what the client asked for is the business of `test/tds/clients.test.ts` and `secure.test.ts`.\n',
  ];
  writeFileSync(join(folder, 'README.md'), lines.join('\n'));
}
