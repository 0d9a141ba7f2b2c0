/**
 * The volume run: every client in every mode, with enough repetition for the number of statements that is wanted.
 *
 * One unit is about 20 statements of each cell. The clients of the two servers run side by side, those of one server one
 * after the other, so that what a server logged meanwhile is known to be that cell's.
 */
import {
  DATABASE,
  jdbc,
  jdbcNeeds,
  mariadbCli,
  missingPackages,
  type Needs,
  node,
  type Protocol,
  PSYCOPG3_NEEDS,
  pgbench,
  pgbenchPipeline,
  psql,
  python,
  runStep,
  type Step,
} from './clients.ts';
import type { Lab } from './lab.ts';
import type { LoggedEntry } from './log.ts';

/** `preferred`: clients take TLS where the server offers it, and go on in the clear where not. */
export type TlsMode = 'off' | 'preferred';

/** One client in one mode. */
interface Cell {
  readonly client: string;
  readonly mode: string;
  readonly step: (units: number, tls: boolean) => Step;
  readonly needs?: Needs;
}

export interface CellResult {
  readonly client: string;
  readonly mode: string;
  /** What the server logged of it. */
  readonly entries: readonly LoggedEntry[];
}

/** A little less than the statements of one unit, all cells together; the caller counts what was really logged. */
const STATEMENTS_PER_UNIT = 500;

const POSTGRES_CELLS: readonly Cell[] = [
  { client: 'psql', mode: 'simple', step: (units, tls) => typed(psqlWith(tls), units) },
  { client: 'pgbench', mode: 'simple', step: (units, tls) => transactions('simple', units, tls) },
  { client: 'pgbench', mode: 'extended', step: (units, tls) => transactions('extended', units, tls) },
  { client: 'pgbench', mode: 'prepared', step: (units, tls) => transactions('prepared', units, tls) },
  {
    client: 'pgbench',
    mode: 'prepared, select only',
    step: (units, tls) => pgbench(['-n', '-S', '-M', 'prepared', '-c', '4', '-t', String(units * 5)], tls),
  },
  { client: 'pgbench', mode: 'extended, pipelined', step: (units, tls) => pgbenchPipeline('extended', units, tls) },
  { client: 'pgbench', mode: 'prepared, pipelined', step: (units, tls) => pgbenchPipeline('prepared', units, tls) },
  { client: 'pg', mode: 'named statements', step: (units, tls) => node('postgres', 'pg', 'prepared', units * 8, tls) },
  { client: 'pg', mode: 'queued', step: (units, tls) => node('postgres', 'pg', 'burst', units * 10, tls) },
  {
    client: 'postgres.js',
    mode: 'pipelined',
    step: (units, tls) => node('postgres', 'postgresjs', 'pipelined', units * 10, tls),
  },
  { client: 'psycopg2', mode: 'simple', step: (units, tls) => python('postgres', 'psycopg2_client', units * 20, tls) },
  {
    client: 'psycopg3',
    mode: 'extended, pipelined, COPY',
    step: (units, tls) => python('postgres', 'psycopg3_client', units * 7, tls),
    needs: PSYCOPG3_NEEDS,
  },
  ...['extended', 'simple'].map((mode) => ({
    client: 'PostgreSQL JDBC',
    mode,
    step: (units: number, tls: boolean): Step =>
      jdbc('postgres', [`sslmode=${tls ? 'prefer' : 'disable'}&preferQueryMode=${mode}`], units * 6),
    needs: jdbcNeeds('postgres'),
  })),
];

const MYSQL_CELLS: readonly Cell[] = [
  { client: 'mariadb', mode: 'text', step: (units, tls) => typed(mariadbCli([...cliTls(tls), DATABASE]), units) },
  {
    client: 'mariadb',
    mode: 'text, compressed',
    step: (units, tls) => typed(mariadbCli(['--compress', ...cliTls(tls), DATABASE]), units),
  },
  {
    client: 'mysql2',
    mode: 'text and prepared',
    step: (units, tls) => node('mysql', 'mysql2', 'mixed', units * 6, tls),
  },
  {
    client: 'mysql2',
    mode: 'text and prepared, compressed',
    step: (units, tls) => node('mysql', 'mysql2', 'compressed', units * 6, tls),
  },
  ...['pipelined', 'compressed', 'bulk'].map((mode) => ({
    client: 'mariadb connector',
    mode,
    step: (units: number, tls: boolean): Step =>
      node('mysql', 'mariadb', mode, mode === 'bulk' ? units : units * 6, tls),
  })),
  { client: 'PyMySQL', mode: 'text', step: (units, tls) => python('mysql', 'pymysql_client', units * 20, tls) },
  ...Object.entries({
    text: '',
    prepared: '&useServerPrepStmts=true&useBulkStmts=false',
    'prepared, compressed': '&useServerPrepStmts=true&useCompression=true',
  }).map(([mode, options]) => ({
    client: 'MariaDB JDBC',
    mode,
    step: (units: number, tls: boolean): Step =>
      jdbc(
        'mysql',
        [...(tls ? [`useSsl=true&trustServerCertificate=true${options}`] : []), `useSsl=false${options}`],
        units * 6,
      ),
    needs: jdbcNeeds('mysql'),
  })),
];

/** pgbench's own transaction has seven statements. */
function transactions(mode: string, units: number, tls: boolean): Step {
  return pgbench(['-n', '-M', mode, '-c', '4', '-j', '1', '-t', String(units)], tls);
}

function psqlWith(tls: boolean): Step {
  return psql(['-f', '-'], { sslmode: tls ? 'prefer' : 'disable' });
}

function cliTls(tls: boolean): readonly string[] {
  return tls ? [] : ['--skip-ssl'];
}

/** The step with statements to read, which command-line clients send one by one. */
function typed(step: Step, units: number): Step {
  const lines = Array.from({ length: units * 20 }, (_, n) => `select ${n} as n, 'it''s; ${n}' as text -- typed\n;\n`);
  return { ...step, input: lines.join('') };
}

/** Drives both servers until about `statements` have been sent. Rejects when a client fails. */
export async function runVolume(lab: Lab, statements: number, tls: TlsMode = 'off'): Promise<readonly CellResult[]> {
  const units = Math.max(1, Math.ceil(statements / STATEMENTS_PER_UNIT));
  const chains = [
    runCells(lab, 'postgres', POSTGRES_CELLS, units, tls),
    runCells(lab, 'mysql', MYSQL_CELLS, units, tls),
  ];
  // Both end before either's failure is told: the caller may take the lab away.
  const results = await Promise.allSettled(chains);
  return results.flatMap((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

async function runCells(
  lab: Lab,
  protocol: Protocol,
  cells: readonly Cell[],
  units: number,
  tls: TlsMode,
): Promise<CellResult[]> {
  const server = protocol === 'postgres' ? lab.postgres : lab.mariadb;
  const results: CellResult[] = [];
  for (const cell of cells) {
    if (missingPackages(cell).length > 0) continue;
    await runStep(lab.network, cell.step(units, tls === 'preferred'), lab.directory);
    results.push({ client: cell.client, mode: cell.mode, entries: await server.collect() });
  }
  return results;
}
