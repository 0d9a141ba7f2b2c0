/**
 * Keeps every policy that judged a record of a store: `policies/<version>.json` there, named by what the records carry in
 * `audit.policy_version`. With the texts of its files the policy can be put in force again; its rules say what it did.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../base/errors.ts';
import type { PolicySource } from '../policy/files/source.ts';
import { type Policy, parsePolicies, shortVersion } from '../policy/policy.ts';

export const POLICY_FOLDER = 'policies';
const VERSION_FILE = /^([0-9a-f]{12})\.json$/;

/** A policy of the archive, as a list of them shows it. */
export interface ArchivedPolicy {
  /** As in `audit.policy_version`. */
  readonly version: string;
  /** Microseconds since 1970: when it first was in force over this store. */
  readonly sinceUs: number;
  readonly rules: number;
  /** Names of its files, without folders. */
  readonly files: readonly string[];
}

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

/** Newest first. A file that cannot be read is left out. */
export function listPolicies(store: string): readonly ArchivedPolicy[] {
  const folder = join(store, POLICY_FOLDER);
  if (!existsSync(folder)) return [];
  const list: ArchivedPolicy[] = [];
  for (const name of readdirSync(folder)) {
    const version = VERSION_FILE.exec(name)?.[1];
    if (version === undefined) continue;
    const kept = readKept(join(folder, name));
    if (kept === undefined) continue;
    const sinceUs = Math.floor(statSync(join(folder, name)).mtimeMs * 1000);
    const files = kept.sources.map((source) => basename(source.name));
    list.push({ version, sinceUs, rules: kept.rules.length, files });
  }
  return list.sort((a, b) => b.sinceUs - a.sinceUs);
}

/** The policy of that version, ready to judge again. Throws a UserError when the store does not have it. */
export function readArchivedPolicy(store: string, version: string): Policy {
  const path = join(store, POLICY_FOLDER, `${version}.json`);
  const kept = VERSION_FILE.test(`${version}.json`) && existsSync(path) ? readKept(path) : undefined;
  if (kept === undefined) throw new UserError(`${store}: no policy ${version} here`);
  return parsePolicies(kept.sources);
}

/** Titles of rules by id, as the latest policy that has the rule calls it. Each kept policy is read once. */
export class RuleTitles {
  private readonly folder: string;
  private readonly versions = new Set<string>();
  private readonly titles = new Map<string, { readonly title: string; readonly sinceMs: number }>();

  constructor(store: string) {
    this.folder = join(store, POLICY_FOLDER);
  }

  /** Of a rule that no kept policy has: `undefined`. Policies kept since the last `refresh` are not looked at. */
  get(rule: string): string | undefined {
    return this.titles.get(rule)?.title;
  }

  refresh(): void {
    if (!existsSync(this.folder)) return;
    for (const name of readdirSync(this.folder)) {
      if (!VERSION_FILE.test(name) || this.versions.has(name)) continue;
      this.versions.add(name);
      const path = join(this.folder, name);
      const sinceMs = statSync(path).mtimeMs;
      for (const { id, title } of readKept(path)?.rules ?? [])
        if (sinceMs >= (this.titles.get(id)?.sinceMs ?? 0)) this.titles.set(id, { title, sinceMs });
    }
  }
}

interface Kept {
  readonly rules: readonly { readonly id: string; readonly title: string }[];
  readonly sources: readonly PolicySource[];
}

function readKept(path: string): Kept | undefined {
  try {
    const { rules, sources } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Record<'rules' | 'sources', unknown>>;
    if (!Array.isArray(rules) || !Array.isArray(sources)) return undefined;
    return { rules: rules.filter(isRule), sources: sources.filter(isSource) };
  } catch {
    return undefined;
  }
}

function isRule(value: unknown): value is Kept['rules'][number] {
  const { id, title } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof id === 'string' && typeof title === 'string';
}

function isSource(value: unknown): value is PolicySource {
  const { name, text } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof name === 'string' && typeof text === 'string';
}

function describePolicy(policy: Policy): object {
  const { version, record, mask, maskColumns, sources, disabled } = policy;
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
  return { version, record, mask, maskColumns, rules, disabled, sources };
}
