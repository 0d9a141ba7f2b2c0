/** Policies of a store: its history, why its records matched, and what other rules would have matched there. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { UserError } from '../base/errors.ts';
import { type Identity, Outcome, StatementEvent } from '../contracts/event.ts';
import { diffPolicies } from '../policy/files/diff.ts';
import { parsePolicies, shortVersion } from '../policy/policy.ts';
import { connectionInfo } from '../protocols/sdk/testkit.ts';
import { StoreReader } from '../store/reader.ts';
import { assemble, readPolicies } from './assemble.ts';
import { RecordExplainer } from './explainer.ts';
import { listPolicies, readArchivedPolicy } from './policy-archive.ts';
import { type TryEvent, tryPolicy } from './try.ts';

const START_US = 1_700_000_000_000_000;
const RECORDS = 1200;

function policyFor(table: string): string {
  return `version: 1
rules:
  - { id: test/${table}, title: T, reason: R, action: alert, severity: high, when: { object: ${table}, not: { user: root } } }
`;
}

const ann: Identity = {
  system: 'mysql',
  user: 'ann',
  effectiveUser: undefined,
  osUser: undefined,
  clientHost: undefined,
  program: 'app',
  endUser: undefined,
  database: 'shop',
};

const folder: string = mkdtempSync(join(tmpdir(), 'wiretrail-policies-'));
const store: string = join(folder, 'store');

before(async () => {
  const first = join(folder, 'first.yaml');
  const second = join(folder, 'second.yaml');
  writeFileSync(first, policyFor('orders'));
  writeFileSync(second, policyFor('customers'));
  const parts = await assemble({
    sensor: 'test',
    policies: [first],
    maskKey: undefined,
    ports: new Map(),
    flowsMax: 16,
    overlap: [],
    evidence: undefined,
    store,
    jsonl: undefined,
    whenFull: 'wait',
  });
  const sink = parts.pipeline.auditor.open(connectionInfo('mysql'));
  for (let i = 0; i < RECORDS; i++) {
    if (i === RECORDS / 2) parts.enforce(readPolicies([second]));
    const event = new StatementEvent(ann, START_US + i * 1000, 'simple');
    event.text = `SELECT ${i} FROM ${i % 2 === 0 ? 'orders' : 'customers'}`;
    event.outcomes = [new Outcome()];
    sink.emit(event);
  }
  await parts.close();
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('the history names versions and files, gives a policy again, and tells two apart', () => {
  const list = listPolicies(store);
  assert.deepEqual(list.map(({ files, rules }) => [files, rules]).sort(), [
    [['first.yaml'], 1],
    [['second.yaml'], 1],
  ]);
  assert.ok(list.every(({ sinceUs }) => sinceUs > START_US));
  const [a, b] = ['first.yaml', 'second.yaml'].map(
    (file) => list.find(({ files }) => files[0] === file)?.version ?? '',
  );
  const policy = readArchivedPolicy(store, a ?? '');
  assert.equal(shortVersion(policy), a);
  assert.deepEqual(
    diffPolicies(policy, readArchivedPolicy(store, b ?? '')).rules.map(({ rule, change }) => `${change} ${rule}`),
    ['added test/customers', 'removed test/orders'],
  );
  for (const version of ['000000000000', '../../catalog', ''])
    assert.throws(() => readArchivedPolicy(store, version), UserError);
});

test('a record is explained by the policy that judged it', () => {
  const reader = new StoreReader(store);
  const explainer = new RecordExplainer(store);
  const explained = [...reader.query({ order: 'oldest', filter: undefined })].map((record) =>
    explainer.explain(record),
  );
  reader.close();
  assert.deepEqual(
    explained.map(([match]) => match?.rule),
    Array.from({ length: RECORDS }, (_, i) => {
      const table = i < RECORDS / 2 ? 'orders' : 'customers';
      return (table === 'orders') === (i % 2 === 0) ? `test/${table}` : undefined;
    }),
  );
  assert.deepEqual(
    explained[0]?.[0]?.sentences.map(({ text }) => text),
    [
      'The rule asks for no user root; there is none.',
      'The rule asks for object orders; found orders at bytes 14 to 20.',
    ],
  );
});

test('a trial counts all matches, gives the first, says how far it is, and can be left', async () => {
  const policy = parsePolicies([{ name: 't.yaml', text: policyFor('orders') }]);
  const events: TryEvent[] = [];
  for await (const event of tryPolicy(policy, { store, examples: 2 })) events.push(event);
  const matches = events.filter((event) => event.kind === 'match');
  assert.deepEqual(
    matches.map(({ text }) => text),
    ['SELECT 0 FROM orders', 'SELECT 2 FROM orders'],
  );
  assert.equal(matches[0]?.explained[0]?.rule, 'test/orders');
  const progress = events.filter((event) => event.kind === 'progress');
  assert.deepEqual(
    progress.map(({ records }) => records),
    [500, 1000],
  );
  const shares = progress.map(({ share }) => share);
  assert.ok(
    shares.every((share, i) => share > 0 && share < 1 && share > (shares[i - 1] ?? 0)),
    shares.join(),
  );
  assert.deepEqual(events.at(-1), {
    kind: 'done',
    records: RECORDS,
    share: 1,
    matches: { 'test/orders': RECORDS / 2 },
  });
  for await (const event of tryPolicy(policy, { store })) {
    assert.equal(event.kind, 'match');
    break;
  }
  const range = { store, fromUs: START_US + 10_000, toUs: START_US + 20_000, examples: 0 };
  const few: TryEvent[] = [];
  for await (const event of tryPolicy(policy, range)) few.push(event);
  assert.deepEqual(few, [{ kind: 'done', records: 10, share: 1, matches: { 'test/orders': 5 } }]);
  await assert.rejects(async () => {
    for await (const event of tryPolicy(policy, { store, fromUs: 5, toUs: 5 })) assert.fail(event.kind);
  }, UserError);
});
