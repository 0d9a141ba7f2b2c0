import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AlarmDesk } from '../alarm/desk.ts';
import { CODE_PUSH, CODE_RELOAD, CODE_STATUS, RESULT_DONE, RESULT_REFUSED } from '../control/frame.ts';
import type { ControlReply } from '../control/server.ts';
import { parsePolicies, shortVersion } from '../policy/policy.ts';
import { type SensorStatus, type Steered, Steering } from './steering.ts';

const GOOD = 'version: 1\nrules: []\n';

/** As a capture thread behaves, without one. */
function fakeCapture(): Steered {
  const fake: { -readonly [K in keyof Steered]: Steered[K] } = {
    policy: undefined,
    latest: undefined,
    alarmsDropped: 0,
    async enforce(sources) {
      const policy = parsePolicies(sources);
      fake.policy = { version: shortVersion(policy), rules: policy.rules.length, since: 'now' };
      return fake.policy;
    },
  };
  return fake;
}

async function withSteering(
  use: (ask: (code: number, content?: string) => Promise<ControlReply>, file: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-steering-'));
  const file = join(folder, 'policy.yaml');
  writeFileSync(file, GOOD);
  const steering = new Steering(
    fakeCapture(),
    { sensor: 's1', interfaces: ['eth1'], policies: [file], tellsDrops: true },
    new AlarmDesk([], '1.0.0'),
  );
  const handlers = steering.handlers();
  try {
    await use(async (code, content = '') => {
      const handler = handlers.get(code);
      assert.ok(handler);
      return handler(Buffer.from(content));
    }, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const push = (text: string): string => JSON.stringify({ sources: [{ name: 'pushed.yaml', text }] });

test('a good policy is put in force; a bad one is refused with its place, and the old one stays', () =>
  withSteering(async (ask, file) => {
    const status = async (): Promise<SensorStatus> => JSON.parse((await ask(CODE_STATUS)).content);
    assert.equal((await ask(CODE_PUSH, push(GOOD))).result, RESULT_DONE);
    const { policy } = await status();
    assert.ok(policy);
    const refused = await ask(CODE_PUSH, push('version: 1\nrules:\n  - id: BAD\n'));
    assert.equal(refused.result, RESULT_REFUSED);
    assert.match(refused.content, /^pushed\.yaml:3:/);
    for (const content of ['', '{', 'null', '{"sources":[]}', '{"sources":[{"name":1}]}', push('version: 9')])
      assert.equal((await ask(CODE_PUSH, content)).result, RESULT_REFUSED, content);
    const after = await status();
    assert.deepEqual(after.policy, policy);
    assert.equal(after.counters['policyReloads'], 1);
    assert.equal(after.counters['policyRefusals'], 7);
    writeFileSync(file, `${GOOD}# edited\n`);
    assert.equal((await ask(CODE_RELOAD)).result, RESULT_DONE);
    assert.notEqual((await status()).policy?.version, policy.version);
    rmSync(file);
    assert.match((await ask(CODE_RELOAD)).content, /no such policy/);
  }));
