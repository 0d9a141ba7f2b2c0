/**
 * The volume run: the scenarios' programs again, with enough repetition for the number of statements that is wanted.
 *
 * One unit is about 950 statements, half of them on each server; the clients of the two run side by side.
 */
import type { Lab } from './lab.ts';
import { node, type Protocol, pgbench, pgbenchPipeline, python, runStep, type Step } from './scenarios.ts';

/** A little less than the statements of one unit, all programs together; the caller counts what was really logged. */
export const STATEMENTS_PER_UNIT = 940;

/** pgbench's default transaction has seven statements. */
function pgbenchUnits(mode: string, units: number): Step {
  return pgbench(['-n', '-M', mode, '-c', '4', '-j', '1', '-t', String(units * 3)]);
}

function steps(units: number): Readonly<Record<Protocol, readonly Step[]>> {
  return {
    postgres: [
      pgbenchUnits('simple', units),
      pgbenchUnits('extended', units),
      pgbenchUnits('prepared', units),
      pgbench(['-n', '-S', '-M', 'prepared', '-c', '4', '-t', String(units * 5)]),
      pgbenchPipeline('extended', units * 2),
      pgbenchPipeline('prepared', units * 2),
      node('postgres', 'pg', 'prepared', units * 30),
      node('postgres', 'pg', 'burst', units * 25),
      node('postgres', 'postgresjs', 'pipelined', units * 25),
      python('postgres', 'psycopg2_client', units * 30),
    ],
    mysql: [
      node('mysql', 'mysql2', 'mixed', units * 45),
      node('mysql', 'mysql2', 'compressed', units * 25),
      node('mysql', 'mariadb', 'pipelined', units * 40),
      node('mysql', 'mariadb', 'compressed', units * 20),
      python('mysql', 'pymysql_client', units * 80),
    ],
  };
}

/** Drives both servers until about `statements` have been sent. Rejects when a client fails. */
export async function runVolume(lab: Lab, statements: number): Promise<void> {
  const programs = steps(Math.max(1, Math.ceil(statements / STATEMENTS_PER_UNIT)));
  const chains = Object.values(programs).map(async (chain) => {
    for (const step of chain) await runStep(lab.network, step, lab.directory);
  });
  const results = await Promise.allSettled(chains);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
