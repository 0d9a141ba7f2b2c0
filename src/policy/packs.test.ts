import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { merged } from '../audit/split.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { policySchema } from './files/schema.ts';
import { loadPolicies } from './policy.ts';
import { runPolicyTests } from './rule-tests.ts';

const FOLDER = join(import.meta.dirname, '../../policies');

test('the packs load, and every rule has cases that match and cases that miss', () => {
  const policy = loadPolicies(FOLDER, { disabledToo: true });
  const { results, untested } = runPolicyTests(policy, createAnalyzer(), merged);
  assert.deepEqual(untested, []);
  const failed = results.filter((result) => !result.passed);
  assert.deepEqual(
    failed.map(({ file, line, rule, expected, subject }) => `${file}:${line}: ${rule} should ${expected}: ${subject}`),
    [],
  );
  assert.ok(results.length > 40);
  for (const rule of policy.rules) assert.ok(rule.references.length > 0, `${rule.id} names no reference`);
});

test('the schema in the folder is the one of the code', () => {
  const text = readFileSync(join(FOLDER, 'policy.schema.json'), 'utf8');
  assert.deepEqual(JSON.parse(text), policySchema());
});

test('the packs agree with the schema', () => {
  const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(policySchema());
  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'))) {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    assert.match(text, /^# yaml-language-server: \$schema=policy\.schema\.json\n/, name);
    assert.ok(validate(parse(text)), `${name}: ${JSON.stringify(validate.errors?.slice(0, 3))}`);
  }
});
