/** A policy as it would be put in force: its problems by line and column, its rules, and what their own tests say. */
import { basename } from 'node:path';
import { merged } from '../../audit/split.ts';
import { PolicyError } from '../../policy/files/source.ts';
import { type Policy, parsePolicies, shortVersion } from '../../policy/policy.ts';
import { runPolicyTests } from '../../policy/rule-tests.ts';
import { readArchivedPolicy } from '../../sensor/policy-archive.ts';
import { createAnalyzer } from '../../sql/analyzer.ts';
import type { PolicyValidated, RuleInfo, SourceFile } from '../api/policies.ts';
import type { Source } from './source.ts';

const FAILED_MAX = 200;

export function validate(
  _source: Source,
  { sources, tests }: { readonly sources: readonly SourceFile[]; readonly tests: boolean },
): PolicyValidated {
  let policy: Policy;
  try {
    policy = parseSources(sources);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const problems = error.problems.map(({ file, line, column, reason }) => ({ file, line, column, reason }));
    return { problems, rules: [], tests: { passed: 0, failed: [], untested: [] } };
  }
  const { results, untested } = tests
    ? runPolicyTests(policy, createAnalyzer(), merged)
    : { results: [], untested: [] };
  const failed = results.filter(({ passed }) => !passed);
  return {
    version: shortVersion(policy),
    problems: [],
    rules: rulesOf(policy),
    tests: {
      passed: results.length - failed.length,
      failed: failed.slice(0, FAILED_MAX).map(({ rule, file, line, expected, subject }) => ({
        rule,
        file,
        line,
        expected,
        subject,
      })),
      untested: [...untested],
    },
  };
}

/** As a sensor takes them: every file that is given counts. Throws `PolicyError`. */
export function parseSources(sources: readonly SourceFile[]): Policy {
  return parsePolicies(sources.map(({ name, text }) => ({ name, text, named: true })));
}

export function rulesOf(policy: Policy): RuleInfo[] {
  return policy.rules.map(({ id, title, reason, references, severity, tags, action, mode, file, line }) => ({
    id,
    title,
    reason,
    references: [...references],
    severity,
    tags: [...tags],
    action,
    mode,
    file,
    line,
  }));
}

/** A version that judged records of this store. Throws a UserError when it was not kept. */
export function archived(
  source: Source,
  { version }: { readonly version: string },
): { readonly sources: SourceFile[]; readonly rules: RuleInfo[] } {
  const policy = readArchivedPolicy(source.directory, version);
  // Where the files lay on the sensor's machine is of no use here.
  const sources = policy.sources.map(({ name, text }) => ({ name: basename(name), text }));
  return { sources, rules: rulesOf(policy).map((rule) => ({ ...rule, file: basename(rule.file) })) };
}
