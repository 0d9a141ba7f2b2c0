/** JUnit's XML, as CI systems read it: a test case a rule, which fails when the rule alarmed at or above the threshold. */
import { formatTime } from '../base/time.ts';
import { severityRank } from '../contracts/record.ts';
import { type Finding, type Report, type ReportRule, whoAndWhere } from './findings.ts';

const FINDINGS_SHOWN = 20;

export function junitReport(report: Report): string {
  const byRule = new Map<string, Finding[]>();
  for (const finding of report.findings) {
    const list = byRule.get(finding.rule);
    if (list === undefined) byRule.set(finding.rule, [finding]);
    else list.push(finding);
  }
  const threshold = report.failOn === undefined ? 0 : severityRank(report.failOn);
  let failures = 0;
  const cases = report.rules.map((rule) => {
    const findings = byRule.get(rule.id) ?? [];
    const fails = findings.length > 0 && severityRank(rule.severity) >= threshold;
    if (fails) failures++;
    return caseOf(rule, findings, fails);
  });
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="0"`;
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', `<testsuites name="wiretrail" ${counts}>`];
  lines.push(
    `  <testsuite name="wiretrail policy" ${counts} time="0">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  );
  return lines.join('\n');
}

function caseOf(rule: ReportRule, findings: readonly Finding[], fails: boolean): string {
  const head = `    <testcase classname="wiretrail.${rule.severity}" name="${escapeXml(`${rule.id}: ${rule.title}`)}" file="${escapeXml(rule.file)}" line="${rule.line}" time="0"`;
  if (findings.length === 0) return `${head}/>`;
  const total = findings.reduce((sum, { count }) => sum + count, 0);
  const lines = findings.slice(0, FINDINGS_SHOWN).map(lineOf);
  if (findings.length > FINDINGS_SHOWN) lines.push(`… ${findings.length - FINDINGS_SHOWN} more`);
  const text = escapeXml([rule.reason, ...lines].join('\n'));
  if (!fails) return `${head}>\n      <system-out>${text}</system-out>\n    </testcase>`;
  const message = escapeXml(`${rule.title} (${total} times)`);
  return `${head}>\n      <failure type="${rule.severity}" message="${message}">${text}</failure>\n    </testcase>`;
}

function lineOf(finding: Finding): string {
  return `${formatTime(finding.timeUs)} ${whoAndWhere(finding)}, ${finding.count} times: ${finding.subject}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};
/** What XML 1.0 has no form for, halves of surrogate pairs among it. */
const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

export function escapeXml(text: string): string {
  return text.replace(NOT_XML, '\ufffd').replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
