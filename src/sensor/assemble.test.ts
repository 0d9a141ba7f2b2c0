import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { alarmLine } from '../alarm/alarm.ts';
import { type BindValue, type Identity, Outcome, StatementEvent } from '../contracts/event.ts';
import type { AuditRecord, RecordSink } from '../contracts/record.ts';
import { shortVersion } from '../policy/policy.ts';
import { connectionInfo } from '../protocols/sdk/testkit.ts';
import { StoreReader } from '../store/reader.ts';
import { AlarmSink } from './alarm-sink.ts';
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

/** So few that segments are sealed and indexed on the way. */
const SEGMENT_ROWS_MAX = 5;

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-assemble-'));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function assembleIn(folder: string, policy: string, sinks: readonly RecordSink[] = []): Promise<Assembly> {
  const policies = join(folder, 'policy.yaml');
  writeFileSync(policies, policy);
  return assemble({
    sensor: 'test',
    policies: [policies],
    maskKey: undefined,
    ports: new Map(),
    flowsMax: 16,
    overlap: [],
    evidence: undefined,
    store: join(folder, 'store'),
    jsonl: join(folder, 'records.jsonl'),
    whenFull: 'wait',
    storeOptions: { segmentRowsMax: SEGMENT_ROWS_MAX },
    sinks,
  });
}

let connections = 0;

/** A statement on a connection of its own. */
function emit(
  parts: Assembly,
  text: string,
  parameters?: readonly BindValue[],
  errorText?: string,
  system = 'postgresql',
): void {
  const event = new StatementEvent({ ...ann, system }, 1_700_000_000_000_000, 'prepared');
  event.text = text;
  event.parameters = parameters;
  event.outcomes = [Object.assign(new Outcome(), { errorText })];
  parts.pipeline.auditor.open({ ...connectionInfo('postgres'), clientPort: 40_000 + connections++ }).emit(event);
}

/** All bytes of all files below a folder; a journal may go while the store is at work. */
function bytesBelow(folder: string): Buffer {
  const parts: Buffer[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) parts.push(bytesOf(join(entry.path, entry.name)));
  }
  return Buffer.concat(parts);
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return Buffer.alloc(0);
  }
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

const COLUMNS = `version: 1
mask: { columns: [card, $more] }
sets: { more: [holder.pin] }
rules:
  - { id: test/all, title: All, reason: Test., action: alert, severity: low, when: { kind: statement } }
`;
const SECRET = 'Zq7-secret';

/** The same value in each product's ways of saying it, then what its binds are. */
const SAYINGS: readonly (readonly [system: string, text: string, binds?: readonly BindValue[]])[] = [
  ['postgresql', 'INSERT INTO pay (id, card) VALUES ($1, $2)', [1, SECRET]],
  ['postgresql', `WITH x AS (UPDATE pay SET card = E'${SECRET}' WHERE id = 3 RETURNING *) SELECT * FROM x`],
  ['postgresql', `DO $$ BEGIN DELETE FROM pay WHERE card = '${SECRET}'; END $$`],
  ['mysql', `INSERT INTO pay SET id = 1, card = "${SECRET}"`],
  ['mysql', 'SELECT * FROM pay WHERE id = ? AND card IN (?, ?)', [7, SECRET, 'x']],
  ['mysql', `SET @c = '${SECRET}'; UPDATE pay SET card = @c`],
  ['microsoft.sql_server', `EXEC sp_executesql N'UPDATE pay SET card = @x', N'@x varchar(20)', @x = N'${SECRET}'`],
  ['microsoft.sql_server', 'UPDATE pay SET card = @P1 WHERE id = @P0', ['a', SECRET]],
  [
    'microsoft.sql_server',
    `MERGE pay AS p USING (SELECT 1 id) s ON p.id = s.id WHEN NOT MATCHED THEN INSERT (id, card) VALUES (1, '${SECRET}');`,
  ],
  ['oracle.db', `BEGIN EXECUTE IMMEDIATE 'UPDATE pay SET card = :1' USING '${SECRET}'; END;`],
  ['oracle.db', 'UPDATE pay SET card = :card WHERE id = :id', [SECRET, 5]],
  ['ibm.db2', `SELECT * FROM FINAL TABLE (INSERT INTO pay (id, card) VALUES (1, '${SECRET}'))`],
  ['ibm.db2', 'UPDATE pay SET id = ?, card = ?', [1, { type: 'varchar', text: SECRET, length: 99_999, sha256: 'ab' }]],
  ['postgresql', `UPDATE holder SET pin = '${SECRET}'`],
  ['microsoft.sql_server', `UPDATE pay SET ｃａｒｄ = '${SECRET}'`],
  ['oracle.db', `UPDATE pay SET U&"\\0063ard" = '${SECRET}'`],
];

test('values of masked columns are found nowhere: not in the store, its log, the lines or the alarms', () =>
  withFolder(async (folder) => {
    const alarms: string[] = [];
    const parts = await assembleIn(folder, COLUMNS, [
      new AlarmSink((alarm) => alarms.push(alarmLine(alarm, 1_000_000))),
    ]);
    for (const [i, [system, text, binds]] of SAYINGS.entries()) {
      emit(parts, text, binds, `duplicate key (${SECRET})`, system);
      if (i % SEGMENT_ROWS_MAX === 0) await parts.writer?.flush();
    }
    emit(parts, "SELECT 'plain-words' FROM pay WHERE id = $1", ['plain-bind']);
    await parts.writer?.flush();
    const open = bytesBelow(folder);
    await parts.close();
    const files = readdirSync(join(folder, 'store', 'segments'));
    assert.ok(
      files.some((file) => file.endsWith('.aix')),
      'an index was made',
    );
    const stored = recordsOf(folder);
    const said = Buffer.from(JSON.stringify([alarms, stored]));
    for (const bytes of [open, bytesBelow(folder), said]) {
      assert.ok(bytes.includes('plain-bind') && bytes.includes('plain-words'), 'what is not masked is there');
      for (const form of [
        SECRET,
        Buffer.from(SECRET).toString('hex'),
        Buffer.from(SECRET).toString('base64').slice(0, 12),
      ])
        assert.ok(!bytes.includes(form) && !bytes.includes(Buffer.from(form, 'utf16le')), form);
    }
    assert.equal(alarms.length, SAYINGS.length + 1);
    assert.equal(stored.length, SAYINGS.length + 1);
    // A literal and a bind of one value have one hash, whatever the product.
    const common = stored.map(
      ({ text, parameters }) => new Set(`${text} ${parameters?.join(' ')}`.match(/<value:[0-9a-f]{16}>/g)),
    );
    const [first = ''] = common[1] ?? [];
    // The long value is hashed with its length and digest: it was cut.
    const cut = SAYINGS.findIndex(([, , binds]) => typeof binds?.[1] === 'object');
    for (const [i, tokens] of common.entries())
      if (i !== cut && i < SAYINGS.length) assert.ok(tokens.has(first), SAYINGS[i]?.[1]);
  }));

test('EXECUTE of a statement prepared in SQL is masked by the columns of what was prepared', () =>
  withFolder(async (folder) => {
    const parts = await assembleIn(folder, COLUMNS);
    const sink = parts.pipeline.auditor.open({ ...connectionInfo('postgres'), clientPort: 39_999 });
    for (const text of ['PREPARE p AS UPDATE pay SET card = $1', `EXECUTE p ('${SECRET}')`]) {
      const event = new StatementEvent(ann, 1_700_000_000_000_000, 'simple');
      event.text = text;
      event.outcomes = [new Outcome()];
      sink.emit(event);
    }
    await parts.close();
    assert.match(recordsOf(folder)[1]?.text ?? '', /^EXECUTE p \('<value:[0-9a-f]{16}>'\)$/);
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
