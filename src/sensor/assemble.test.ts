import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type BindValue, type Identity, Outcome, StatementEvent } from '../contracts/event.ts';
import type { AuditRecord } from '../contracts/record.ts';
import { shortVersion } from '../policy/policy.ts';
import { connectionInfo } from '../protocols/sdk/testkit.ts';
import { StoreReader } from '../store/reader.ts';
import { type Assembly, assemble, readPolicies } from './assemble.ts';
import { MASK_KEY_FILE } from './mask-key.ts';
import { POLICY_FOLDER } from './policy-archive.ts';

const CARD = '4111111111111111';
const MASKING = 'version: 1\nmask: [card]\n';
const ALERTING = `version: 1
rules:
  - id: test/any
    title: Any
    reason: Test.
    action: alert
    severity: high
    when: { operation: SELECT }
`;

const ann: Identity = {
  system: 'postgresql',
  user: 'ann',
  effectiveUser: undefined,
  osUser: undefined,
  clientHost: undefined,
  program: 'psql',
  endUser: undefined,
  database: 'shop',
};

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-assemble-'));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function assembleIn(folder: string, policy: string): Promise<Assembly> {
  const policies = join(folder, 'policy.yaml');
  writeFileSync(policies, policy);
  return assemble({
    sensor: 'test',
    policies: [policies],
    maskKey: undefined,
    ports: new Map(),
    flowsMax: 16,
    store: join(folder, 'store'),
    jsonl: join(folder, 'records.jsonl'),
    whenFull: 'wait',
  });
}

let connections = 0;

/** A statement on a connection of its own. */
function emit(parts: Assembly, text: string, parameters?: readonly BindValue[], errorText?: string): void {
  const event = new StatementEvent(ann, 1_700_000_000_000_000, 'prepared');
  event.text = text;
  event.parameters = parameters;
  event.outcomes = [Object.assign(new Outcome(), { errorText })];
  parts.pipeline.auditor.open({ ...connectionInfo('postgres'), clientPort: 40_000 + connections++ }).emit(event);
}

/** All bytes of all files below a folder. */
function bytesBelow(folder: string): Buffer {
  const parts: Buffer[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) parts.push(readFileSync(join(entry.path, entry.name)));
  return Buffer.concat(parts);
}

function recordsOf(folder: string): AuditRecord[] {
  const reader = new StoreReader(join(folder, 'store'));
  try {
    return [...reader.query({ order: 'oldest' })];
  } finally {
    reader.close();
  }
}

test('a masked card number is found nowhere in the bytes of the store or of the lines', () =>
  withFolder(async (folder) => {
    const parts = await assembleIn(folder, MASKING);
    emit(parts, `INSERT INTO pay VALUES ('${CARD}', 'plain-words')`);
    emit(parts, `INSERT INTO pay VALUES (4111111111111111) /* ${CARD} */`);
    emit(parts, 'INSERT INTO pay VALUES ($1, $2, $3)', [
      CARD,
      Number(CARD),
      { type: '705', hex: Buffer.from(CARD).toString('hex') },
    ]);
    emit(parts, "SELECT 1 WHERE c = '4111-1111-1111-1111'", undefined, `invalid input syntax: "${CARD}"`);
    await parts.close();
    const bytes = bytesBelow(folder);
    assert.ok(bytes.includes('plain-words'), 'what is not masked is there in plain bytes');
    for (const form of [CARD, '4111-1111-1111-1111', Buffer.from(CARD).toString('hex')])
      assert.ok(!bytes.includes(form) && !bytes.includes(Buffer.from(form, 'utf16le')), form);
    const float = Buffer.alloc(8);
    float.writeDoubleLE(Number(CARD));
    assert.ok(!bytes.includes(float));
    assert.ok(!bytes.includes(float.reverse()));
    const tokens = recordsOf(folder).flatMap(({ text, parameters }) =>
      `${text} ${parameters?.join(' ')}`.match(/<card:[0-9a-f]{16}>/g),
    );
    assert.equal(tokens.length, 7);
    assert.equal(new Set(tokens).size, 1, 'equal values stay equal');
  }));

test('the mask key is made once, for its owner only, and used again', () =>
  withFolder(async (folder) => {
    for (let run = 0; run < 2; run++) {
      const parts = await assembleIn(folder, MASKING);
      emit(parts, `SELECT '${CARD}' -- ${run}`);
      await parts.close();
    }
    assert.equal(statSync(join(folder, 'store', MASK_KEY_FILE)).mode & 0o777, 0o600);
    const [first, second] = recordsOf(folder).map(({ text }) => text?.replace(/ -- .*/, ''));
    assert.match(first ?? '', /<card:/);
    assert.equal(first, second);
  }));

test('each record names the policy that judged it, and the store keeps that policy', () =>
  withFolder(async (folder) => {
    const parts = await assembleIn(folder, MASKING);
    const before = parts.engine.version;
    emit(parts, 'SELECT 1');
    const path = join(folder, 'next.yaml');
    writeFileSync(path, ALERTING);
    const next = readPolicies([path]);
    parts.enforce(next);
    emit(parts, 'SELECT 2');
    await parts.close();
    assert.deepEqual(
      recordsOf(folder).map(({ text, policyVersion, policy }) => [
        text,
        policyVersion,
        policy?.map(({ rule }) => rule),
      ]),
      [
        ['SELECT 1', before, undefined],
        ['SELECT 2', shortVersion(next), ['test/any']],
      ],
    );
    const kept = JSON.parse(readFileSync(join(folder, 'store', POLICY_FOLDER, `${shortVersion(next)}.json`), 'utf8'));
    assert.equal(kept.version, next.version);
    assert.equal(kept.sources[0].text, ALERTING);
    assert.deepEqual(
      readdirSync(join(folder, 'store', POLICY_FOLDER)).sort(),
      [before, shortVersion(next)].map((v) => `${v}.json`).sort(),
    );
  }));
