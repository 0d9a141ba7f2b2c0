/**
 * The scenarios: what real clients do in the lab. Each is also a recorded capture, `pcaps/<protocol>/<name>`.
 *
 * Small counts here; the volume run (volume.ts) repeats the same programs.
 */
import {
  DATABASE,
  jdbc,
  jdbcNeeds,
  LIBPQ_18_NEEDS,
  mariadbCli,
  mariadbFile,
  type Needs,
  node,
  type Protocol,
  PSYCOPG3_NEEDS,
  pgbench,
  pgbenchPipeline,
  psql,
  psqlFile,
  python,
  SOURCE_DIRECTORY,
  type Step,
  withLibpq18,
} from './clients.ts';

export interface Scenario {
  readonly protocol: Protocol;
  readonly name: string;
  /** One or two sentences: what the traffic holds and why it is worth keeping. */
  readonly purpose: string;
  readonly steps: readonly Step[];
  readonly needs?: Needs;
  /** Recorded with a PostgreSQL 18. */
  readonly postgres18?: boolean;
}

const LOAD_LOCAL = [
  'create or replace table loaded (id int, name varchar(50))',
  "load data local infile 'local-infile.csv' into table loaded fields terminated by ',' (id, name)",
  'select count(*) from loaded',
  'drop table loaded',
].join('; ');

const postgres = (name: string, purpose: string, ...steps: readonly Step[]): Scenario => ({
  protocol: 'postgres',
  name,
  purpose,
  steps,
});
const mysql = (name: string, purpose: string, ...steps: readonly Step[]): Scenario => ({
  protocol: 'mysql',
  name,
  purpose,
  steps,
});

export const SCENARIOS: readonly Scenario[] = [
  postgres(
    'login-failure',
    'Logins that fail (wrong password, unknown role, unknown database), then those that work by SCRAM, MD5 and password in the clear.',
    psql(['-c', 'select 1'], { password: 'wrong', exitCodes: [2] }),
    psql(['-c', 'select 1'], { user: 'nobody_known', exitCodes: [2] }),
    psql(['-c', 'select 1'], { database: 'no_such_database', exitCodes: [2] }),
    node('postgres', 'pg', 'roles', 1),
  ),
  postgres(
    'simple-and-multi',
    'Simple queries with every kind of quoting and comment, several statements in one message, DDL, DO, notices, a password to redact.',
    psqlFile('simple-and-multi'),
    psql(['-c', "select 'one call'; select 'of several'; create temp table t (a int); insert into t values (1), (2)"]),
  ),
  postgres(
    'rows',
    'Rows given and changed in every way that has a count: RETURNING, ON CONFLICT, MERGE, CREATE TABLE AS, cursors, COPY.',
    psqlFile('rows'),
  ),
  postgres(
    'extended-types',
    'Parameters of many types through the extended protocol, in text and binary, NULL and empty ones, and a portal in parts.',
    node('postgres', 'pg', 'types', 1),
    node('postgres', 'pg', 'portals', 1),
  ),
  postgres(
    'pgbench-prepared',
    'pgbench in its three modes: simple, extended, prepared (named statements executed again and again), two clients each.',
    ...['simple', 'extended', 'prepared'].map((mode) => pgbench(['-n', '-M', mode, '-c', '2', '-t', '10'])),
  ),
  postgres(
    'pgbench-pipeline',
    'pgbench with whole transactions in pipelines, extended and prepared: many statements before one Sync.',
    ...['extended', 'prepared'].map((mode) => pgbenchPipeline(mode, 15)),
  ),
  postgres(
    'copy',
    'COPY in and out as text, CSV and binary, from a query, and one that fails midway.',
    psqlFile('copy'),
  ),
  postgres(
    'cancel',
    'A statement ended by a CancelRequest that arrives on a connection of its own; the session goes on.',
    python('postgres', 'psycopg_cancel', 1),
  ),
  postgres(
    'tls-preferred',
    'The client asks for TLS and gets it: nothing after the handshake can be read, only that it happened.',
    psql(['-c', "select 'nobody can read this'"], { sslmode: 'prefer' }),
  ),
  postgres(
    'errors-and-transactions',
    'Errors in every stage (grammar, names, binding, execution, constraint, failed transaction), savepoints, simple and extended.',
    psqlFile('errors-and-transactions'),
    node('postgres', 'pg', 'errors', 1),
    node('postgres', 'postgresjs', 'transactions', 1),
  ),
  postgres(
    'sql-prepare-set-role',
    'PREPARE and EXECUTE in SQL, cursors with FETCH and MOVE, SET ROLE and SET LOCAL ROLE, application_name changed midway.',
    psqlFile('sql-prepare-set-role'),
  ),
  postgres(
    'pipelined',
    'Requests sent long before the replies to earlier ones, several in one segment, on few connections.',
    node('postgres', 'pg', 'burst', 20),
    node('postgres', 'postgresjs', 'pipelined', 20),
  ),
  postgres(
    'psycopg2',
    'psycopg2: values inlined by the client, a server-side cursor, COPY, an error and a rollback.',
    python('postgres', 'psycopg2_client', 20),
  ),
  {
    ...postgres(
      'psycopg3',
      'psycopg 3: values bound by the server, statements prepared on repetition, pipelines, COPY, an end user in the application name.',
      python('postgres', 'psycopg3_client', 20),
    ),
    needs: PSYCOPG3_NEEDS,
  },
  {
    ...postgres(
      'jdbc',
      'The JDBC driver: named statements after some repetitions, batches in one flight, portals in parts; then simple queries only.',
      jdbc('postgres', ['sslmode=disable&ApplicationName=lab-jdbc'], 12),
      jdbc('postgres', ['sslmode=disable&preferQueryMode=simple'], 6),
    ),
    needs: jdbcNeeds('postgres'),
  },
  {
    ...postgres(
      'protocol-3.2',
      'Protocol 3.2, which clients of PostgreSQL 18 may ask for: cancel keys of 32 bytes, one of them used; older servers answer with 3.0.',
      withLibpq18(psql(['-c', "select 'a newer protocol' as says"])),
      withLibpq18(python('postgres', 'psycopg_cancel', 1)),
    ),
    needs: LIBPQ_18_NEEDS,
    postgres18: true,
  },
  mysql(
    'login-failure',
    'Logins that fail (wrong password, unknown user, unknown database), then one that works.',
    mariadbCli(['--skip-ssl', '-e', 'select 1'], { password: 'wrong', exitCodes: [1] }),
    mariadbCli(['--skip-ssl', '-e', 'select 1'], { user: 'nobody_known', exitCodes: [1] }),
    mariadbCli(['--skip-ssl', '-e', 'select 1', 'no_such_database'], { exitCodes: [1] }),
    mariadbCli(['--skip-ssl', '-e', 'select current_user()', DATABASE]),
  ),
  mysql(
    'simple-and-multi',
    'Text protocol: every kind of quoting and comment, several statements in one message and one that fails midway, a password to redact.',
    mariadbFile('mariadb-batch', '--skip-ssl', '--comments'),
    node('mysql', 'mysql2', 'multi', 1),
  ),
  mysql(
    'rows',
    'Rows given and changed in every way that has a count: RETURNING, REPLACE, ON DUPLICATE KEY, several tables, procedures.',
    mariadbFile('mariadb-rows', '--skip-ssl', '--delimiter=;;'),
  ),
  mysql(
    'prepared-types',
    'Prepared statements with values of many types in the binary protocol, NULLs, changing types, placeholders inside literals.',
    node('mysql', 'mysql2', 'types', 1),
    node('mysql', 'mysql2', 'mixed', 3),
  ),
  mysql(
    'compressed-zlib',
    'The compressed protocol (zlib): small packets stored as they are, large ones deflated, commands in flight.',
    mariadbFile('mariadb-batch', '--skip-ssl', '--comments', '--compress'),
    node('mysql', 'mysql2', 'compressed', 10),
    node('mysql', 'mariadb', 'compressed', 10),
  ),
  mysql('local-infile', 'LOAD DATA LOCAL INFILE: the server asks for a file and the client sends it.', {
    ...mariadbCli(['--skip-ssl', '--local-infile=1', '-e', LOAD_LOCAL, DATABASE]),
    cwd: SOURCE_DIRECTORY,
  }),
  mysql(
    'change-user',
    'COM_CHANGE_USER: another user goes on in the same session.',
    node('mysql', 'mysql2', 'change-user', 1),
  ),
  mysql(
    'bulk',
    'COM_STMT_BULK_EXECUTE of MariaDB: one message executes a statement for many rows.',
    node('mysql', 'mariadb', 'bulk', 1),
  ),
  mysql(
    'multi-result-procedure',
    'CALL with several result sets, as text and prepared, and a procedure that fails midway.',
    node('mysql', 'mysql2', 'procedures', 1),
  ),
  mysql(
    'errors-and-transactions',
    'Errors in text and prepared statements, failed prepares, transactions by statement.',
    node('mysql', 'mysql2', 'errors', 1),
    node('mysql', 'mysql2', 'sql-prepare', 1),
  ),
  mysql(
    'pipelined',
    'The mariadb connector with commands in flight, prepare and execute together.',
    node('mysql', 'mariadb', 'pipelined', 30),
  ),
  mysql(
    'pymysql',
    'PyMySQL: values inlined by the client, one INSERT of many rows, an error and a rollback.',
    python('mysql', 'pymysql_client', 10),
  ),
  {
    ...mysql(
      'jdbc',
      'The MariaDB JDBC driver: values put into the text by the client, then prepared by the server, and with compression.',
      jdbc('mysql', ['useSsl=false'], 10),
      jdbc('mysql', ['useSsl=false&useServerPrepStmts=true&useBulkStmts=false'], 10),
      jdbc('mysql', ['useSsl=false&useServerPrepStmts=true&useCompression=true'], 10),
    ),
    needs: jdbcNeeds('mysql'),
  },
  mysql(
    'tls-preferred',
    'The client takes the TLS that the server offers: only the greeting and the TLS handshake can be read.',
    mariadbCli(['-e', "select 'nobody can read this'", DATABASE]),
  ),
];
