/**
 * A private MariaDB in the server namespace that logs every statement, three times.
 *
 * The general log goes to a table and not to its file: the file leaves out repeated times and thread ids, mixes several
 * lines of a statement with the next row, and can't be emptied in place. It is read with the client's batch escapes,
 * which are exact. The slow log, for which nothing is too fast, is a table as well: it counts rows. The audit plugin
 * beside them knows each statement's error; mariadb-log.ts joins the three. None names the client's port; greetings.ts
 * finds it.
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run, runChecked, Service, waitUntil } from '../support/process.ts';
import { parseCsv } from './csv.ts';
import { GreetingWatch } from './greetings.ts';
import type { LabServer, LoggedEntry } from './log.ts';
import { type AuditRow, type GeneralRow, readMariadbLog, type SlowRow } from './mariadb-log.ts';
import { type LabNetwork, SERVER_ADDRESS } from './net.ts';
import { makeCertificate } from './tls.ts';

const PORT = 3306;
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const SETTLE_TIMEOUT_MS = 30_000;
const READ_TIMEOUT_MS = 60_000;

/** The passwords are in `workloads/target.ts` too. */
const SETUP_SQL = `
create database lab;
create user alice@'%' identified by 'wonderland';
create user bob@'%' identified by 'builder';
grant all on lab.* to alice@'%', bob@'%';
set global general_log = off;
set global slow_query_log = off;
alter table mysql.general_log engine = MyISAM;
alter table mysql.slow_log engine = MyISAM;
truncate table mysql.general_log;
truncate table mysql.slow_log;
set global general_log = on;
set global slow_query_log = on;
`;

const LOGS_OFF = 'set global general_log = off; set global slow_query_log = off';
const LOGS_ANEW =
  'truncate table mysql.general_log; truncate table mysql.slow_log; ' +
  'set global general_log = on; set global slow_query_log = on';
const GENERAL_ROWS = 'select thread_id, user_host, command_type, argument from mysql.general_log';
const SLOW_ROWS = 'select thread_id, rows_sent, rows_affected, sql_text from mysql.slow_log';

/** Server's batch output: tab, newline, NUL and backslash are escaped, so a line is a row and a tab a column. */
const BATCH_ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '0': '\0', '\\': '\\' };

export class MariadbServer implements LabServer {
  readonly kind: 'mariadb' = 'mariadb';
  readonly port: number = PORT;
  readonly #directory: string;
  readonly #service: Service;
  readonly #greetings: GreetingWatch;
  #auditBytes = 0;

  private constructor(directory: string, service: Service, greetings: GreetingWatch) {
    this.#directory = directory;
    this.#service = service;
    this.#greetings = greetings;
  }

  /** Installs a data directory under `parent`, starts the server and makes the lab's users and database. `tls`: it offers encryption. */
  static async start(network: LabNetwork, parent: string, tls: boolean): Promise<MariadbServer> {
    const directory = join(parent, 'mariadb');
    mkdirSync(directory);
    // Not the machine's: a starting server removes the temporary tables it finds, also those of another one.
    const temporary = join(directory, 'tmp');
    mkdirSync(temporary);
    await runChecked(['chown', 'mysql', directory, temporary]);
    const data = join(directory, 'data');
    const install = ['--no-defaults', '--user=mysql', `--datadir=${data}`];
    const rootLogin = '--auth-root-authentication-method=normal';
    await runChecked(['mariadb-install-db', ...install, rootLogin, '--skip-test-db'], { env: { TMPDIR: temporary } });
    const argv = ['mariadbd', ...options(directory, data), ...(await tlsOptions(directory, tls))];
    const greetings = await GreetingWatch.start(network, directory, PORT);
    const server = new MariadbServer(directory, new Service('mariadbd', network.on('server', argv)), greetings);
    try {
      const ready = async (): Promise<boolean> => (await run(server.#client(['-e', 'select 1']))).code === 0;
      await server.#service.waitFor('accepting connections', ready, START_TIMEOUT_MS);
      await runChecked(server.#client([]), { input: SETUP_SQL });
      await server.collect();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async collect(): Promise<readonly LoggedEntry[]> {
    const connected = "select count(*) from information_schema.processlist where HOST like '%:%'";
    await waitUntil('the MariaDB clients to leave', SETTLE_TIMEOUT_MS, async () => {
      return (await this.#rows(connected))[0]?.[0] === '0';
    });
    const general = (await this.#rows(`${LOGS_OFF}; ${GENERAL_ROWS}`)).map(generalRow);
    const slow = (await this.#rows(SLOW_ROWS)).map(slowRow);
    await runChecked(this.#client(['-e', LOGS_ANEW]));
    return readMariadbLog(general, this.#auditRows(), slow, await this.#greetings.clients());
  }

  async stop(): Promise<void> {
    await this.#service.stop('SIGTERM', STOP_TIMEOUT_MS);
    await this.#greetings.stop();
  }

  /** Rows the audit plugin wrote since the last call. It writes unbuffered, before the client has its answer. */
  #auditRows(): AuditRow[] {
    const path = join(this.#directory, 'audit.log');
    const text = readFileSync(path).subarray(this.#auditBytes).toString();
    this.#auditBytes = statSync(path).size;
    return [...parseAuditLog(text)];
  }

  async #rows(sql: string): Promise<string[][]> {
    const text = await runChecked(this.#client(['--skip-column-names', '-e', sql]), { timeoutMs: READ_TIMEOUT_MS });
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => line.split('\t').map(unescapeBatch));
  }

  #client(args: readonly string[]): readonly string[] {
    return ['mariadb', '--no-defaults', '-u', 'root', '-S', join(this.#directory, 'server.sock'), '--batch', ...args];
  }
}

/**
 * `time,host,user,client,thread,query id,operation,database,object,code`. The object is a text in single quotes with
 * backslash escapes, which may hold line breaks; it is turned into a CSV field first.
 */
function* parseAuditLog(text: string): Generator<AuditRow> {
  const rows = text.replace(/'((?:[^'\\]|\\.)*)'/gs, (_, body: string) => {
    return `"${body.replace(/\\(.)/gs, (__, c: string) => AUDIT_ESCAPES[c] ?? c).replaceAll('"', '""')}"`;
  });
  for (const row of parseCsv(rows)) {
    const [, , , , thread = '', queryId = '0', operation = '', , object = '', code = '0'] = row;
    yield { thread, queryId: Number(queryId), operation, text: object, errorCode: Number(code) };
  }
}

const AUDIT_ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function generalRow([thread = '', userHost = '', command = '', argument = '']: readonly string[]): GeneralRow {
  return { thread, userHost, command, argument };
}

function slowRow([thread = '', returned = '', affected = '', text = '']: readonly string[]): SlowRow {
  return { thread, returned: Number(returned), affected: Number(affected), text };
}

function unescapeBatch(field: string): string {
  return field.replace(/\\([nt0\\])/g, (_, letter: string) => BATCH_ESCAPES[letter] ?? letter);
}

async function tlsOptions(directory: string, tls: boolean): Promise<readonly string[]> {
  if (!tls) return ['--skip-ssl'];
  const { certPath, keyPath } = await makeCertificate(directory, 'mysql');
  return [`--ssl-cert=${certPath}`, `--ssl-key=${keyPath}`];
}

function options(directory: string, data: string): readonly string[] {
  return [
    '--no-defaults',
    '--user=mysql',
    `--datadir=${data}`,
    `--tmpdir=${join(directory, 'tmp')}`,
    `--socket=${join(directory, 'server.sock')}`,
    `--pid-file=${join(directory, 'server.pid')}`,
    `--port=${PORT}`,
    `--bind-address=${SERVER_ADDRESS}`,
    '--skip-name-resolve',
    '--skip-log-bin',
    '--local-infile=1',
    '--max-connections=60',
    '--innodb-flush-log-at-trx-commit=0',
    '--character-set-server=utf8mb4',
    '--general-log=1',
    '--log-output=TABLE',
    '--slow-query-log=1',
    '--long-query-time=0',
    '--log-slow-admin-statements=1',
    '--plugin-load-add=server_audit',
    '--server-audit-logging=ON',
    '--server-audit-events=CONNECT,QUERY',
    // It would begin a new file at 1 MB.
    '--server-audit-file-rotate-size=1000000000000',
    '--server-audit-query-log-limit=16777216',
    `--server-audit-file-path=${join(directory, 'audit.log')}`,
  ];
}
