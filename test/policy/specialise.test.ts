/**
 * Rules specialised for the template of a statement hold where the rules themselves do: two engines see the same
 * records as the audit stage makes them, one of them without templates.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Auditor } from '#src/audit/auditor.js';
import { unlimitedMemory } from '#src/base/memory-budget.js';
import { type Identity, Outcome, StatementEvent } from '#src/contracts/event.js';
import type { PolicyEngine } from '#src/contracts/policy.js';
import type { ConnectionInfo } from '#src/contracts/protocol.js';
import { AuditRecord, type PolicyMatch } from '#src/contracts/record.js';
import { createEngine } from '#src/policy/engine.js';
import { loadPolicies, type Policy, parsePolicies } from '#src/policy/policy.js';
import { createAnalyzer } from '#src/sql/analyzer.js';

/** Words at every place where they can stand in a template: code, strings, across their ends, next to numbers. */
const RULES = `
version: 1
rules:
${[
  ['word', 'keyword: [drop, "or 1"]'],
  ['part', 'keyword: { words: [rop, "= ", "paid"], word: false }'],
  ['across', `keyword: { words: ["'x", "1,", "e'"], word: false }`],
  ['code', 'keyword: { words: [where, "= ?"], in: code }'],
  ['not', 'not: { keyword: [where] }'],
  ['regex', `regex: "drop\\\\s+table|paid'"`],
  ['regex-code', 'regex: { pattern: "where.*like", in: code }'],
  ['several', 'any: [{ keyword: union }, { all: [{ keyword: drop }, { rows: { over: 3 } }] }, { object: t2 }]'],
  ['count', 'all: [{ count: { over: 2, within: 1h, by: user } }, { any: [{ keyword: zz }, { object: t2 }] }]'],
  ['counted', 'all: [{ operation: [SELECT, UPDATE] }, { count: { over: 2, within: 1h, by: user } }]'],
  ['seen', 'any: [{ first_seen: { what: user, for: object, learn: 0s } }, { object: t }]'],
  ['none', 'not: { object: [t, t2] }'],
]
  .map(([id, when]) => `  - { id: ${id}, title: t, reason: r, action: record, when: { ${when} } }`)
  .join('\n')}
`;

const CODES = [
  'SELECT a FROM t WHERE b = ? AND c LIKE ?',
  'UPDATE t2 SET a = ?, b=? WHERE c in (?,?)',
  'INSERT INTO t (a) VALUES (?, ?)',
  'SELECT drop_it, ? FROM t2 where paid=?',
  'DELETE FROM t',
];
const LITERALS = [
  ...['1', '12', '1.5', "'x'", "'open'", "'drop table t'", "'drop'", "'paid'", "'or 1=1'", "' union select '"],
  ...["'o''drop'", "'é drop'", 'NULL', "''", "'zz'"],
];

const statement = fc.record({
  text: fc
    .tuple(fc.constantFrom(...CODES), fc.array(fc.constantFrom(...LITERALS), { minLength: 4, maxLength: 4 }))
    .map(([code, literals]) => code.split('?').reduce((joined, part, i) => joined + literals[i - 1] + part)),
  user: fc.constantFrom('ann', 'bob', undefined),
  program: fc.constantFrom('pg_dump', undefined),
  rows: fc.constantFrom(undefined, 0, 4, 200_000),
  errorCode: fc.constantFrom(undefined, '42'),
});

const CONNECTION: ConnectionInfo = {
  protocol: 'mysql',
  clientAddress: '10.0.0.1',
  clientPort: 4000,
  serverAddress: '10.0.0.2',
  serverPort: 3306,
  firstTsUs: 1e15,
  midstream: false,
  vlanId: -1,
  tunnel: '',
  shared: new Map(),
  memory: unlimitedMemory(),
};

/** Judges by both engines and compares. */
class Twins implements PolicyEngine {
  readonly matches: ReadonlyMap<string, number> = new Map();
  readonly worst = undefined;
  specialised = 0;
  private readonly special: PolicyEngine;
  private readonly plain: PolicyEngine;

  constructor(policy: Policy) {
    this.special = createEngine(policy, { maskKey: 'k' });
    this.plain = createEngine(policy, { maskKey: 'k' });
  }

  evaluate(...[record, analysis]: Parameters<PolicyEngine['evaluate']>): 0 | 1 | 2 {
    const twin: AuditRecord = Object.assign(new AuditRecord(), record);
    const disposition = this.special.evaluate(record, analysis);
    assert.equal(this.plain.evaluate(twin, analysis && { ...analysis, template: undefined }), disposition);
    const rulesOf = (matches: readonly PolicyMatch[] | undefined): readonly string[] | undefined =>
      matches?.map(({ rule }) => rule);
    assert.deepEqual(rulesOf(record.policy), rulesOf(twin.policy), record.text);
    assert.deepEqual(record, twin);
    if (analysis?.template) this.specialised++;
    return disposition;
  }
}

function compare(policy: Policy, numRuns: number): void {
  const twins = new Twins(policy);
  const options = { sensor: 's', analyzer: createAnalyzer(), policy: twins, sink: { write: () => true } };
  const session = new Auditor(options).open(CONNECTION);
  let startUs = CONNECTION.firstTsUs;
  fc.assert(
    fc.property(statement, ({ text, user, program, rows, errorCode }) => {
      const identity: Identity = {
        ...{ system: 'mysql', user, program, effectiveUser: undefined, osUser: undefined },
        ...{ clientHost: undefined, endUser: undefined, database: 'shop' },
      };
      startUs += 1e6;
      const event = new StatementEvent(identity, startUs, 'simple');
      event.text = text;
      const outcome = new Outcome();
      outcome.returnedRows = rows;
      outcome.errorCode = errorCode;
      event.outcomes.push(outcome);
      session.emit(event);
    }),
    { seed: 11, numRuns },
  );
  assert.ok(twins.specialised > numRuns / 4, `${twins.specialised} of ${numRuns}`);
}

test('rules with words and memory', () => {
  compare(parsePolicies([{ name: 'rules.yaml', text: RULES }]), 6000);
});

test('all packs', () => {
  compare(loadPolicies(['policies'], { disabledToo: true }), 1500);
});
