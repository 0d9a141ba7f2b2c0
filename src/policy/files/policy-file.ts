/** Reads one policy file: its head, its sets and its rules. */
import { isMap, type Node } from 'yaml';
import { SEVERITIES, type Severity } from '../../contracts/record.ts';
import { readNames, type Sets, type Value } from '../conditions/arguments.ts';
import type { Condition } from '../conditions/condition.ts';
import { readWhen } from '../conditions/when.ts';
import { SENSITIVE_KINDS, type SensitiveKind } from '../mask/sensitive.ts';
import { type Expectations, readExpectations } from './expectations.ts';
import { type Entry, PolicyFile, type PolicyProblem, type PolicySource } from './source.ts';

export const ACTIONS = ['record', 'alert', 'ignore', 'mask'] as const;
export type Action = (typeof ACTIONS)[number];

/** `shadow`: on trial; matches are written down, and nothing else comes of them. */
export const MODES = ['enforce', 'shadow'] as const;
export type Mode = (typeof MODES)[number];

export interface Rule {
  /** Unique over all files. */
  readonly id: string;
  readonly title: string;
  readonly reason: string;
  readonly references: readonly string[];
  readonly severity: Severity;
  readonly tags: readonly string[];
  readonly action: Action;
  readonly mode: Mode;
  readonly when: Condition;
  readonly tests: Expectations;
  readonly file: string;
  readonly line: number;
}

export const FILE_KEYS = ['version', 'title', 'description', 'enabled', 'record', 'mask', 'sets', 'rules'] as const;
export const RULE_KEYS = [
  'id',
  'title',
  'reason',
  'references',
  'severity',
  'tags',
  'action',
  'mode',
  'when',
  'tests',
] as const;
export const RULE_ID_PATTERN = '^[a-z0-9]+([-/.][a-z0-9]+)*$';
const RULE_ID = new RegExp(RULE_ID_PATTERN);
export const SET_NAME_PATTERN = '^[a-z][a-z0-9_]*$';
const SET_NAME = new RegExp(SET_NAME_PATTERN);
export const RULE_KEYS_NEEDED = ['id', 'title', 'reason', 'action', 'when'] as const;

export const MASK_KEYS = ['kinds', 'columns'] as const;

interface MaskReading {
  readonly kinds: readonly SensitiveKind[];
  /** Read when all sets are known. */
  readonly columns: Entry | undefined;
}

type Draft = { -readonly [K in keyof Rule]?: Rule[K] };

/** Reads the top level and the rules of one file. */
export class PolicyFileReader extends PolicyFile {
  readonly enabled: boolean;
  readonly record: { readonly value: 'all' | 'matched'; readonly node: Node } | undefined;
  /** Kinds of values to mask in every record. */
  readonly mask: readonly SensitiveKind[];
  readonly sets: ReadonlyMap<string, readonly Value[]>;
  private readonly maskColumns: Entry | undefined;
  private readonly top: readonly Entry[];

  constructor(source: PolicySource, problems: PolicyProblem[]) {
    super(source, problems);
    this.top = this.root === undefined ? [] : this.entries(this.root, 'a policy file', FILE_KEYS);
    let enabled = true;
    let record: PolicyFileReader['record'];
    let mask: MaskReading = { kinds: [], columns: undefined };
    for (const { key, value } of this.top) {
      if (key === 'enabled') enabled = this.flag(value, key) ?? true;
      else if (key === 'title' || key === 'description') this.text(value, key);
      else if (key === 'mask') mask = this.readMask(value);
      else if (key === 'version') this.word(value, key, ['1']);
      else if (key === 'record') {
        const word = this.word(value, key, ['all', 'matched']);
        record = word && { value: word, node: value };
      }
    }
    if (this.root !== undefined && !this.top.some(({ key }) => key === 'version'))
      this.problem(this.root, '"version: 1" is missing');
    this.enabled = enabled;
    this.record = record;
    this.mask = mask.kinds;
    this.maskColumns = mask.columns;
    this.sets = this.readSets();
  }

  /** `[card, iban]`, or `{ kinds: […], columns: […] }`. */
  private readMask(node: Node): MaskReading {
    if (!isMap(node)) return { kinds: this.readKinds(node), columns: undefined };
    const entries = this.entries(node, '"mask"', MASK_KEYS);
    const kinds = entries.find(({ key }) => key === 'kinds');
    return {
      kinds: kinds === undefined ? [] : this.readKinds(kinds.value),
      columns: entries.find(({ key }) => key === 'columns'),
    };
  }

  private readKinds(node: Node): readonly SensitiveKind[] {
    return this.items(node, 'kinds of values').flatMap(
      (item) => this.word(item, 'kind of value', SENSITIVE_KINDS) ?? [],
    );
  }

  /** Columns whose values are masked in every record, sets resolved. */
  readMaskColumns(sets: Sets): readonly string[] {
    const { maskColumns } = this;
    if (maskColumns === undefined) return [];
    return readNames({ file: this, name: maskColumns.key, node: maskColumns.value, sets });
  }

  /** A complaint about the file as a whole. */
  fail(reason: string): void {
    if (this.root !== undefined) this.problem(this.root, reason);
  }

  private readSets(): Map<string, readonly Value[]> {
    const sets = new Map<string, readonly Value[]>();
    const node = this.top.find(({ key }) => key === 'sets')?.value;
    if (node === undefined) return sets;
    for (const { key, keyNode, value } of this.entries(node, '"sets"', undefined)) {
      if (!SET_NAME.test(key)) this.problem(keyNode, `set name "${key}": small letters, digits and _ only`);
      const values: Value[] = [];
      for (const item of this.items(value, `set "${key}"`)) {
        const text = this.text(item, `a value of set "${key}"`);
        if (text === undefined) continue;
        if (/^\$[^$]/.test(text)) this.problem(item, 'a set cannot contain another set');
        else values.push({ text: text.replace(/^\$\$/, '$'), file: this, node: item });
      }
      sets.set(key, values);
    }
    return sets;
  }

  /** One rule at a time; ids are unique over all files that share `ids`. */
  *readRules(sets: Sets, ids: Map<string, Rule>): Generator<Rule, void, undefined> {
    const node = this.top.find(({ key }) => key === 'rules')?.value;
    if (node === undefined) return;
    for (const item of this.items(node, '"rules"')) {
      const rule = this.readRule(item, sets);
      if (rule === undefined) continue;
      const twin = ids.get(rule.id);
      if (twin !== undefined) this.problem(item, `rule "${rule.id}" exists already, in ${twin.file}:${twin.line}`);
      else ids.set(rule.id, rule);
      yield rule;
    }
  }

  private readRule(node: Node, sets: Sets): Rule | undefined {
    const draft: Draft = {};
    const entries = this.entries(node, 'a rule', RULE_KEYS);
    for (const { key, value } of entries) this.readRuleKey(draft, key, value, sets);
    const { id, title, reason, action, severity, when } = draft;
    const unsaid = RULE_KEYS_NEEDED.filter((needed) => !entries.some(({ key }) => key === needed));
    if (entries.length > 0 && unsaid.length > 0)
      this.problem(node, `rule ${id ?? ''} lacks ${unsaid.map((key) => `"${key}"`).join(', ')}`);
    if (action === 'alert' && severity === undefined) this.problem(node, 'an alert needs a "severity"');
    if (id === undefined || title === undefined || reason === undefined || action === undefined || when === undefined)
      return undefined;
    return {
      id,
      title,
      reason,
      action,
      when,
      mode: draft.mode ?? 'enforce',
      severity: severity ?? 'info',
      references: draft.references ?? [],
      tags: draft.tags ?? [],
      tests: draft.tests ?? { match: [], miss: [] },
      file: this.source.name,
      line: this.position(node).line,
    };
  }

  private readRuleKey(draft: Draft, key: string, value: Node, sets: Sets): void {
    switch (key) {
      case 'id': {
        const id = this.text(value, key);
        if (id !== undefined && !RULE_ID.test(id))
          this.problem(value, `id "${id}": small letters and digits, joined by - / or .`);
        if (id !== undefined) draft.id = id;
        break;
      }
      case 'title':
      case 'reason': {
        const text = this.text(value, key);
        if (text !== undefined) draft[key] = text;
        break;
      }
      case 'references':
      case 'tags':
        draft[key] = this.items(value, key).flatMap((item) => this.text(item, key) ?? []);
        break;
      case 'severity':
        draft.severity = this.word(value, key, SEVERITIES) ?? 'info';
        break;
      case 'action':
        draft.action = this.word(value, key, ACTIONS) ?? 'record';
        break;
      case 'mode':
        draft.mode = this.word(value, key, MODES) ?? 'enforce';
        break;
      case 'tests':
        draft.tests = readExpectations(this, value);
        break;
      default: {
        const when = readWhen(this, value, sets);
        if (when !== undefined) draft.when = when;
      }
    }
  }
}
