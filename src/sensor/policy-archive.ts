/**
 * Keeps every policy that judged a record of a store: `policies/<version>.json` there, named by what the records carry in
 * `audit.policy_version`. With the texts of its files the policy can be put in force again; its rules say what it did.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import { type Policy, shortVersion } from '../policy/policy.ts';

export const POLICY_FOLDER = 'policies';

/** Writes the policy unless it is there. Throws a UserError when it cannot. */
export function archivePolicy(store: string, policy: Policy): void {
  const folder = join(store, POLICY_FOLDER);
  const path = join(folder, `${shortVersion(policy)}.json`);
  try {
    if (existsSync(path)) return;
    mkdirSync(folder, { recursive: true });
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, `${JSON.stringify(describePolicy(policy), undefined, 1)}\n`, { mode: 0o640 });
    renameSync(draft, path);
  } catch (error) {
    throw new UserError(`cannot keep the policy in the store: ${(error as Error).message}`);
  }
}

function describePolicy(policy: Policy): object {
  const { version, record, mask, sources, disabled } = policy;
  const rules = policy.rules.map(({ id, title, reason, references, severity, tags, action, mode, file, line }) => ({
    id,
    title,
    reason,
    references,
    severity,
    tags,
    action,
    mode,
    file,
    line,
  }));
  return { version, record, mask, rules, disabled, sources };
}
