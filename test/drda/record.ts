/**
 * Records the golden scenarios of `pcaps/drda` from a real Derby server: `node dist/test/drda/record.js [SCENARIO]…`
 *
 * Only where the records say what the server's own log says.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { compare, verdict } from '../lab/compare.ts';
import { writeLog } from '../lab/log.ts';
import { parseRecords, replayText } from '../lab/sensor.ts';
import { derbyObstacle, runDerby } from './derby.ts';

const PCAPS_DIRECTORY: string = resolve(import.meta.dirname, '../../../pcaps/drda');
const ROUNDS = 60;
/** Scenarios of `Workload.java`, and what each shows. */
const SCENARIOS: Readonly<Record<string, string>> = {
  types:
    'Parameters of every type, nulls, large objects in EXTDTA (small, and of many segments), read back by locators; the result of a function.',
  volume: 'Prepared inserts one by one and in batches, queries and updates between them.',
  transactions: 'Statement batches, commit and rollback.',
  errors: 'Statements that fail when compiled, when executed, and while their rows are fetched.',
  queries: 'Result sets in several blocks, scrolled, updated through a cursor; a text in continued segments; a call.',
  pooled: 'One physical connection used three times, with a login each.',
  xa: 'Two distributed transactions: one committed, one rolled back; recovery.',
  'login-failure': 'A wrong password, and a database that does not exist.',
};

const obstacle = derbyObstacle();
if (obstacle === undefined) await recordAll(process.argv.slice(2));
else {
  process.stderr.write(`${obstacle}\n`);
  process.exitCode = 2;
}

async function recordAll(wanted: readonly string[]): Promise<void> {
  for (const [scenario, about] of Object.entries(SCENARIOS)) {
    if (wanted.length > 0 && !wanted.includes(scenario)) continue;
    const run = await runDerby(scenario, ROUNDS);
    try {
      const records = await replayText(run.capture);
      const { ok, text } = verdict(compare(run.truth, parseRecords(records)));
      if (!ok) {
        process.stderr.write(`${scenario}: NOT written, the records differ from the server's log\n${text}\n`);
        process.exitCode = 1;
        continue;
      }
      const folder = join(PCAPS_DIRECTORY, scenario);
      mkdirSync(folder, { recursive: true });
      copyFileSync(run.capture, join(folder, 'capture.pcap'));
      writeLog(join(folder, 'server.log.jsonl'), run.truth);
      writeFileSync(join(folder, 'expected.jsonl'), records);
      writeFileSync(join(folder, 'README.md'), readme(scenario, about));
      process.stderr.write(`${scenario}: written\n${text}\n`);
    } finally {
      run.dispose();
    }
  }
}

function readme(scenario: string, about: string): string {
  return `# drda: ${scenario}

${about}

Recorded from Apache Derby's network server and its JDBC client (Debian's packages) on the loopback, by
\`node dist/test/drda/record.js ${scenario}\`; the client is \`test/drda/Workload.java\`.

\`server.log.jsonl\` is what the server logged (the truth: \`derby.language.logStatementText\`, and its errors; form in
\`test/lab/log.ts\`), \`expected.jsonl\` the audit records a replay must give.
`;
}
