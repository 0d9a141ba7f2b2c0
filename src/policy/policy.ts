/** Policies: from YAML files to checked rules. The form of the files is described in `policies/policy.schema.json`. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../base/errors.ts';
import type { Sets, Value } from './conditions/arguments.ts';
import { buildCondition } from './conditions/condition.ts';
import { PolicyFileReader, type Rule } from './files/policy-file.ts';
import { PolicyError, type PolicyProblem, type PolicySource } from './files/source.ts';
import type { SensitiveKind } from './mask/sensitive.ts';
import { MatcherError } from './match/aho-corasick.ts';
import { KeywordScanner } from './match/keywords.ts';

export interface Policy {
  /** SHA-256 over names and texts of the files, in hexadecimal. */
  readonly version: string;
  /** What is kept without a rule: everything, or nothing. */
  readonly record: 'all' | 'matched';
  /** Kinds of values to mask in every record. */
  readonly mask: readonly SensitiveKind[];
  /** Columns, or `table.column`, whose values are masked in every record. */
  readonly maskColumns: readonly string[];
  /** In order of file names, then of their place. */
  readonly rules: readonly Rule[];
  /** What it was read from, to be read again in another thread. */
  readonly sources: readonly PolicySource[];
  /** Names of files that say `enabled: false` and were left out. */
  readonly disabled: readonly string[];
}

const VERSION_DIGITS_SHORT = 12;

/** The version as people and records name it. */
export function shortVersion(policy: Policy): string {
  return policy.version.slice(0, VERSION_DIGITS_SHORT);
}

export interface PolicyOptions {
  /** Also take files that say `enabled: false`. */
  readonly disabledToo?: boolean;
  /** These very texts have been read before without complaint: what costs most is not checked again. */
  readonly checked?: boolean;
}

const RULES_MAX = 5000;
const RULES_PER_STEP = 50;

/**
 * Reads policy files. A folder stands for its `*.yaml` and `*.yml` files, of which those with `enabled: false` are
 * left out. Where they say so on a line of its own they are not even checked: reading all packs would take longer than
 * all else at a sensor's start. A file named itself always counts. Throws `PolicyError`, a UserError for a folder without
 * policies, or the system's error for a file that cannot be read.
 */
export function loadPolicies(paths: string | readonly string[], options: PolicyOptions = {}): Policy {
  const named: PolicySource[] = [];
  const found: PolicySource[] = [];
  for (const path of typeof paths === 'string' ? [paths] : paths) {
    if (!statSync(path).isDirectory()) named.push({ name: path, text: readFileSync(path, 'utf8') });
    else for (const file of policyFiles(path)) found.push({ name: file, text: readFileSync(file, 'utf8') });
  }
  const sources = [...found, ...named.map((source) => ({ ...source, named: true }))];
  sources.sort((a, b) => compareNames(basename(a.name), basename(b.name)) || compareNames(a.name, b.name));
  return parsePolicies(sources, options);
}

function policyFiles(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
  // Another folder was meant: without rules everything would look calm.
  if (names.length === 0) throw new UserError(`${folder}: no policy file (*.yaml, *.yml) in this folder`);
  return names.sort(compareNames).map((name) => join(folder, name));
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Texts that are already read, in the order in which their rules apply. Throws `PolicyError`. */
export function parsePolicies(sources: readonly PolicySource[], options: PolicyOptions = {}): Policy {
  const steps = parsePolicySteps(sources, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** `parsePolicies` with a pause after every file and every so many rules, for a thread that has packets to read. */
export function* parsePolicySteps(
  sources: readonly PolicySource[],
  options: PolicyOptions = {},
): Generator<undefined, Policy, undefined> {
  const problems: PolicyProblem[] = [];
  const files: PolicyFileReader[] = [];
  const off = sources.filter((source) => saysOff(source, options));
  for (const source of sources) {
    if (off.includes(source)) continue;
    files.push(new PolicyFileReader(source, problems));
    yield;
  }
  const taken = files.filter((file) => isTaken(file, options));
  const disabled = files.filter((file) => !isTaken(file, options));
  const takenSets = mergeSets(taken);
  // Checked with the sets it would have, were it in force; which then add nothing to those that are.
  const allSets = mergeSets([...taken, ...disabled]);
  const rules: Rule[] = [];
  const maskColumns: string[] = [];
  const ids = new Map<string, Rule>();
  for (const file of files) {
    const isInForce = taken.includes(file);
    const sets = isInForce ? takenSets : allSets;
    const columns = file.readMaskColumns(sets);
    if (isInForce) maskColumns.push(...columns);
    let read = 0;
    for (const rule of file.readRules(sets, ids)) {
      if (isInForce) rules.push(rule);
      if (++read % RULES_PER_STEP === 0) yield;
    }
    yield;
  }
  if (rules.length > RULES_MAX) files[0]?.fail(`${rules.length} rules, at most ${RULES_MAX} are allowed`);
  const record = mergeRecord(taken);
  if (problems.length === 0 && options.checked !== true) checkKeywords(rules, problems);
  if (problems.length > 0) throw new PolicyError(problems);
  return {
    version: hashOf(sources),
    record,
    mask: [...new Set(taken.flatMap((file) => file.mask))],
    maskColumns: [...new Set(maskColumns)],
    rules,
    sources,
    disabled: [...off, ...disabled.map((file) => file.source)].map(({ name }) => name).sort(compareNames),
  };
}

/** In the first column stands a key of the file itself: what is nested or continued is indented. */
const OFF = /^enabled:[ \t]+false[ \t]*(?:#.*)?$/m;

function saysOff({ named, text }: PolicySource, options: PolicyOptions): boolean {
  return named !== true && options.disabledToo !== true && OFF.test(text);
}

function isTaken(file: PolicyFileReader, options: PolicyOptions): boolean {
  return file.enabled || file.source.named === true || options.disabledToo === true;
}

function hashOf(sources: readonly PolicySource[]): string {
  const hash = createHash('sha256');
  // Lengths keep names and texts apart, so that no two lists of files hash the same bytes.
  for (const { name, text } of sources) hash.update(`${basename(name)}\n${Buffer.byteLength(text)}\n${text}`);
  return hash.digest('hex');
}

/** A set defined in several files is all their values together, so a local file can add to a pack's. */
function mergeSets(files: readonly PolicyFileReader[]): Sets {
  const sets = new Map<string, Value[]>();
  for (const file of files) {
    for (const [name, values] of file.sets) sets.set(name, [...(sets.get(name) ?? []), ...values]);
  }
  return sets;
}

function mergeRecord(files: readonly PolicyFileReader[]): 'all' | 'matched' {
  let record: 'all' | 'matched' | undefined;
  for (const file of files) {
    if (file.record === undefined) continue;
    if (record !== undefined && record !== file.record.value)
      file.problem(file.record.node, `"record: ${file.record.value}" contradicts "record: ${record}" of another file`);
    record = file.record.value;
  }
  return record ?? 'all';
}

/** The automaton of all keywords is built once here, so that its limits refuse the policy, not the running sensor. */
function checkKeywords(rules: readonly Rule[], problems: PolicyProblem[]): void {
  const keywords = new KeywordScanner();
  for (const rule of rules) buildCondition(rule.when, { keywords, deferral: undefined });
  try {
    keywords.seal();
  } catch (error) {
    if (!(error instanceof MatcherError)) throw error;
    const file = rules[0]?.file ?? '';
    problems.push({ file, line: 1, column: 1, reason: `keywords of all rules: ${error.message}` });
  }
}
