/** SARIF 2.1.0 (OASIS): what code scanning viewers show. A result is a finding, the capture its place. */
import { formatTime } from '../base/time.ts';
import type { Severity } from '../contracts/record.ts';
import { type Finding, type Report, type ReportRule, whoAndWhere } from './findings.ts';

const LEVELS: Readonly<Record<Severity, string>> = {
  info: 'note',
  low: 'note',
  medium: 'warning',
  high: 'error',
  critical: 'error',
};
/** On the scale of CVSS, by which viewers sort. */
const SCORES: Readonly<Record<Severity, string>> = {
  info: '0.0',
  low: '3.0',
  medium: '5.5',
  high: '8.0',
  critical: '9.5',
};

export function sarifReport(report: Report, version: string): string {
  const indexes = new Map(report.rules.map(({ id }, index) => [id, index]));
  const driver = { name: 'wiretrail', semanticVersion: version, rules: report.rules.map(ruleOf) };
  const results = report.findings.map((finding) => resultOf(finding, indexes.get(finding.rule) ?? -1));
  const properties = { records: report.records, omittedFindings: report.omitted };
  const run = { tool: { driver }, columnKind: 'utf16CodeUnits', results, properties };
  const log = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] };
  return `${JSON.stringify(log, undefined, 1)}\n`;
}

function ruleOf(rule: ReportRule): object {
  return {
    id: rule.id,
    name: rule.title,
    shortDescription: { text: rule.title },
    fullDescription: { text: rule.reason },
    help: { text: [rule.reason, ...rule.references].join('\n') },
    defaultConfiguration: { level: LEVELS[rule.severity] },
    properties: { tags: [...new Set(['security', ...rule.tags])], 'security-severity': SCORES[rule.severity] },
  };
}

function resultOf(finding: Finding, ruleIndex: number): object {
  const who = whoAndWhere(finding);
  const place = {
    ...(finding.input !== undefined && {
      physicalLocation: {
        artifactLocation: { uri: uriOf(finding.input) },
        region: { startLine: 1, snippet: { text: finding.subject } },
      },
    }),
    logicalLocations: [{ fullyQualifiedName: who, kind: 'resource' }],
  };
  return {
    ruleId: finding.rule,
    ruleIndex,
    level: LEVELS[finding.severity],
    message: { text: `${who}: ${finding.subject}` },
    locations: [place],
    occurrenceCount: finding.count,
    partialFingerprints: {
      'statement/v1': `${finding.rule}:${finding.fingerprint ?? finding.subject}:${finding.user ?? ''}`,
    },
    properties: { recordId: finding.recordId, time: formatTime(finding.timeUs), severity: finding.severity },
  };
}

/** A path as a relative reference of RFC 3986: `#`, `?` and `:` are characters of it like any other. */
function uriOf(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
