/** What the console shows of policies: what changed, why a record matched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AuditRecord } from '../contracts/record.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { Facts, locate } from './conditions/facts.ts';
import { createEngine } from './engine.ts';
import { diffLines, diffPolicies } from './files/diff.ts';
import { parsePolicies } from './policy.ts';
import { explainMatches } from './sentences.ts';

function rule(id: string, when: string, severity = 'high'): string {
  return `  - { id: ${id}, title: T, reason: R, references: [X 1], action: alert, severity: ${severity}, when: ${when} }\n`;
}

function policyText(...rules: string[]): string {
  return `version: 1\nsets: { dbas: [ann, bob] }\nrules:\n${rules.join('')}`;
}

test('a difference names rules, the keys that changed, and lines with some around them', () => {
  const before = parsePolicies([
    {
      name: 'd/a.yaml',
      text: policyText(rule('stays', '{ user: x }'), rule('goes', '{ user: y }'), rule('turns', '{ user: $dbas }')),
    },
    { name: 'gone.yaml', text: 'version: 1\n' },
  ]);
  const after = parsePolicies([
    {
      name: 'e/a.yaml',
      text: policyText(
        rule('stays', '{ user: x }'),
        rule('turns', '{ user: [$dbas, eve] }', 'low'),
        rule('comes', '{ user: z }'),
      ),
    },
  ]);
  const { rules, files } = diffPolicies(before, after);
  assert.deepEqual(rules, [
    { rule: 'turns', change: 'changed', keys: ['when', 'severity'] },
    { rule: 'comes', change: 'added', keys: [] },
    { rule: 'goes', change: 'removed', keys: [] },
  ]);
  assert.deepEqual(
    files.map(({ file, change, lines }) => [file, change, lines.map(({ kind }) => kind[0]).join('')]),
    [
      ['a.yaml', 'changed', 'sssrraa'],
      ['gone.yaml', 'removed', 'r'],
    ],
  );
  assert.deepEqual(diffPolicies(before, before), { rules: [], files: [] });
});

test('the lines of a difference give both texts again, and no more than was changed', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });
  fc.assert(
    fc.property(lines, lines, (a, b) => {
      const changes = diffLines(a.map((line) => `${line}\n`).join(''), b.map((line) => `${line}\n`).join(''));
      const removed = changes.filter(({ kind }) => kind === 'removed');
      const added = changes.filter(({ kind }) => kind === 'added');
      for (const { text, line } of removed) assert.equal(a[line - 1], text);
      for (const { text, line } of added) assert.equal(b[line - 1], text);
      const gone = new Set(removed.map(({ line }) => line - 1));
      const come = new Set(added.map(({ line }) => line - 1));
      assert.deepEqual(
        a.filter((_, i) => !gone.has(i)),
        b.filter((_, i) => !come.has(i)),
      );
    }),
    { seed: 5, numRuns: 1000 },
  );
  const large = Array.from({ length: 3000 }, (_, i) => `x${i}\n`);
  assert.equal(diffLines(large.join(''), large.map((line) => `y${line}`).join('')).length, 6000);
});

/** Sentences of each rule, with what stands in the text at their bytes. */
function why(when: string, sql: string, facts: Partial<AuditRecord> = {}): string[] {
  const engine = createEngine(parsePolicies([{ name: 'a.yaml', text: policyText(rule('x', when)) }]));
  const [statement] = createAnalyzer().analyze(sql, 'postgresql');
  const record = Object.assign(new AuditRecord(), {
    text: sql,
    operation: statement?.operation,
    objects: statement?.objects,
    summary: statement?.summary,
    ...facts,
  });
  engine.evaluate(record, statement);
  return explainMatches(engine, record, statement).flatMap(({ sentences }) =>
    sentences.map(({ text, start, end, byteStart, byteEnd }) => {
      if (start === undefined || byteStart === undefined) return text;
      assert.equal(Buffer.from(sql).toString('utf8', byteStart, byteEnd), sql.slice(start, end));
      return `${text} → ${sql.slice(start, end)}`;
    }),
  );
}

test('a match explains itself in sentences, with bytes and characters of the statement', () => {
  assert.deepEqual(
    why('{ user: $dbas, object: orders, not: { program: psql } }', "SELECT 'ä' FROM reorders, shop.Orders", {
      user: 'Ann',
      program: 'app',
    }),
    [
      'The rule asks for user ann, bob; found Ann.',
      'The rule asks for no program psql; there is none.',
      'The rule asks for object orders; found shop.Orders at bytes 32 to 38. → Orders',
    ],
  );
  assert.deepEqual(why('{ operation: DROP TABLE }', '/* é */ DROP /* x */ TABLE t'), [
    'The rule asks for operation DROP TABLE; found DROP TABLE at bytes 9 to 27. → DROP /* x */ TABLE',
  ]);
  assert.deepEqual(why('{ operation: CREATE TABLE }', 'create temp table t (a int)'), [
    'The rule asks for operation CREATE TABLE; found CREATE TABLE at bytes 0 to 17. → create temp table',
  ]);
  assert.deepEqual(why('{ keyword: [waitfor] }', 'ü WAITFOR x'), [
    'The rule asks for keyword waitfor; found waitfor at bytes 3 to 10. → WAITFOR',
  ]);
  assert.deepEqual(why('{ rows: { over: 5 } }', 'SELECT 1', { returnedRows: 9 }), [
    'The rule asks for rows { over: 5 }; found 9.',
  ]);
  assert.deepEqual(why('{ user: nobody }', 'SELECT 1', { user: 'Ann' }), []);
});

test('a name of many words costs no more to find than the text is long', () => {
  // Words with anything between them, asked of a text with thousands of them: hours for an engine that backtracks.
  const text = `SELECT * FROM "${'a '.repeat(2000)}"`;
  const facts = new Facts(Object.assign(new AuditRecord(), { text }));
  for (const words of [3, 5, 8, 60]) assert.deepEqual(locate(facts, 'x', `${'a '.repeat(words)}zz`), { found: 'x' });
  assert.deepEqual(locate(facts, 'x', 'a a a'), { found: 'x', byteStart: 15, byteEnd: 20 });
});

test('a letter whose small form is longer moves no place', () => {
  const facts = new Facts(Object.assign(new AuditRecord(), { text: 'SELECT \u0130, ORDERS' }));
  assert.deepEqual(locate(facts, 'orders', 'orders'), { found: 'orders', byteStart: 11, byteEnd: 17 });
});

test('full-width forms hide neither words nor names, and the bytes are those of the text as sent', () => {
  const wide = 'SELECT é FROM t WHERE ｕｎｉｏｎ　ＳＥＬＥＣＴ';
  assert.deepEqual(why('{ keyword: [union] }', wide), [
    'The rule asks for keyword union; found union at bytes 23 to 38. → ｕｎｉｏｎ',
  ]);
  assert.deepEqual(why("{ regex: 'union\\s+select' }", wide), [
    'The rule asks for regex union\\s+select; found union SELECT at bytes 23 to 59. → ｕｎｉｏｎ　ＳＥＬＥＣＴ',
  ]);
  assert.equal(why('{ object: users }', 'SELECT * FROM ｕｓｅｒｓ').length, 1);
});
