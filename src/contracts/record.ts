/**
 * The audit record: one flat row for every statement, login, logout, opaque connection and loss.
 *
 * `RECORD_KEYS` is the one place that ties a field to its public name (OpenTelemetry database conventions, then
 * `audit.*`); JSON Lines, the query language, CSV headers and policy conditions are all derived from it.
 */
import type { BindValue, TlsFacts, TransactionState } from './event.ts';

export type RecordKind = 'login' | 'statement' | 'logout' | 'opaque' | 'loss';

/** Severities in rising order. */
export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** 0 for info to 4 for critical. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

/** The highest of several; `undefined` for none. */
export function worstSeverity(severities: readonly (Severity | undefined)[]): Severity | undefined {
  return SEVERITIES.findLast((severity) => severities.includes(severity));
}

export interface PolicyMatch {
  readonly rule: string;
  readonly severity: Severity;
  /** `shadow`: the rule is on trial; it matched, and nothing came of it. */
  readonly action: 'record' | 'alert' | 'ignore' | 'mask' | 'shadow';
}

/** Absent facts are `undefined`. Counts are exact integers; times are microseconds since 1970. */
export class AuditRecord {
  id = '';
  kind: RecordKind = 'statement';
  timeUs = 0;
  durationUs: number | undefined = undefined;
  firstByteUs: number | undefined = undefined;
  user: string | undefined = undefined;
  effectiveUser: string | undefined = undefined;
  osUser: string | undefined = undefined;
  clientHost: string | undefined = undefined;
  program: string | undefined = undefined;
  endUser: string | undefined = undefined;
  clientAddress: string | undefined = undefined;
  clientPort: number | undefined = undefined;
  serverAddress: string | undefined = undefined;
  serverPort: number | undefined = undefined;
  session: string | undefined = undefined;
  communityId: string | undefined = undefined;
  vlanId: number | undefined = undefined;
  tunnel: string | undefined = undefined;
  sensor: string | undefined = undefined;
  text: string | undefined = undefined;
  textLength: number | undefined = undefined;
  textSha256: string | undefined = undefined;
  parameters: readonly BindValue[] | undefined = undefined;
  operation: string | undefined = undefined;
  operations: readonly string[] | undefined = undefined;
  objects: readonly string[] | undefined = undefined;
  procedure: string | undefined = undefined;
  namespace: string | undefined = undefined;
  summary: string | undefined = undefined;
  fingerprint: string | undefined = undefined;
  system: string | undefined = undefined;
  call: string | undefined = undefined;
  errorCode: string | undefined = undefined;
  errorText: string | undefined = undefined;
  returnedRows: number | undefined = undefined;
  affectedRows: number | undefined = undefined;
  responseBytes: number | undefined = undefined;
  /** Bytes of bulk data the client sent: COPY, LOAD DATA. */
  bulkBytes: number | undefined = undefined;
  transaction: TransactionState | undefined = undefined;
  tls: TlsFacts | undefined = undefined;
  /** How the user proved who they are, for a login. */
  authMethod: string | undefined = undefined;
  /** Why a connection is opaque, how a session ended, what a loss was. */
  reason: string | undefined = undefined;
  /** `MARK_*` bits. */
  marks = 0;
  lostBytes: number | undefined = undefined;
  /** Rules that matched, in rule order; set by the policy engine. */
  policy: readonly PolicyMatch[] | undefined = undefined;
  /** First 12 digits of the hash of the policy that judged it; set by the policy engine. */
  policyVersion: string | undefined = undefined;
}

export type RecordField = keyof AuditRecord;

/** Field → public key, in the order in which they are printed. */
export const RECORD_KEYS: { readonly [F in RecordField]: string } = {
  id: 'audit.id',
  kind: 'audit.kind',
  timeUs: 'time',
  durationUs: 'duration_us',
  firstByteUs: 'audit.first_byte_us',
  user: 'user.name',
  effectiveUser: 'audit.effective_user',
  osUser: 'audit.os_user',
  clientHost: 'audit.client_host',
  program: 'audit.program',
  endUser: 'audit.end_user',
  clientAddress: 'client.address',
  clientPort: 'client.port',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  session: 'audit.session',
  communityId: 'network.community_id',
  vlanId: 'network.vlan.id',
  tunnel: 'audit.tunnel',
  sensor: 'audit.sensor',
  text: 'db.query.text',
  textLength: 'audit.query.length',
  textSha256: 'audit.query.sha256',
  parameters: 'db.query.parameters',
  operation: 'db.operation.name',
  operations: 'audit.operations',
  objects: 'db.collection.names',
  procedure: 'db.stored_procedure.name',
  namespace: 'db.namespace',
  summary: 'db.query.summary',
  fingerprint: 'audit.fingerprint',
  system: 'db.system.name',
  call: 'audit.call',
  errorCode: 'db.response.status_code',
  errorText: 'error.message',
  returnedRows: 'db.response.returned_rows',
  affectedRows: 'audit.affected_rows',
  responseBytes: 'audit.response_bytes',
  bulkBytes: 'audit.bulk_bytes',
  transaction: 'audit.transaction',
  tls: 'audit.tls',
  authMethod: 'audit.auth_method',
  reason: 'audit.reason',
  marks: 'audit.marks',
  lostBytes: 'audit.lost_bytes',
  policy: 'audit.policy',
  policyVersion: 'audit.policy_version',
};

/** Takes finished records. The bytes are the receiver's business from then on; `false` when it had to drop it. */
export interface RecordSink {
  write(record: AuditRecord): boolean;
  /** Nothing of a record is kept beyond `write`: the same object may come again with other contents. */
  readonly keepsNothing?: boolean;
}
