/** A rule's way as its author goes it, with the command line: tried on history, then failing a pipeline with a report. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { wiretrail } from '../support/replay.ts';

const CAPTURE = join(import.meta.dirname, '../../../pcaps/postgres/simple-and-multi/capture.pcap');

function ruleFile(mode: string): string {
  return `version: 1
rules:
  - id: site/creates
    title: Tables made
    reason: Only migrations make tables.
    severity: high
    action: alert
    mode: ${mode}
    when: { operation: CREATE TABLE }
`;
}

test('a rule is tried on a store, goes along in shadow mode, then fails the pipeline with a report', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-cycle-'));
  const [rule, store, report, alarms] = ['rule.yaml', 'store', 'audit.xml', 'alarms.jsonl'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  try {
    assert.equal(wiretrail(['replay', CAPTURE, '--store', store]).status, 0);
    writeFileSync(rule, ruleFile('shadow'));
    const tried = wiretrail(['policy', 'try', rule, '--store', store]);
    assert.equal(tried.status, 0, tried.stderr);
    assert.match(
      tried.stdout,
      /^site\/creates {2}.* alice .*\n {4}The rule asks for operation CREATE TABLE; found CREATE TABLE at bytes \d+ to \d+\.$/im,
    );
    const matched = Number(/site\/creates: (\d+) of \d+ records/.exec(tried.stderr)?.[1]);
    assert.ok(matched > 0, tried.stderr);
    const judge = (): number | null =>
      wiretrail([
        'replay',
        CAPTURE,
        '--policies',
        rule,
        '--fail-on',
        'high',
        '--report',
        'junit',
        '--report-file',
        report,
        '--alarm',
        `file://${alarms}`,
      ]).status;
    assert.equal(judge(), 0, 'on trial it fails nothing');
    assert.match(readFileSync(report, 'utf8'), /failures="0"/);
    writeFileSync(rule, ruleFile('enforce'));
    assert.equal(judge(), 1);
    assert.match(readFileSync(report, 'utf8'), /<failure type="high" message="Tables made/);
    assert.equal(readFileSync(alarms, 'utf8').trim().split('\n').length, matched);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the store tells which policies judged it, and what changed between them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-versions-'));
  const [rule, store] = ['rule.yaml', 'store'].map((name) => join(folder, name)) as [string, string];
  try {
    const replay = (mode: string): void => {
      writeFileSync(rule, ruleFile(mode));
      assert.equal(wiretrail(['replay', CAPTURE, '--policies', rule, '--store', store]).status, 0);
    };
    replay('shadow');
    replay('enforce');
    const listed = wiretrail(['policy', 'versions', '--store', store]).stdout.trim().split('\n');
    const [newest = '', oldest = ''] = listed.map((line) => line.slice(0, 12));
    assert.equal(listed.length, 2);
    assert.match(listed[0] ?? '', /^[0-9a-f]{12} {2}\S+Z {2}1 rule {2}rule\.yaml$/);
    const diff = wiretrail(['policy', 'diff', oldest, newest, '--store', store]).stdout;
    assert.match(diff, /^changed site\/creates: mode\n\nchanged rule\.yaml\n/);
    assert.match(diff, /^ +8 - {5}mode: shadow\n +8 \+ {5}mode: enforce$/m);
    const unknown = wiretrail(['policy', 'diff', oldest, '000000000000', '--store', store]);
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /no policy 000000000000 here/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
