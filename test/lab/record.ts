/**
 * Records the scenarios as the project's own captures: `node dist/test/lab/record.js [PROTOCOL[/NAME]]…`
 *
 * Each folder under `pcaps/` gets the capture of the mirror port, the server's own log of the same minutes in the lab's
 * normal form, and a README. `expected.jsonl` is not written here: it is the sensor's word, checked against this log.
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PacketCapture } from './capture.ts';
import { missingPackages, PORTS, runStep } from './clients.ts';
import { Lab, type LabOptions, labObstacle } from './lab.ts';
import { writeLog } from './log.ts';
import { providePostgres18 } from './postgres.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { makeLabDirectory } from './tempdir.ts';

const PCAPS_DIRECTORY: string = join(import.meta.dirname, '..', '..', '..', 'pcaps');

const obstacle = await labObstacle();
if (obstacle === undefined) await recordAll(process.argv.slice(2));
else {
  process.stderr.write(`${obstacle}\n`);
  process.exitCode = 2;
}

async function recordAll(wanted: readonly string[]): Promise<void> {
  const chosen = SCENARIOS.filter(({ protocol, name }) => {
    return wanted.length === 0 || wanted.includes(protocol) || wanted.includes(`${protocol}/${name}`);
  });
  await recordWith(
    {},
    chosen.filter((scenario) => scenario.postgres18 !== true),
  );
  const postgresPrograms = await providePostgres18(makeLabDirectory());
  if (postgresPrograms !== undefined) {
    await recordWith(
      { postgresPrograms },
      chosen.filter((scenario) => scenario.postgres18 === true),
    );
  }
}

async function recordWith(options: LabOptions, scenarios: readonly Scenario[]): Promise<void> {
  if (scenarios.length === 0) return;
  const lab = await Lab.start({ offloadOff: 'hosts', ...options });
  try {
    for (const scenario of scenarios) {
      if (missingPackages(scenario).length === 0) await record(lab, scenario);
    }
  } finally {
    await lab.stop();
  }
}

async function record(lab: Lab, scenario: Scenario): Promise<void> {
  const folder = join(PCAPS_DIRECTORY, scenario.protocol, scenario.name);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'capture.pcap');
  const server = scenario.protocol === 'postgres' ? lab.postgres : lab.mariadb;
  await server.collect();
  const capture = await PacketCapture.start(lab.network, path, `tcp port ${PORTS[scenario.protocol]}`);
  for (const step of scenario.steps) await runStep(lab.network, step, lab.directory);
  const entries = await server.collect();
  await capture.stop();
  writeLog(join(folder, 'server.log.jsonl'), entries);
  writeFileSync(join(folder, 'README.md'), readme(scenario, lab));
  const statements = entries.filter((entry) => entry.kind === 'statement').length;
  const size = `${statSync(path).size} bytes, ${statements} statements logged`;
  process.stderr.write(`${scenario.protocol}/${scenario.name}: ${size}\n`);
}

function readme(scenario: Scenario, lab: Lab): string {
  const programs = scenario.steps.map(({ argv }) => `- ${describe(argv, lab.directory)}`).join('\n');
  return `# ${scenario.protocol}: ${scenario.name}

${scenario.purpose}

Recorded in the project's lab (\`test/lab\`, \`npm run record\`) on the mirror port, with real servers and clients:

${programs}

\`capture.pcap\` is what the sensor saw, \`server.log.jsonl\` what the server logged of it (the truth; form in
\`test/lab/log.ts\`), \`expected.jsonl\` the audit records a replay must give.
`;
}

/** The command without this machine's paths and addresses. */
function describe(argv: readonly string[], directory: string): string {
  const words = argv.map((word) => {
    const short = word.replaceAll(`${directory}/`, '').replace(/\/\S*\/(workloads\/\S+)/g, '$1');
    if (short === process.execPath) return 'node';
    return short.includes(' ') ? `"${short}"` : short;
  });
  return `\`${words.join(' ')}\``;
}
