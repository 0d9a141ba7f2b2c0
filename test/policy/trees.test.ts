/**
 * Trees of conditions mean what they say: a rule holds where the logic of its parts does, each part asked alone, for
 * records with facts and without; and what is left of it for a template holds exactly where the rule does.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Auditor } from '#src/audit/auditor.js';
import { type Identity, Outcome, StatementEvent } from '#src/contracts/event.js';
import { AuditRecord } from '#src/contracts/record.js';
import type { SqlStatement } from '#src/contracts/sql.js';
import { createEngine, type ExplainingEngine } from '#src/policy/engine.js';
import { parsePolicies } from '#src/policy/policy.js';
import { connectionInfo } from '#src/protocols/sdk/testkit.js';
import { createAnalyzer } from '#src/sql/analyzer.js';

type Tree =
  | { readonly kind: 'leaf'; readonly leaf: number }
  | { readonly kind: 'not'; readonly part: Tree }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Tree[] };

/** Conditions of every cost, on facts that statements share and on such that they do not; none that remembers. */
const LEAVES: readonly string[] = [
  'user: [ann, "b*"]',
  'program: psql',
  'client: 10.0.0.0/8',
  'operation: [SELECT, DELETE]',
  'object: [t, shop.*]',
  'object_written: t',
  'column: a',
  'rows: { over: 3 }',
  'duration: { under: 1s }',
  'outcome: failed',
  'error_code: "42*"',
  'keyword: [drop, union]',
  'keyword: { words: [aid], word: false }',
  'keyword: { words: [where], in: code }',
  'regex: "paid|x\\\\b.*drop"',
  'regex: { pattern: "= \\\\?", in: code }',
  'operations: { over: 1 }',
  'text_bytes: { over: 40 }',
  'marks: gap',
];

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.nat(LEAVES.length - 1).map((leaf): Tree => ({ kind: 'leaf', leaf })),
    tie('tree').map((part): Tree => ({ kind: 'not', part })),
    fc
      .tuple(fc.constantFrom('all' as const, 'any' as const), fc.array(tie('tree'), { minLength: 1, maxLength: 3 }))
      .map(([kind, parts]): Tree => ({ kind, parts })),
  ),
}));

function written(part: Tree): string {
  if (part.kind === 'leaf') return `{ ${LEAVES[part.leaf]} }`;
  if (part.kind === 'not') return `{ not: ${written(part.part)} }`;
  return `{ ${part.kind}: [${part.parts.map(written).join(', ')}] }`;
}

function holds(part: Tree, leafHolds: (leaf: number) => boolean): boolean {
  switch (part.kind) {
    case 'leaf':
      return leafHolds(part.leaf);
    case 'not':
      return !holds(part.part, leafHolds);
    case 'all':
      return part.parts.every((each) => holds(each, leafHolds));
    case 'any':
      return part.parts.some((each) => holds(each, leafHolds));
  }
}

function engineOf(...whens: readonly string[]): ExplainingEngine {
  const rules = whens.map((when, i) => `  - { id: r${i}, title: t, reason: r, action: record, when: ${when} }\n`);
  return createEngine(parsePolicies([{ name: 'p.yaml', text: `version: 1\nrules:\n${rules.join('')}` }]));
}

const statement = fc.record({
  text: fc.constantFrom(
    "SELECT a FROM t WHERE b = 'drop it'",
    "SELECT a FROM t WHERE b = 'paid'",
    "DELETE FROM shop.orders WHERE id = 17 AND x = ''",
    "WITH w AS (DELETE FROM t RETURNING a) SELECT * FROM w, u WHERE z = 'union'",
    'DROP TABLE t',
    'COMMIT',
    undefined,
  ),
  user: fc.constantFrom('ann', 'BOB', 'eve', undefined),
  program: fc.constantFrom('psql', undefined),
  rows: fc.constantFrom(undefined, 3, 4),
  errorCode: fc.constantFrom(undefined, '42P01', '23505'),
  marks: fc.constantFrom(0, 1),
});
type Given = typeof statement extends fc.Arbitrary<infer T> ? T : never;

/** One for all: a text's template is known from its second time on. */
const analyzer = createAnalyzer();

/** Records as the audit stage makes them, with what it says of their text. */
class Records {
  readonly made: { readonly record: AuditRecord; readonly analysis: SqlStatement | undefined }[] = [];
  private readonly session: ReturnType<Auditor['open']>;
  private startUs = 1e15;

  constructor() {
    const policy = {
      matches: new Map<string, number>(),
      worst: undefined,
      evaluate: (record: AuditRecord, analysis: SqlStatement | undefined): 0 => {
        this.made.push({ record, analysis });
        return 0;
      },
    };
    const options = { sensor: 's', analyzer, policy, sink: { write: () => true } };
    this.session = new Auditor(options).open(connectionInfo('postgres'));
  }

  add({ text, user, program, rows, errorCode, marks }: Given): void {
    const identity: Identity = {
      ...{ system: 'postgresql', user, program, effectiveUser: undefined, osUser: undefined },
      ...{ clientHost: undefined, endUser: undefined, database: undefined },
    };
    this.startUs += 1e6;
    const event = new StatementEvent(identity, this.startUs, 'simple');
    event.text = text;
    event.marks = marks;
    const outcome = Object.assign(new Outcome(), { returnedRows: rows, errorCode, endUs: this.startUs + 10 });
    event.outcomes.push(outcome);
    this.session.emit(event);
  }
}

function matches(engine: ExplainingEngine, record: AuditRecord, analysis: SqlStatement | undefined): boolean {
  const copy: AuditRecord = Object.assign(new AuditRecord(), record);
  engine.evaluate(copy, analysis);
  return copy.policy !== undefined;
}

const leafEngines: readonly ExplainingEngine[] = LEAVES.map((leaf) => engineOf(`{ ${leaf} }`));

test('a tree holds where its parts say so, with a template and without', () => {
  let specialised = 0;
  fc.assert(
    fc.property(tree, fc.array(statement, { minLength: 6, maxLength: 12 }), (condition, given) => {
      const when = written(condition);
      const engine = engineOf(when);
      const records = new Records();
      for (const one of given) records.add(one);
      for (const { record, analysis } of records.made) {
        const expected = holds(condition, (leaf) => matches(leafEngines[leaf] as ExplainingEngine, record, analysis));
        assert.equal(matches(engine, record, analysis), expected, `${when} on ${record.text}`);
        if (analysis?.template === undefined) continue;
        specialised++;
        const plain = { ...analysis, template: undefined };
        assert.equal(matches(engine, record, plain), expected, `without its template: ${when} on ${record.text}`);
      }
    }),
    { seed: 17, numRuns: 600 },
  );
  assert.ok(specialised > 1000, `${specialised} with a template`);
});

test('what matched can be explained, and what did not cannot', () => {
  fc.assert(
    fc.property(tree, fc.array(statement, { minLength: 3, maxLength: 6 }), (condition, given) => {
      const when = written(condition);
      const engine = engineOf(when);
      const records = new Records();
      for (const one of given) records.add(one);
      for (const { record, analysis } of records.made) {
        const copy: AuditRecord = Object.assign(new AuditRecord(), record);
        engine.evaluate(copy, analysis);
        const [explanation] = engine.explain(copy, analysis);
        assert.equal(explanation !== undefined, copy.policy !== undefined, when);
        if (explanation === undefined) continue;
        assert.ok(explanation.evidence.length > 0, `no evidence: ${when} on ${record.text}`);
        const bytes = Buffer.byteLength(record.text ?? '');
        for (const { byteStart = 0, byteEnd = 0 } of explanation.evidence)
          assert.ok(byteStart >= 0 && byteStart <= byteEnd && byteEnd <= bytes, when);
      }
    }),
    { seed: 23, numRuns: 300 },
  );
});
