/** Client programs of the distribution, run against a scripted server. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A program that waits for an answer it does not get is ended. */
const PROGRAM_TIMEOUT_MS = 15_000;

/** How a program ends; the output is wanted only when something is wrong. */
async function execute(program: string, args: readonly string[], environment: object, input: string): Promise<void> {
  const child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: ['pipe', 'ignore', 'ignore'] });
  const limit = setTimeout(() => child.kill('SIGKILL'), PROGRAM_TIMEOUT_MS);
  child.stdin.on('error', () => undefined); // it may end before it has read all
  child.stdin.end(input);
  await once(child, 'close');
  clearTimeout(limit);
}

export function missing(program: string): string | false {
  const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  return found ? false : `NOT RUN: ${program} is not installed`;
}

/** What tsql and bsqldb are given to ask. */
export const TSQL_TEXTS: readonly string[] = [
  'select name, id from customers',
  "update stock set n = 'zażółć'",
  'select * from no_such',
];
const TSQL_INPUT = `${TSQL_TEXTS.map((text) => `${text}\ngo\n`).join('')}exit\n`;

/** The distribution's own interpreter has its packages, another one in the path may not. */
export const PYTHON: string | undefined = ['python3', '/usr/bin/python3'].find((python) => {
  return spawnSync(python, ['-c', 'import pymssql']).status === 0;
});

const PYMSSQL_PROGRAM = `
import pymssql, sys
connection = pymssql.connect(server='127.0.0.1', port=sys.argv[1], user='ann', password='secret', database='shop', tds_version='7.3')
cursor = connection.cursor()
cursor.execute('select name, id from customers where id = %d', 7)
cursor.fetchall()
cursor.execute('update stock set n = %s', ('zażółć',))
cursor.callproc('dbo.p_report', (5, 'five'))
connection.commit()
connection.close()
`;

/** FreeTDS tsql: the statements of `TSQL_TEXTS`. */
export function tsql(port: number, version: string): Promise<void> {
  const args = ['-H', '127.0.0.1', '-p', String(port), '-U', 'ann', '-P', 'secret'];
  return execute('tsql', args, { TDSVER: version, LC_ALL: 'C.UTF-8' }, TSQL_INPUT);
}

/** How much TLS FreeTDS wants: for the login or what the server demands, for everything. */
export type Encryption = 'request' | 'require';

/** FreeTDS tsql over TLS, which GnuTLS does for it. */
export function tsqlOverTls(port: number, encryption: Encryption, user = 'ann'): Promise<void> {
  const args = ['-S', 'scripted', '-U', user, '-P', 'secret'];
  const settings = [`encryption = ${encryption}`];
  return withServersFile(port, '7.4', (environment) => execute('tsql', args, environment, TSQL_INPUT), settings);
}

/** FreeTDS tsql with a user of a domain: it logs in by NTLM. */
export function tsqlByNtlm(port: number): Promise<void> {
  const args = ['-H', '127.0.0.1', '-p', String(port), '-U', 'SHOP\\ann', '-P', 'secret'];
  return execute('tsql', args, { TDSVER: '7.4', LC_ALL: 'C.UTF-8' }, TSQL_INPUT);
}

/** FreeTDS bsqldb: the same through DB-Library. */
export function bsqldb(port: number): Promise<void> {
  const args = ['-S', 'scripted', '-U', 'ann', '-P', 'secret'];
  return withServersFile(port, '7.4', (environment) => execute('bsqldb', args, environment, TSQL_INPUT));
}

/** FreeTDS freebcp: three rows into the table stock. */
export function freebcp(port: number, version: string): Promise<void> {
  return withServersFile(port, version, (environment, directory) => {
    const file = join(directory, 'rows.txt');
    writeFileSync(file, 'ann\t1\nbob\t2\neve\t3\n');
    const args = ['stock', 'in', file, '-c', '-S', 'scripted', '-U', 'ann', '-P', 'secret'];
    return execute('freebcp', args, environment, '');
  });
}

export function pymssql(port: number): Promise<void> {
  return execute(PYTHON ?? '', ['-', String(port)], {}, PYMSSQL_PROGRAM);
}

/** The same program, its login over TLS. */
export function pymssqlOverTls(port: number): Promise<void> {
  const run = (environment: object) => execute(PYTHON ?? '', ['-', String(port)], environment, PYMSSQL_PROGRAM);
  return withServersFile(port, '7.3', run, ['encryption = request']);
}

/** DB-Library finds its servers in a file; `settings` hold for all of them. */
async function withServersFile(
  port: number,
  version: string,
  use: (environment: object, directory: string) => Promise<void>,
  settings: readonly string[] = [],
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'wiretrail-freetds-'));
  try {
    const file = join(directory, 'freetds.conf');
    const lines = [
      '[global]',
      ...settings,
      '[scripted]',
      'host = 127.0.0.1',
      `port = ${port}`,
      `tds version = ${version}`,
      'client charset = UTF-8',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    await use({ FREETDSCONF: file, LC_ALL: 'C.UTF-8' }, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
