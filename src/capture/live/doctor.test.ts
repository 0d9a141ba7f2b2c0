import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { captureChecks } from './doctor.ts';
import { TestNet } from './net-test-support.ts';

test('every check says what it found, and a failed one what to do', () => {
  const checks = captureChecks();
  for (const name of ['packet-sockets', 'privilege', 'addon', 'interface', 'memory', 'zstd']) {
    assert.equal(checks.filter((check) => check.name === name).length, 1, name);
  }
  for (const check of checks) {
    assert.ok(check.detail.length > 0 && !check.detail.includes('\n'), check.name);
    assert.ok(check.ok || check.remedy !== undefined, check.name);
  }
});

test('an interface that does not exist fails its checks', () => {
  const checks = captureChecks(['no-such-if0']);
  const failedNames = checks.filter((check) => check.detail.includes('no-such-if0')).map((check) => check.name);
  assert.ok(failedNames.includes('interface'));
  assert.ok(checks.every((check) => check.name !== 'ring' || !check.ok));
});

test('as root all is well; without the capability one line says how to get it', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  assert.deepEqual(
    captureChecks(['lo']).filter((check) => !check.ok),
    [],
  );
  const script = `
    import { captureChecks } from ${JSON.stringify(new URL('./doctor.js', import.meta.url).href)};
    const failed = captureChecks(['lo']).filter((check) => !check.ok);
    process.stdout.write(JSON.stringify(failed.map((check) => check.name + ': ' + check.detail)));`;
  const drop = ['--bounding-set=-net_raw', '--inh-caps=-net_raw'];
  let output: string;
  try {
    output = execFileSync('setpriv', [...drop, process.execPath, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
  } catch {
    return t.skip('setpriv is not here');
  }
  const [privilege, ring] = JSON.parse(output) as string[];
  assert.equal(privilege, 'privilege: CAP_NET_RAW is missing');
  assert.match(ring ?? '', /^ring: lo: no permission to capture; run as root, or grant CAP_NET_RAW/);
});
