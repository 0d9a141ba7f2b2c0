import assert from 'node:assert/strict';
import { test } from 'node:test';
import { merged } from '../audit/split.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { parsePolicies } from './policy.ts';
import { runPolicyTests } from './rule-tests.ts';

/** Whether the rule matched each text, as one record (`batch`) or as one a statement. */
function matched(when: string, batch: boolean, ...texts: readonly string[]): boolean[] {
  const cases = texts.map((text) => `        - { sql: ${JSON.stringify(text)}, batch: ${batch} }`).join('\n');
  const text = `version: 1\nrules:\n  - id: a\n    title: t\n    reason: r\n    action: record\n    when: ${when}\n    tests:\n      match:\n${cases}\n`;
  const { results } = runPolicyTests(parsePolicies([{ name: 'a.yaml', text }]), createAnalyzer(), merged);
  return results.map(({ passed }) => passed);
}

test('a batch is judged by what all its statements name', () => {
  const texts = ['SELECT 1; SELECT salary FROM staff', 'SELECT 1; SELECT pg_sleep(5)', 'SELECT 1; CALL clean_up()'];
  assert.deepEqual(matched('{ column: salary }', true, ...texts), [true, false, false]);
  assert.deepEqual(matched('{ function: pg_sleep }', true, ...texts), [false, true, false]);
  assert.deepEqual(matched('{ procedure: clean_up }', true, ...texts), [false, false, true]);
  assert.deepEqual(matched('{ operations: { over: 1 } }', true, ...texts), [false, false, true]);
});

test('a batch is one record: conditions meet across its statements, which they do not where each has its own', () => {
  const when = '{ function: version, object: staff }';
  const text = 'SELECT version(); SELECT * FROM staff';
  assert.deepEqual(matched(when, true, text), [true]);
  assert.deepEqual(matched(when, false, text), [false]);
});
