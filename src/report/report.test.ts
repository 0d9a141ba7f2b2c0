import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AuditRecord, type PolicyMatch, type Severity } from '../contracts/record.ts';
import { type Finding, Findings, type Report, type ReportRule } from './findings.ts';
import { escapeXml } from './junit.ts';
import { formatReport } from './report.ts';

function rule(id: string, severity: Severity): ReportRule {
  return {
    id,
    severity,
    title: `Title <${id}>`,
    reason: 'Because & so.',
    references: ['CWE-89'],
    tags: ['t', 'security'],
    file: 'p.yaml',
    line: 3,
  };
}

function record(text: string, user: string, ...policy: PolicyMatch[]): AuditRecord {
  const fields = { id: 'ab', text, user, fingerprint: `f-${text.length}`, policy, system: 'postgresql', timeUs: 1e15 };
  return Object.assign(new AuditRecord(), fields);
}

function reportOf(failOn: Severity | undefined): Report {
  const findings = new Findings();
  findings.inputOf = () => 'a capture.pcap';
  const alert: PolicyMatch = { rule: 'x/high', severity: 'high', action: 'alert' };
  findings.write(record("SELECT '\u0001<&>'", 'ann', alert));
  findings.write(record("SELECT '\u0002<&>'", 'ann', alert));
  findings.write(record('DROP TABLE t', 'joe', alert, { rule: 'x/low', severity: 'low', action: 'alert' }));
  findings.write(record('DROP TABLE t', 'joe', { rule: 'x/trial', severity: 'high', action: 'shadow' }));
  const rules = [rule('x/high', 'high'), rule('x/low', 'low'), rule('x/trial', 'high')];
  return { rules, findings: findings.list(), omitted: findings.omitted, records: findings.records, failOn };
}

test('alerts that differ in literals only are one finding; what is on trial is none', () => {
  const { findings, records } = reportOf(undefined);
  assert.equal(records, 4);
  assert.deepEqual(
    findings.map(({ rule: id, user, count }) => [id, user, count]),
    [
      ['x/high', 'ann', 2],
      ['x/high', 'joe', 1],
      ['x/low', 'joe', 1],
    ],
  );
});

test('a rule whose first alarm comes when the list is full is in it all the same', () => {
  const findings = new Findings();
  const noisy: PolicyMatch = { rule: 'x/noisy', severity: 'low', action: 'alert' };
  for (let i = 0; i < 10_050; i++) findings.write(record('SELECT 1', `user-${i}`, noisy));
  findings.write(record('DROP TABLE t', 'joe', { rule: 'x/rare', severity: 'high', action: 'alert' }));
  assert.equal(findings.list().at(-1)?.rule, 'x/rare');
  assert.equal(findings.omitted, 50);
});

test('JUnit: a case a rule, failed from the threshold on', () => {
  const text = formatReport('junit', reportOf('medium'), '1.0.0');
  assert.match(text, /<testsuites name="wiretrail" tests="3" failures="1" errors="0" skipped="0">/);
  assert.match(text, /<failure type="high" message="Title &lt;x\/high&gt; \(3 times\)">Because &amp; so\./);
  assert.match(text, /<system-out>/, 'below the threshold it is told, not failed');
  assert.match(text, /name="x\/trial: Title &lt;x\/trial&gt;" file="p.yaml" line="3" time="0"\/>/);
  assert.ok(!text.includes('\u0001'));
  assert.match(formatReport('junit', reportOf(undefined), '1.0.0'), /failures="2"/);
});

test('XML text has no character that XML lacks', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0xd800, max: 0xdfff }), (text, half) => {
      const escaped = escapeXml(text + String.fromCharCode(half));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
      assert.doesNotMatch(escaped, /[\u0000-\u0008\u000b\u000c\u000e-\u001f<>"']|\p{Surrogate}|[\ufffe\uffff]/u);
    }),
    { seed: 42, numRuns: 500 },
  );
});

test('SARIF: rules, levels, places and stable fingerprints', () => {
  const log = JSON.parse(formatReport('sarif', reportOf(undefined), '1.0.0'));
  assert.equal(log.version, '2.1.0');
  const [run] = log.runs;
  assert.equal(run.tool.driver.rules[run.results[2].ruleIndex].id, 'x/low');
  assert.deepEqual(
    run.results.map((result: { level: string }) => result.level),
    ['error', 'error', 'note'],
  );
  assert.equal(run.results[0].occurrenceCount, 2);
  assert.equal(run.results[0].locations[0].physicalLocation.artifactLocation.uri, 'a%20capture.pcap');
  // Tags are a set.
  assert.deepEqual(run.tool.driver.rules[0].properties.tags, ['security', 't']);
  assert.equal(run.results[0].partialFingerprints['statement/v1'], 'x/high:f-13:ann');
});

test('SARIF: a path is one, whatever is in it', () => {
  const report = reportOf(undefined);
  const finding = { ...(report.findings[0] as Finding), input: '/a b/c#1?x/d:e%.pcap' };
  const log = JSON.parse(formatReport('sarif', { ...report, findings: [finding] }, '1.0.0'));
  const { uri } = log.runs[0].results[0].locations[0].physicalLocation.artifactLocation;
  assert.equal(uri, '/a%20b/c%231%3Fx/d%3Ae%25.pcap');
});

test('JSON: everything', () => {
  const json = JSON.parse(formatReport('json', reportOf('high'), '1.0.0'));
  assert.equal(json.failOn, 'high');
  assert.equal(json.findings[0].time, '2001-09-09T01:46:40.000000Z');
  assert.equal(json.rules.length, 3);
});
