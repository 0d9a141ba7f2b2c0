/** Evaluates a policy over records, one after another, in packet order. */

import type { Counters } from '../base/counters.ts';
import {
  DISPOSITION_DEFER,
  DISPOSITION_DROP,
  DISPOSITION_RECORD,
  type Disposition,
  type PolicyEngine,
} from '../contracts/policy.ts';
import { AuditRecord, type PolicyMatch, SEVERITIES, type Severity } from '../contracts/record.ts';
import type { ColumnValueFinder, SqlStatement, SqlTemplate } from '../contracts/sql.ts';
import {
  type BuiltCondition,
  buildCondition,
  compile,
  Deferral,
  kindsOf,
  leavesOf,
  type Predicate,
} from './conditions/condition.ts';
import { Facts, KIND_ALL, KIND_BITS } from './conditions/facts.ts';
import { hasMemory, isPlainRecord, specialise } from './conditions/specialise.ts';
import { type Evidence, evidenceOf } from './explain.ts';
import type { Rule } from './files/policy-file.ts';
import { Masker } from './mask/mask.ts';
import { KeywordScanner } from './match/keywords.ts';
import { type Policy, shortVersion } from './policy.ts';

/** Why a rule that is in `record.policy` matched. */
export interface Explanation {
  readonly rule: Rule;
  readonly evidence: readonly Evidence[];
}

/** The contract's engine, with what the command line and the console ask of it. */
export interface ExplainingEngine extends PolicyEngine {
  readonly policy: Policy;
  /** Short form of `Policy.version`, written on every record. */
  readonly version: string;
  /**
   * Explains the rules in `record.policy`. Conditions that remember (count, first_seen) are not asked again: they held
   * when the record came.
   */
  explain(record: AuditRecord, statement: SqlStatement | undefined): readonly Explanation[];
  readonly counters: Readonly<Counters>;
}

interface BuiltRule {
  readonly rule: Rule;
  readonly kinds: number;
  readonly condition: BuiltCondition;
  readonly test: Predicate;
  /** Shared by all records it matches. */
  readonly match: PolicyMatch;
}

/** What is left of the rules for the statements of one template. */
interface Special {
  readonly template: SqlTemplate;
  readonly rules: readonly Pick<BuiltRule, 'test' | 'match'>[];
}

export interface EngineOptions {
  /** Secret of the hashes that stand for masked values; engines with one key mask equal values alike. */
  readonly maskKey?: string | Uint8Array;
  /** For a policy that masks columns; without it, records that may name one lose all their values. */
  readonly columnValues?: ColumnValueFinder;
  /**
   * The engine sees the records of some flows only: where a rule would ask what it remembers, `evaluate` answers
   * `DISPOSITION_DEFER`, and the record, untouched, is for an engine that is given all of those in packet order.
   */
  readonly defersMemory?: boolean;
}

/** A new engine with empty memory. Engines of one policy are independent. */
export function createEngine(policy: Policy, options: EngineOptions = {}): ExplainingEngine {
  return new Engine(policy, options);
}

class Engine implements ExplainingEngine {
  readonly policy: Policy;
  readonly version: string;
  readonly matches: Map<string, number> = new Map();
  worst: Severity | undefined = undefined;
  private readonly rules: readonly BuiltRule[];
  /** Rules that can hold for a kind, by its bit. */
  private readonly rulesByKind: ReadonlyMap<number, readonly BuiltRule[]>;
  /** By `SqlTemplate.slot`. */
  private readonly specials: (Special | undefined)[] = [];
  /** Rules with conditions that another engine remembers for. */
  private readonly deferring: readonly BuiltRule[];
  private readonly deferral: Deferral | undefined;
  private readonly scanner: KeywordScanner = new KeywordScanner();
  private readonly facts: Facts = new Facts(new AuditRecord());
  private readonly recordAll: boolean;
  private readonly masker: Masker;
  private evaluated = 0;
  private dropped = 0;

  constructor(policy: Policy, { maskKey, defersMemory, columnValues }: EngineOptions) {
    this.deferral = defersMemory === true ? new Deferral() : undefined;
    this.policy = policy;
    this.version = shortVersion(policy);
    this.recordAll = policy.record === 'all';
    const key = maskKey === undefined ? {} : { key: maskKey };
    this.masker = new Masker({ kinds: policy.mask, columns: policy.maskColumns, finder: columnValues, ...key });
    this.rules = policy.rules.map((rule) => this.build(rule));
    this.scanner.seal();
    this.deferring = this.deferral === undefined ? [] : this.rules.filter(remembers);
    const kinds = Object.values(KIND_BITS);
    this.rulesByKind = new Map(kinds.map((bit) => [bit, this.rules.filter((rule) => (rule.kinds & bit) !== 0)]));
  }

  private build(rule: Rule): BuiltRule {
    const condition = buildCondition(rule.when, { keywords: this.scanner, deferral: this.deferral });
    const match: PolicyMatch = {
      rule: rule.id,
      severity: rule.severity,
      action: rule.mode === 'shadow' ? rule.mode : rule.action,
    };
    return { rule, kinds: kindsOf(rule.when) & KIND_ALL, condition, test: compile(condition), match };
  }

  /**
   * `ignore` drops the record unless an `alert` matched too. Without a match it is kept under `record: all`; a loss is
   * kept always, for silence would look like peace.
   */
  evaluate(record: AuditRecord, statement: SqlStatement | undefined): Disposition {
    this.facts.set(record, statement);
    if (this.mustDefer(record)) return DISPOSITION_DEFER;
    this.evaluated++;
    let matches: PolicyMatch[] | undefined;
    let alerted = false;
    let ignored = false;
    let masked = false;
    for (const { test, match } of this.rulesFor(record, statement)) {
      if (!test(this.facts)) continue;
      if (matches === undefined) matches = [match];
      else matches.push(match);
      if (match.action === 'alert') alerted = true;
      else if (match.action === 'ignore') ignored = true;
      else if (match.action === 'mask') masked = true;
      this.note(match);
    }
    record.policy = matches;
    record.policyVersion = this.version;
    const kept = alerted || record.kind === 'loss' || (!ignored && (this.recordAll || matches !== undefined));
    if (!kept) {
      this.dropped++;
      return DISPOSITION_DROP;
    }
    // After all rules have seen the values, before anyone can write them.
    if (masked) this.masker.maskAll(record, statement);
    else this.masker.mask(record, statement);
    return DISPOSITION_RECORD;
  }

  private rulesFor(record: AuditRecord, statement: SqlStatement | undefined): Special['rules'] {
    const template = statement?.template;
    if (statement === undefined || template === undefined || !isPlainRecord(record, statement))
      return this.rulesOf(record);
    const known = this.specials[template.slot];
    if (known !== undefined && known.template === template) return known.rules;
    const special = { template, rules: this.rulesOf(record).flatMap((rule) => this.specialised(rule)) };
    this.specials[template.slot] = special;
    return special.rules;
  }

  private rulesOf(record: AuditRecord): readonly BuiltRule[] {
    return this.rulesByKind.get(KIND_BITS[record.kind]) ?? this.rules;
  }

  /** No rule when it can hold for no statement of the template. */
  private specialised({ condition, match }: BuiltRule): Special['rules'] {
    const special = specialise(condition, this.facts);
    if (special === false) return [];
    return [{ match, test: special === true ? () => true : special }];
  }

  private mustDefer(record: AuditRecord): boolean {
    const { deferral } = this;
    if (deferral === undefined) return false;
    deferral.asked = false;
    for (const { kinds, test } of this.deferring) {
      if ((kinds & KIND_BITS[record.kind]) !== 0) test(this.facts);
    }
    return deferral.asked;
  }

  explain(record: AuditRecord, statement: SqlStatement | undefined): readonly Explanation[] {
    this.facts.set(record, statement);
    const ids = new Set(record.policy?.map((match) => match.rule));
    const matched = this.rules.filter(({ rule }) => ids.has(rule.id));
    return matched.map(({ rule, condition }) => ({ rule, evidence: evidenceOf(condition, this.facts) }));
  }

  get counters(): Readonly<Counters> {
    let evicted = 0;
    for (const { condition } of this.rules)
      for (const { check } of leavesOf(condition)) evicted += check.evicted?.() ?? 0;
    return { evaluated: this.evaluated, dropped: this.dropped, textsCut: this.scanner.cut, keysEvicted: evicted };
  }

  private note(match: PolicyMatch): void {
    this.matches.set(match.rule, (this.matches.get(match.rule) ?? 0) + 1);
    if (match.action !== 'alert') return;
    if (this.worst === undefined || SEVERITIES.indexOf(match.severity) > SEVERITIES.indexOf(this.worst))
      this.worst = match.severity;
  }
}

function remembers({ condition }: BuiltRule): boolean {
  return hasMemory(condition);
}
