/** A replay gives the same records, in the same order, whatever the number of its workers. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { writeMysqlCapture } from '../bench/workload.ts';
import { type Run, wiretrail } from '../support/replay.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SHARED = resolve(ROOT, '../shared/pcaps');

function replay(captures: string, workers: number, options: readonly string[] = []): Run {
  return wiretrail(['replay', captures, '--jsonl', '-', '--workers', String(workers), ...options]);
}

function assertSame(captures: string, options: readonly string[] = []): void {
  const alone = replay(captures, 1, options);
  assert.ok(alone.stdout.length > 0, alone.stderr);
  for (const workers of [2, 3]) {
    const shared = replay(captures, workers, options);
    // One string of megabytes would be a useless message.
    assert.ok(shared.stdout === alone.stdout, `${captures}: other records with ${workers} workers`);
    assert.equal(shared.stderr, alone.stderr);
    assert.equal(shared.status, alone.status);
  }
}

test('the captures of this repository', () => assertSame(join(ROOT, 'pcaps')));

test('the shared captures', (t) => {
  if (existsSync(SHARED)) assertSame(SHARED);
  else t.skip('../shared/pcaps is not here');
});

test('many flows at once, under rules that remember across flows', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-workers-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const capture = join(folder, 'mysql.pcap');
  const { statements } = writeMysqlCapture(capture, 200, 20, 3);
  const policies = join(folder, 'policies.yaml');
  writeFileSync(policies, POLICIES);
  assertSame(capture, ['--policies', policies]);
  const { stdout } = replay(capture, 2, ['--policies', policies]);
  const lines = stdout.split('\n').filter((line) => line.includes('"audit.kind":"statement"'));
  assert.equal(lines.length, statements);
  // Every 101st change of anyone ends a window.
  const changes = lines.filter((line) => /"db.operation.name":"(INSERT|UPDATE)"/.test(line)).length;
  assert.equal(lines.filter((line) => line.includes('t/many')).length, Math.floor(changes / 101));
  assert.ok(lines.some((line) => line.includes('t/new')));
});

const POLICIES = `
version: 1
rules:
  - id: t/many
    title: Many changes
    reason: Changes of many flows are counted together.
    severity: high
    action: alert
    when:
      kind: statement
      operation: [INSERT, UPDATE]
      count: { over: 100, within: 1h }
  - id: t/new
    title: New kind of statement
    reason: What one flow sent is not new in another.
    severity: low
    action: alert
    when:
      kind: statement
      first_seen: { what: fingerprint, learn: 0s }
`;
