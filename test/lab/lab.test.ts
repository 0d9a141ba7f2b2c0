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
import { compare, verdict } from './compare.ts';
import { differingCounts } from './counted.ts';
import { Lab, labObstacle } from './lab.ts';
import type { LoggedEntry } from './log.ts';
import { CLIENT_ADDRESS, type CopyMode, LabNetwork, type OffloadOff, SERVER_ADDRESS } from './net.ts';
import { installPostgres18 } from './postgres18.ts';
import { missingPackages, runStep, SCENARIOS } from './scenarios.ts';
import { firstDifference, Sensor, sensorObstacle } from './sensor.ts';
import { makeLabDirectory } from './tempdir.ts';
import { runVolume } from './volume.ts';

const DEFAULT_STATEMENTS = 20_000;
const DATAGRAMS = 20;
const LAB_TIMEOUT_MS = 600_000;

const obstacle = (await labObstacle()) ?? sensorObstacle();
const options = { timeout: LAB_TIMEOUT_MS, ...(obstacle === undefined ? {} : { skip: `NOT RUN: ${obstacle}` }) };

/** The scenarios that this machine has clients for; the others are named. */
async function runScenarios(lab: Lab): Promise<void> {
  for (const scenario of SCENARIOS) {
    const missing = missingPackages(scenario);
    if (missing.length > 0) {
      process.stderr.write(`lab: ${scenario.protocol}/${scenario.name} NOT RUN: it needs ${missing.join(', ')}\n`);
      continue;
    }
    for (const step of scenario.steps) await runStep(lab.network, step, lab.directory);
  }
}

async function collect(lab: Lab): Promise<readonly LoggedEntry[]> {
  return [...(await lab.postgres.collect()), ...(await lab.mariadb.collect())];
}

/** Starts a lab, runs `work` with the sensor watching, and holds its records against the logs. */
async function prove(
  network: { copyMode: CopyMode; offloadOff: OffloadOff },
  work: (lab: Lab) => Promise<void>,
  postgresPrograms?: string,
): Promise<{ text: string; logged: number }> {
  const lab = await Lab.start(network, postgresPrograms);
  try {
    const sensor = await Sensor.start(lab.network, lab.directory);
    await work(lab);
    const entries = await collect(lab);
    const { records, exitCode, said } = await sensor.stop();
    const result = compare(entries, records);
    const utilities = differingCounts(await lab.postgres.counts(), records);
    const { ok, text: verdictText } = verdict(result);
    const text = `${verdictText}\nrows of COPY, FETCH, MOVE summed over ${utilities.calls} statements`;
    assert.ok(ok, `${text}\nThe sensor said:\n${said}`);
    assert.deepEqual(utilities.differing, []);
    assert.equal(exitCode, 0, said);
    assert.ok(result.logged > 0 && result.rowsCompared > 0 && utilities.calls > 0);
    const unlike = firstDifference(records, await sensor.stored());
    assert.ok(unlike === undefined, `${text}\nThe store differs from the JSON lines: ${JSON.stringify(unlike)}`);
    return { text, logged: result.logged };
  } finally {
    await lab.stop();
  }
}

test('lab: every statement the servers logged is recorded once, none is invented', options, async (t) => {
  const wanted = Number(process.env['LAB_STATEMENTS'] ?? DEFAULT_STATEMENTS);
  const { text, logged } = await prove({ copyMode: 'flood', offloadOff: 'none' }, async (lab) => {
    await runScenarios(lab);
    await runVolume(lab, wanted);
  });
  assert.ok(logged >= wanted, `only ${logged} statements were sent`);
  t.diagnostic(text);
});

const variants: readonly { copyMode: CopyMode; offloadOff: OffloadOff }[] = [
  { copyMode: 'hub', offloadOff: 'sensor' },
  { copyMode: 'mirror', offloadOff: 'hosts' },
  { copyMode: 'double', offloadOff: 'none' },
];

for (const variant of variants) {
  const name = `lab: copy mode ${variant.copyMode}, segmentation offload off: ${variant.offloadOff}`;
  test(name, options, async (t) => {
    const { text } = await prove(variant, runScenarios);
    t.diagnostic(text);
  });
}

test('lab: PostgreSQL 18', options, async (t) => {
  const directory = makeLabDirectory();
  const installed = await installPostgres18(directory);
  if ('obstacle' in installed) {
    t.skip(`NOT RUN: ${installed.obstacle}`);
    return;
  }
  const work = async (lab: Lab): Promise<void> => {
    assert.equal(await lab.postgres.majorVersion(), 18);
    await runScenarios(lab);
  };
  const { text } = await prove({ copyMode: 'flood', offloadOff: 'none' }, work, installed.programs);
  t.diagnostic(text);
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
