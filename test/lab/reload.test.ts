/**
 * Policies replaced under load: rules change over and over while real clients work, and no statement is lost; a rule is
 * effective on the first statement after its push was acknowledged.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestControl } from '#src/control/client.js';
import { CODE_PUSH, CODE_STATUS, RESULT_DONE, RESULT_REFUSED } from '#src/control/frame.js';
import { loadPolicies } from '#src/policy/policy.js';
import { psql, runStep } from './clients.ts';
import { compare, verdict } from './compare.ts';
import { Lab, labObstacle } from './lab.ts';
import { Sensor, sensorObstacle } from './sensor.ts';
import { runVolume } from './volume.ts';

const STATEMENTS = 10_000;
const ROUNDS_MIN = 5;
const SEEN_TIMEOUT_MS = 30_000;
const POLL_MS = 100;
/** Pushed with the rule of each round, so that a push costs what an installation's costs. */
const PACKS = loadPolicies(join(import.meta.dirname, '../../../policies'), { disabledToo: true }).sources;
const LAB_TIMEOUT_MS = 300_000;

const obstacle = (await labObstacle()) ?? sensorObstacle();
const options = { timeout: LAB_TIMEOUT_MS, ...(obstacle === undefined ? {} : { skip: `NOT RUN: ${obstacle}` }) };

/** A policy with one rule, which holds for a statement of round `round` only. */
function policyOf(round: number): string {
  return `version: 1
rules:
  - id: lab/round-${round}
    title: The word of this round
    reason: Shows when a pushed rule takes effect.
    severity: high
    action: alert
    when: { keyword: [canary_${round}] }
`;
}

async function pushed(socket: string, text: string): Promise<{ result: number; version: string }> {
  const sources = [
    ...PACKS.map(({ name, text: pack }) => ({ name, text: pack, named: true })),
    { name: 'round.yaml', text },
  ];
  const reply = await requestControl(socket, CODE_PUSH, JSON.stringify({ sources }));
  const version = reply.result === RESULT_DONE ? (JSON.parse(reply.content) as { version: string }).version : '';
  return { result: reply.result, version };
}

async function hasMatched(socket: string, round: number): Promise<boolean> {
  const { content } = await requestControl(socket, CODE_STATUS, '');
  return JSON.parse(content).counters.tally?.rules[`lab/round-${round}`] === 1;
}

async function waitUntil(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < SEEN_TIMEOUT_MS; waitedMs += POLL_MS) {
    if (await holds()) return;
    await sleep(POLL_MS);
  }
  throw new Error(`waited in vain: ${what}`);
}

test('lab: a reload under load loses no packet, and its rule holds from the next statement on', options, async (t) => {
  const lab = await Lab.start({ copyMode: 'flood', offloadOff: 'none' });
  try {
    const socket = join(lab.directory, 'control.sock');
    const policies = join(lab.directory, 'policy.yaml');
    writeFileSync(policies, policyOf(0));
    const sensorOptions = ['--socket', socket, '--policies', policies];
    const sensor = await Sensor.start(lab.network, lab.directory, sensorOptions);
    let busy = true;
    const load = runVolume(lab, STATEMENTS).finally(() => {
      busy = false;
    });
    // What fails below ends the lab, and with it the load: that is not to hide what failed.
    load.catch(() => undefined);
    const versions: string[] = [];
    while (busy || versions.length < ROUNDS_MIN) {
      const round = versions.length + 1;
      const { result, version } = await pushed(socket, policyOf(round));
      assert.equal(result, RESULT_DONE);
      versions.push(version);
      await runStep(lab.network, psql(['-c', `SELECT 1 AS canary_${round}`]), lab.directory);
      assert.equal((await pushed(socket, 'version: 1\nrules: [broken]\n')).result, RESULT_REFUSED);
      // The sensor may be behind the clients: the next policy must not overtake the word.
      await waitUntil(`round ${round} is seen`, () => hasMatched(socket, round));
    }
    const cells = (await load).flatMap((cell) => cell.entries);
    const status = JSON.parse((await requestControl(socket, CODE_STATUS, '')).content);
    assert.equal(status.policy.version, versions.at(-1));
    assert.equal(status.counters.drops, 0);
    const entries = [...cells, ...(await lab.postgres.collect()), ...(await lab.mariadb.collect())];
    const { records, exitCode, said } = await sensor.stop();
    const { ok, text } = verdict(compare(entries, records));
    assert.ok(ok, `${text}\nThe sensor said:\n${said}`);
    assert.equal(exitCode, 0, said);
    for (const [index, version] of versions.entries()) {
      const canary = records.find((record) => record['db.query.text'] === `SELECT 1 AS canary_${index + 1}`);
      assert.equal(canary?.['audit.policy_version'], version);
      assert.equal(JSON.stringify(canary?.['audit.policy']).includes(`lab/round-${index + 1}"`), true);
    }
    t.diagnostic(`${versions.length} reloads, ${records.length} records, none lost`);
  } finally {
    await lab.stop();
  }
});
