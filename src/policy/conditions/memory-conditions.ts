/** Conditions over time: hours, counts in a window, first seen. What they remember is bounded, and lives in one engine. */
import { isSeq, type Node } from 'yaml';
import type { AuditRecord } from '../../contracts/record.ts';
import type { Entry } from '../files/source.ts';
import { SeenTable, WindowTable } from '../match/windows.ts';
import type { Argument } from './arguments.ts';
import { type Check, type CheckBuilder, COST_MEMORY, COST_NAMES } from './condition.ts';
import type { Definition, JsonSchema } from './definition.ts';
import { type Facts, type Finding, KIND_ALL, KIND_STATEMENT } from './facts.ts';
import { Hours, type HoursSpec, isZone, WEEKDAYS } from './hours.ts';
import { parseCount, parseDurationUs, parseMinutes } from './units.ts';

/** Facts that keys are made of. */
const KEY_FACTS = {
  user: (record) => record.user,
  effective_user: (record) => record.effectiveUser,
  os_user: (record) => record.osUser,
  end_user: (record) => record.endUser,
  program: (record) => record.program,
  client: (record) => record.clientAddress,
  server: (record) => record.serverAddress,
  database: (record) => record.namespace,
  system: (record) => record.system,
  session: (record) => record.session,
  operation: (record) => record.operation,
  object: (record) => record.objects?.join(','),
  procedure: (record) => record.procedure,
  fingerprint: (record) => record.fingerprint,
  error_code: (record) => record.errorCode,
} as const satisfies Readonly<Record<string, (record: AuditRecord) => string | undefined>>;

type KeyFact = keyof typeof KEY_FACTS;
const KEY_FACT_NAMES = Object.keys(KEY_FACTS) as readonly KeyFact[];

/** Amounts that a window can sum up. */
const AMOUNTS = {
  records: () => 1,
  rows: (record) => record.returnedRows ?? 0,
  affected_rows: (record) => record.affectedRows ?? 0,
  response_bytes: (record) => record.responseBytes ?? 0,
} as const satisfies Readonly<Record<string, (record: AuditRecord) => number>>;

type Amount = keyof typeof AMOUNTS;
const AMOUNT_NAMES = Object.keys(AMOUNTS) as readonly Amount[];

const KEYS_DEFAULT = 10_000;
const KEYS_MAX = 1_000_000;
const KEY_CHARS_MAX = 512;

const KEY_LIST_SCHEMA: JsonSchema = {
  anyOf: [{ enum: KEY_FACT_NAMES }, { type: 'array', minItems: 1, items: { enum: KEY_FACT_NAMES } }],
};
const KEYS_SCHEMA: JsonSchema = { type: ['integer', 'string'] };

/** Facts joined by a character that none of them contains in practice; absent ones are empty. */
function keyOf(record: AuditRecord, facts: readonly KeyFact[]): string {
  let key = '';
  for (const fact of facts) key += `${(KEY_FACTS[fact](record) ?? '').slice(0, KEY_CHARS_MAX)}\u0000`;
  return key;
}

function readKeyFacts({ file }: Argument, entry: Entry): readonly KeyFact[] {
  const nodes = isSeq(entry.value) ? (entry.value.items as Node[]) : [entry.value];
  if (nodes.length === 0) file.problem(entry.value, `"${entry.key}" is empty`);
  return nodes.map((node) => file.word(node, entry.key, KEY_FACT_NAMES)).filter((fact) => fact !== undefined);
}

/** A number read by `parse`; complains and returns `fallback` otherwise. */
function readNumber(
  { file }: Argument,
  entry: Entry,
  parse: (text: string) => number | undefined,
  form: string,
  fallback: number,
): number {
  const text = file.text(entry.value, entry.key);
  if (text === undefined) return fallback;
  const value = parse(text);
  if (value === undefined) file.problem(entry.value, `${entry.key}: "${text}" is not ${form}`);
  return value ?? fallback;
}

function readKeysMax(argument: Argument, entry: Entry): number {
  const keysMax = readNumber(argument, entry, parseCount, 'a number', KEYS_DEFAULT);
  if (keysMax < 1 || keysMax > KEYS_MAX) argument.file.problem(entry.value, `keys: must be 1 to ${KEYS_MAX}`);
  return keysMax;
}

export const count: Definition = {
  doc: 'More than `over` (records, or a sum `of` rows, affected_rows, response_bytes) `within` a time, for each combination of the facts in `by`. Counts the records for which the conditions beside it hold; starts anew when it has fired. `keys` bounds its memory.',
  schema: {
    type: 'object',
    required: ['over', 'within'],
    additionalProperties: false,
    properties: {
      over: { type: ['integer', 'string'] },
      within: { type: 'string' },
      by: KEY_LIST_SCHEMA,
      of: { enum: AMOUNT_NAMES },
      keys: KEYS_SCHEMA,
    },
  },
  read(argument) {
    const { file, node } = argument;
    let over: number | undefined;
    let withinUs: number | undefined;
    let by: readonly KeyFact[] = [];
    let amount: Amount = 'records';
    let keysMax = KEYS_DEFAULT;
    for (const entry of file.entries(node, '"count"', ['over', 'within', 'by', 'of', 'keys'])) {
      if (entry.key === 'over') over = readNumber(argument, entry, parseCount, 'a number', 0);
      else if (entry.key === 'within')
        withinUs = readNumber(argument, entry, parseDurationUs, 'a duration such as 60s', 1);
      else if (entry.key === 'by') by = readKeyFacts(argument, entry);
      else if (entry.key === 'of') amount = file.word(entry.value, 'of', AMOUNT_NAMES) ?? amount;
      else keysMax = readKeysMax(argument, entry);
    }
    if (over === undefined || withinUs === undefined) {
      file.problem(node, '"count" needs "over" and "within"');
      return undefined;
    }
    if (withinUs <= 0) file.problem(node, '"within" must be longer than nothing');
    const spec: CountSpec = { over, withinUs, by, amount, keysMax };
    const kinds = amount === 'records' ? KIND_ALL : KIND_STATEMENT;
    return {
      expected: file.written(node),
      cost: COST_MEMORY,
      kinds,
      build: ({ deferral }) => deferral ?? new CountCheck(spec),
    };
  },
};

interface CountSpec {
  readonly over: number;
  readonly withinUs: number;
  readonly by: readonly KeyFact[];
  readonly amount: Amount;
  readonly keysMax: number;
}

class CountCheck implements Check {
  private readonly spec: CountSpec;
  private readonly windows: WindowTable;

  constructor(spec: CountSpec) {
    this.spec = spec;
    this.windows = new WindowTable(spec.withinUs, spec.keysMax);
  }

  test({ record }: Facts): boolean {
    const key = keyOf(record, this.spec.by);
    if (this.windows.add(key, record.timeUs, AMOUNTS[this.spec.amount](record)) <= this.spec.over) return false;
    this.windows.reset(key);
    return true;
  }

  find({ record }: Facts): Finding {
    const key = this.spec.by.map((fact) => `${fact} ${KEY_FACTS[fact](record) ?? 'unknown'}`).join(', ');
    return {
      found: `more than ${this.spec.over} ${this.spec.amount} when this record came${key === '' ? '' : `, of ${key}`}`,
    };
  }

  evicted(): number {
    return this.windows.evicted;
  }
}

export const firstSeen: Definition = {
  doc: 'The combination of `what` was not seen before `for` these facts. Nothing is new while it learns: `learn` (1h when absent) from the first record on. `keys` bounds its memory.',
  schema: {
    type: 'object',
    required: ['what'],
    additionalProperties: false,
    properties: { what: KEY_LIST_SCHEMA, for: KEY_LIST_SCHEMA, learn: { type: 'string' }, keys: KEYS_SCHEMA },
  },
  read(argument) {
    const { file, node } = argument;
    let what: readonly KeyFact[] = [];
    let forFacts: readonly KeyFact[] = [];
    let learnUs = LEARN_US_DEFAULT;
    let keysMax = KEYS_DEFAULT;
    for (const entry of file.entries(node, '"first_seen"', ['what', 'for', 'learn', 'keys'])) {
      if (entry.key === 'what') what = readKeyFacts(argument, entry);
      else if (entry.key === 'for') forFacts = readKeyFacts(argument, entry);
      else if (entry.key === 'learn')
        learnUs = readNumber(argument, entry, parseDurationUs, 'a duration such as 24h', 0);
      else keysMax = readKeysMax(argument, entry);
    }
    if (what.length === 0) {
      file.problem(node, '"first_seen" needs "what"');
      return undefined;
    }
    const build = ({ deferral }: CheckBuilder): Check =>
      deferral ?? new FirstSeenCheck(what, [...forFacts, ...what], learnUs, keysMax);
    return { expected: file.written(node), cost: COST_MEMORY, kinds: KIND_ALL, build };
  },
};

const LEARN_US_DEFAULT = 3600e6;

class FirstSeenCheck implements Check {
  private readonly what: readonly KeyFact[];
  private readonly keyFacts: readonly KeyFact[];
  private readonly learnUs: number;
  private readonly seen: SeenTable;
  private startUs = -1;

  constructor(what: readonly KeyFact[], keyFacts: readonly KeyFact[], learnUs: number, keysMax: number) {
    this.what = what;
    this.keyFacts = keyFacts;
    this.learnUs = learnUs;
    this.seen = new SeenTable(keysMax);
  }

  test({ record }: Facts): boolean {
    // Captures may be read in any order: an earlier one is learned from its own beginning.
    if (this.startUs < 0 || record.timeUs < this.startUs) this.startUs = record.timeUs;
    // What is unknown cannot be new.
    for (const fact of this.what) if (KEY_FACTS[fact](record) === undefined) return false;
    return this.seen.isNew(keyOf(record, this.keyFacts)) && record.timeUs - this.startUs >= this.learnUs;
  }

  find({ record }: Facts): Finding {
    return { found: this.what.map((fact) => `${fact} ${KEY_FACTS[fact](record) ?? 'unknown'}`).join(', ') };
  }

  evicted(): number {
    return this.seen.evicted;
  }
}

export const time: Definition = {
  doc: 'The time of day is from `from` (included) to `to` (not), on `days`, in `zone` (IANA name; UTC when absent). `to` before `from` passes midnight. For "outside" put it under `not`.',
  schema: {
    type: 'object',
    minProperties: 1,
    additionalProperties: false,
    properties: {
      from: { type: 'string' },
      to: { type: 'string' },
      days: { type: 'array', minItems: 1, items: { enum: WEEKDAYS } },
      zone: { type: 'string' },
    },
  },
  read(argument) {
    const { file, node } = argument;
    let from = 0;
    let to = 1440;
    let days: readonly string[] = WEEKDAYS;
    let zone = 'UTC';
    const form = 'a time of day such as 08:30';
    for (const entry of file.entries(node, '"time"', ['from', 'to', 'days', 'zone'])) {
      if (entry.key === 'from') from = readNumber(argument, entry, parseMinutes, form, from);
      else if (entry.key === 'to') to = readNumber(argument, entry, parseMinutes, form, to);
      else if (entry.key === 'days') {
        const items = file.items(entry.value, 'days');
        if (items.length === 0) file.problem(entry.value, '"days" is empty, so nothing can match');
        days = items.map((item) => file.word(item, 'day', WEEKDAYS)).filter((day) => day !== undefined);
      } else zone = file.text(entry.value, 'zone') ?? zone;
    }
    if (from === to) file.problem(node, '"from" and "to" are equal, so nothing can match');
    if (!isZone(zone)) {
      file.problem(node, `unknown time zone "${zone}"`);
      return undefined;
    }
    const numbers = new Set(days.map((day) => (WEEKDAYS as readonly string[]).indexOf(day)));
    const spec: HoursSpec = { from, to, days: numbers, zone };
    return {
      expected: file.written(node),
      cost: COST_NAMES,
      kinds: KIND_ALL,
      build: () => new HoursCheck(new Hours(spec)),
    };
  },
};

class HoursCheck implements Check {
  private readonly hours: Hours;
  constructor(hours: Hours) {
    this.hours = hours;
  }
  test({ record }: Facts): boolean {
    return this.hours.test(record.timeUs);
  }
  find({ record }: Facts): Finding | undefined {
    return this.hours.test(record.timeUs) ? { found: this.hours.describe(record.timeUs) } : undefined;
  }
}
