/** The whole lab: network, servers, clients; and what a machine lacks to run it. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PROGRAM_PATH, run } from '../support/process.ts';
import { compileJdbc, PGBENCH_INIT, runStep } from './clients.ts';
import { MariadbServer } from './mariadb.ts';
import { LabNetwork, type NetworkOptions, networkObstacle } from './net.ts';
import { findPostgres, PostgresServer } from './postgres.ts';
import { makeLabDirectory } from './tempdir.ts';

/** Program to the Debian package that brings it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  bridge: 'iproute2',
  tc: 'iproute2',
  ethtool: 'ethtool',
  setpriv: 'util-linux',
  openssl: 'openssl',
  tcpdump: 'tcpdump',
  psql: 'postgresql-client',
  pgbench: 'postgresql',
  mariadb: 'mariadb-client',
  mariadbd: 'mariadb-server',
  'mariadb-install-db': 'mariadb-server',
};

/** Why the lab can't run on this machine, in one line; `undefined` when it can. */
export async function labObstacle(): Promise<string | undefined> {
  const directories = PROGRAM_PATH.split(delimiter);
  const missing = new Set<string>();
  for (const [program, debianPackage] of Object.entries(PROGRAMS)) {
    if (!directories.some((directory) => existsSync(join(directory, program)))) missing.add(debianPackage);
  }
  if (findPostgres() === undefined) missing.add('postgresql');
  for (const [module, debianPackage] of [
    ['psycopg2', 'python3-psycopg2'],
    ['pymysql', 'python3-pymysql'],
  ] as const) {
    const result = await run(['/usr/bin/python3', '-c', `import ${module}`]).catch(() => undefined);
    if (result?.code !== 0) missing.add(debianPackage);
  }
  if (missing.size > 0) return `the lab needs the packages ${[...missing].join(', ')}`;
  return await networkObstacle();
}

export interface LabOptions extends NetworkOptions {
  /** Folder of `initdb` and `postgres`; default the newest installed ones. */
  readonly postgresPrograms?: string;
  /** Both servers offer encryption; default true. */
  readonly tls?: boolean;
}

export class Lab {
  readonly network: LabNetwork;
  readonly directory: string;
  readonly postgres: PostgresServer;
  readonly mariadb: MariadbServer;

  private constructor(network: LabNetwork, directory: string, postgres: PostgresServer, mariadb: MariadbServer) {
    this.network = network;
    this.directory = directory;
    this.postgres = postgres;
    this.mariadb = mariadb;
  }

  /** Builds the network and starts both servers, with the tables pgbench needs. Call `stop` whatever happens after. */
  static async start(options: LabOptions = {}): Promise<Lab> {
    const { postgresPrograms = findPostgres() ?? '', tls = true } = options;
    const network = await LabNetwork.create(options);
    try {
      const directory = makeLabDirectory();
      const postgres = await PostgresServer.start(network, directory, postgresPrograms, tls);
      const mariadb = await MariadbServer.start(network, directory, tls);
      await compileJdbc(directory);
      await runStep(network, PGBENCH_INIT, directory);
      await postgres.collect();
      return new Lab(network, directory, postgres, mariadb);
    } catch (error) {
      network.destroy();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.postgres.stop(), this.mariadb.stop()]);
    this.network.destroy();
  }
}
