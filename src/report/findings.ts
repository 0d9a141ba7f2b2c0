/** Alerts of a replay, gathered for a report: statements that differ only in literals count as one finding a rule and user. */
import type { AuditRecord, RecordSink, Severity } from '../contracts/record.ts';

/** What a report says of a rule. */
export interface ReportRule {
  readonly id: string;
  readonly title: string;
  readonly reason: string;
  readonly references: readonly string[];
  readonly severity: Severity;
  readonly tags: readonly string[];
  readonly file: string;
  readonly line: number;
}

export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** Of the first record, like all that follows. */
  readonly recordId: string;
  readonly timeUs: number;
  readonly user: string | undefined;
  readonly clientAddress: string | undefined;
  readonly serverAddress: string | undefined;
  readonly serverPort: number | undefined;
  readonly system: string | undefined;
  /** The statement, cut; the kind of the record when it has none. */
  readonly subject: string;
  readonly fingerprint: string | undefined;
  /** Capture it was read from. */
  readonly input: string | undefined;
  count: number;
}

export interface Report {
  readonly rules: readonly ReportRule[];
  readonly findings: readonly Finding[];
  /** Alerts beyond the limit of findings: counted, not listed. */
  readonly omitted: number;
  readonly records: number;
  /** Alerts of this severity and above fail; `undefined`: all do. */
  readonly failOn: Severity | undefined;
}

/** Beyond it a rule's first finding is still taken: a rule that alarmed must not look as if it had not. */
const FINDINGS_MAX = 10_000;
const SUBJECT_CHARS_MAX = 2000;

export class Findings implements RecordSink {
  omitted = 0;
  records = 0;
  /** What is being read, by whoever reads it; at the end, when nothing is, what was read last. */
  inputOf: () => string | undefined = () => undefined;
  private input: string | undefined = undefined;
  private readonly found = new Map<string, Finding>();
  private readonly rules = new Set<string>();

  write(record: AuditRecord): boolean {
    this.records++;
    this.input = this.inputOf() ?? this.input;
    for (const { rule, severity, action } of record.policy ?? []) {
      if (action === 'alert') this.add(record, rule, severity);
    }
    return true;
  }

  list(): readonly Finding[] {
    return [...this.found.values()];
  }

  private add(record: AuditRecord, rule: string, severity: Severity): void {
    const key = `${rule}\n${record.fingerprint ?? record.kind}\n${record.user ?? ''}`;
    const known = this.found.get(key);
    if (known !== undefined) known.count++;
    else if (this.found.size >= FINDINGS_MAX && this.rules.has(rule)) this.omitted++;
    else {
      this.rules.add(rule);
      this.found.set(key, findingOf(record, rule, severity, this.input));
    }
  }
}

function findingOf(record: AuditRecord, rule: string, severity: Severity, input: string | undefined): Finding {
  const { id, timeUs, user, clientAddress, serverAddress, serverPort, system, fingerprint } = record;
  const subject = (record.text ?? record.operation ?? record.kind).slice(0, SUBJECT_CHARS_MAX);
  return {
    rule,
    severity,
    recordId: id,
    timeUs,
    user,
    clientAddress,
    serverAddress,
    serverPort,
    system,
    subject,
    fingerprint,
    input,
    count: 1,
  };
}

/** `alice at 10.0.0.7 on postgresql 10.0.0.1:5432`, as far as known. */
export function whoAndWhere(finding: Finding): string {
  const server = finding.serverAddress === undefined ? '' : ` ${finding.serverAddress}:${finding.serverPort}`;
  return `${finding.user ?? 'an unknown user'} at ${finding.clientAddress ?? 'an unknown address'} on ${finding.system ?? 'a database'}${server}`;
}
