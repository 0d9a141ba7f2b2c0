/** For the tests of this folder: arbitrary records, and plain ones that differ in what a test names. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { BindValue, TlsFacts } from '../contracts/event.ts';
import { AuditRecord, type PolicyMatch, SEVERITIES } from '../contracts/record.ts';

/** 2026-11-20T10:00:00Z. */
export const TEST_TIME_US = 1_795_168_800_000_000;

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 90 }),
  fc.constantFrom('', 'a', 'deadbeefdeadbeef', 'ÄÖ€😀'),
);
const hex = fc.stringMatching(/^([0-9a-f]{2}){0,20}$/);
const integer = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: 0, max: 300 }));
const count = fc.oneof(fc.maxSafeNat(), fc.nat(300));
const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/);

function optional<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 2 });
}

const bindValue: fc.Arbitrary<BindValue> = fc.oneof(
  text,
  fc.double(),
  integer,
  fc.boolean(),
  fc.constant(null),
  fc.record({ type: text, hex }, { noNullPrototype: true }),
  fc.record({ type: text, text, length: count, sha256 }, { noNullPrototype: true }),
  fc.record({ type: text, hex, length: count, sha256 }, { noNullPrototype: true }),
);

const tls = fc.record(
  { version: text, sni: text, alpn: text, cipher: text, subject: text },
  { requiredKeys: [], noNullPrototype: true },
) as fc.Arbitrary<TlsFacts>;

const policyMatch: fc.Arbitrary<PolicyMatch> = fc.record(
  {
    rule: text,
    severity: fc.constantFrom(...SEVERITIES),
    action: fc.constantFrom('record', 'alert', 'ignore', 'mask'),
  },
  { noNullPrototype: true },
);

/** Any record at all; texts are well-formed Unicode. */
export const anyRecord: fc.Arbitrary<AuditRecord> = fc
  .record({
    id: fc.oneof(fc.stringMatching(/^[0-9a-f]{32}$/), text),
    kind: fc.constantFrom('login' as const, 'statement', 'logout', 'opaque', 'loss'),
    timeUs: fc.oneof(
      fc.maxSafeNat(),
      fc.nat(1000).map((n) => TEST_TIME_US + n),
    ),
    durationUs: optional(integer),
    firstByteUs: optional(integer),
    user: optional(text),
    effectiveUser: optional(text),
    osUser: optional(text),
    clientHost: optional(text),
    program: optional(text),
    endUser: optional(text),
    clientAddress: optional(text),
    clientPort: optional(fc.nat(65_535)),
    serverAddress: optional(text),
    serverPort: optional(fc.nat(65_535)),
    session: optional(fc.oneof(text, hex)),
    communityId: optional(text),
    vlanId: optional(fc.nat(4095)),
    tunnel: optional(text),
    sensor: optional(text),
    text: optional(text),
    textLength: optional(count),
    textSha256: optional(sha256),
    parameters: optional(fc.array(bindValue, { maxLength: 5 })),
    operation: optional(text),
    operations: optional(fc.array(text, { maxLength: 3 })),
    objects: optional(fc.array(text, { maxLength: 3 })),
    procedure: optional(text),
    namespace: optional(text),
    summary: optional(text),
    fingerprint: optional(fc.constantFrom('00112233445566ff', 'x')),
    system: optional(text),
    call: optional(text),
    errorCode: optional(text),
    errorText: optional(text),
    returnedRows: optional(count),
    affectedRows: optional(integer),
    responseBytes: optional(count),
    transaction: optional(fc.constantFrom('idle' as const, 'open', 'failed')),
    tls: optional(tls),
    authMethod: optional(text),
    bulkBytes: optional(count),
    reason: optional(text),
    marks: fc.nat(511),
    lostBytes: optional(count),
    policy: optional(fc.array(policyMatch, { maxLength: 3 })),
    policyVersion: optional(hex),
  })
  .map((facts: { [F in keyof AuditRecord]: AuditRecord[F] }) => Object.assign(new AuditRecord(), facts));

/** A plain statement, number `n` of its kind; `facts` replace what they name. */
export function statement(n: number, facts: Partial<AuditRecord> = {}): AuditRecord {
  const plain: Partial<AuditRecord> = {
    id: n.toString(16).padStart(32, '0'),
    timeUs: TEST_TIME_US + n * 1000,
    user: 'alice',
    clientAddress: '10.0.0.7',
    clientPort: 40_000,
    serverAddress: '10.0.1.1',
    serverPort: 5432,
    session: '00000000000000aa',
    text: `SELECT * FROM orders WHERE id = ${n}`,
    operation: 'SELECT',
    operations: ['SELECT'],
    objects: ['public.orders'],
    summary: 'SELECT * FROM orders WHERE id = ?',
    fingerprint: '0123456789abcdef',
    system: 'postgresql',
    call: 'simple',
    returnedRows: 1,
  };
  return Object.assign(new AuditRecord(), plain, facts);
}

/** Runs `use` with a directory of its own, gone afterwards. */
export async function withDirectory(use: (directory: string) => Promise<void> | void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'wiretrail-store-'));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
