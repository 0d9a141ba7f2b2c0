/** Conditions on one fact of the record: names, addresses, ports, numbers, words. */

import { NetworkMatcher, parseNetwork } from '../../base/networks.ts';
import { MARK_NAMES, MARK_NO_REPLY } from '../../contracts/event.ts';
import type { AuditRecord } from '../../contracts/record.ts';
import { NameMatcher } from '../match/names.ts';
import { type Argument, describeList, readNames, readParsed, readWords } from './arguments.ts';
import { type Check, COST_NAME, COST_NAMES, COST_NUMBER } from './condition.ts';
import type { Definition, JsonSchema } from './definition.ts';
import { LIST_SCHEMA } from './definition.ts';
import { type Facts, KIND_ALL, KIND_BITS, KIND_LOGIN, KIND_STATEMENT, locate } from './facts.ts';
import { parseCount, parseDurationUs, parsePorts } from './units.ts';

type NameGetter = (facts: Facts) => string | undefined;
type NamesGetter = (facts: Facts) => readonly string[] | undefined;

/** One name of the record against a list. */
export function name(
  doc: string,
  get: NameGetter,
  kinds: number = KIND_ALL,
  dotted = false,
  matches: (matcher: NameMatcher, value: string) => boolean = (matcher, value): boolean => matcher.test(value),
): Definition {
  return {
    doc: `${doc} Case does not matter; * and ? are wildcards.`,
    schema: LIST_SCHEMA,
    read(argument) {
      const names = readNames(argument);
      const matcher = new NameMatcher(names, dotted);
      const check: Check = {
        test(facts) {
          const value = get(facts);
          return value !== undefined && matches(matcher, value);
        },
        find(facts) {
          const value = get(facts);
          return value !== undefined && matches(matcher, value) ? { found: value } : undefined;
        },
      };
      return { expected: describeList(names), cost: COST_NAME, kinds, build: () => check };
    },
  };
}

/** `db`, `schema` or both as in `db|schema`. */
export const database: Definition = name(
  'Current database, schema, or both as database|schema.',
  ({ record }) => record.namespace,
  KIND_ALL,
  false,
  (matcher, value) => {
    if (matcher.test(value)) return true;
    const bar = value.indexOf('|');
    return bar >= 0 && (matcher.test(value.slice(0, bar)) || matcher.test(value.slice(bar + 1)));
  },
);

/** Any name of several, each of which stands in the statement's text. */
export function names(doc: string, get: NamesGetter, dotted: boolean): Definition {
  return {
    doc: `${doc} Case does not matter; * and ? are wildcards.`,
    schema: LIST_SCHEMA,
    read(argument) {
      const wanted = readNames(argument);
      const matcher = new NameMatcher(wanted, dotted);
      const first = (facts: Facts): string | undefined => get(facts)?.find((value) => matcher.test(value));
      const check: Check = {
        test: (facts) => first(facts) !== undefined,
        find(facts) {
          const value = first(facts);
          return value === undefined ? undefined : locate(facts, value, lastPart(value));
        },
      };
      return { expected: describeList(wanted), cost: COST_NAMES, kinds: KIND_STATEMENT, build: () => check };
    },
  };
}

/** `"a"."b"` stands as `a.b` in the record, so only its last part is sure to be in the text. */
function lastPart(value: string): string {
  return value.slice(value.lastIndexOf('.') + 1);
}

export function network(doc: string, get: NameGetter, isServer = false): Definition {
  return {
    doc: `${doc} Addresses, CIDR blocks and ranges (10.0.0.1-10.0.0.9).`,
    schema: LIST_SCHEMA,
    read(argument) {
      const ranges = readParsed(argument, parseNetwork);
      const matcher = new NetworkMatcher(ranges);
      const holds = (facts: Facts): string | undefined => {
        const value = get(facts);
        return value !== undefined && matcher.test(value) ? value : undefined;
      };
      const check: Check = {
        test: (facts) => holds(facts) !== undefined,
        find(facts) {
          const value = holds(facts);
          return value === undefined ? undefined : { found: value };
        },
      };
      const expected = argument.file.written(argument.node);
      const servers = isServer ? { servers: ranges } : {};
      return { expected, cost: COST_NAME, kinds: KIND_ALL, ...servers, build: () => check };
    },
  };
}

/** Ports of servers. */
export function port(doc: string, get: (record: AuditRecord) => number | undefined): Definition {
  return {
    doc: `${doc} Numbers and ranges (1521-1530).`,
    schema: LIST_SCHEMA,
    read(argument) {
      const ranges = readParsed(argument, (text) => parsePorts(text) ?? `"${text}" is not a port or a range of ports`);
      const check: Check = {
        test({ record }) {
          const value = get(record);
          return value !== undefined && ranges.some(({ first, last }) => first <= value && value <= last);
        },
        find: (facts) => (check.test(facts) ? { found: String(get(facts.record)) } : undefined),
      };
      return {
        expected: argument.file.written(argument.node),
        cost: COST_NUMBER,
        kinds: KIND_ALL,
        serverPorts: ranges,
        build: () => check,
      };
    },
  };
}

const THRESHOLD_SCHEMA: JsonSchema = {
  type: 'object',
  minProperties: 1,
  additionalProperties: false,
  properties: { over: { type: ['integer', 'string'] }, under: { type: ['integer', 'string'] } },
};

/** `over` and `under`, both exclusive. */
export function threshold(
  doc: string,
  get: (facts: Facts) => number | undefined,
  unit: 'count' | 'duration' = 'count',
  kinds: number = KIND_STATEMENT,
): Definition {
  const parse = unit === 'count' ? parseCount : parseDurationUs;
  const example = unit === 'count' ? '5000, 10k, 64MiB' : '250ms, 5s, 10m';
  return {
    doc: `${doc} { over: …, under: … }, exclusive, as ${example}.`,
    schema: THRESHOLD_SCHEMA,
    read(argument) {
      const bounds = readBounds(argument, parse, example);
      if (bounds === undefined) return undefined;
      const { over, under } = bounds;
      const check: Check = {
        test(facts) {
          const value = get(facts);
          return value !== undefined && value > over && value < under;
        },
        find: (facts) => (check.test(facts) ? { found: String(get(facts)) } : undefined),
      };
      return { expected: argument.file.written(argument.node), cost: COST_NUMBER, kinds, build: () => check };
    },
  };
}

function readBounds(
  { file, name: key, node }: Argument,
  parse: (text: string) => number | undefined,
  example: string,
): { over: number; under: number } | undefined {
  let over = Number.NEGATIVE_INFINITY;
  let under = Number.POSITIVE_INFINITY;
  const entries = file.entries(node, `"${key}"`, ['over', 'under']);
  for (const entry of entries) {
    const text = file.text(entry.value, entry.key);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) {
      file.problem(entry.value, `"${text}" is not a value for "${key}": write it as ${example}`);
      return undefined;
    }
    if (entry.key === 'over') over = value;
    else under = value;
  }
  if (entries.length === 0) return undefined;
  if (over + 1 >= under) {
    file.problem(node, `"${key}": no number is over ${over} and under ${under}`);
    return undefined;
  }
  return { over, under };
}

/** One of a fixed list of words. */
export function words<W extends string>(
  doc: string,
  known: readonly W[],
  get: (facts: Facts) => readonly string[],
  kindsFor: (wanted: readonly W[]) => number,
): Definition {
  return {
    doc: `${doc} One or several of: ${known.join(', ')}.`,
    schema: {
      anyOf: [{ enum: known }, { type: 'array', minItems: 1, items: { enum: known } }],
    },
    read(argument) {
      const wanted = readWords(argument, known);
      const set: ReadonlySet<string> = new Set(wanted);
      const first = (facts: Facts): string | undefined => get(facts).find((word) => set.has(word));
      const check: Check = {
        test: (facts) => first(facts) !== undefined,
        find(facts) {
          const word = first(facts);
          return word === undefined ? undefined : { found: word };
        },
      };
      return { expected: wanted.join(', '), cost: COST_NUMBER, kinds: kindsFor(wanted), build: () => check };
    },
  };
}

export const RECORD_KINDS = ['login', 'statement', 'logout', 'opaque', 'loss'] as const;
const KIND_LISTS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  RECORD_KINDS.map((kind) => [kind, [kind]]),
);

export const kind: Definition = words(
  'Kind of the record.',
  RECORD_KINDS,
  (facts) => KIND_LISTS[facts.record.kind] ?? [],
  (wanted) => wanted.reduce((bits, word) => bits | KIND_BITS[word], 0),
);

const FAILED: readonly string[] = ['failed'];
const SUCCEEDED: readonly string[] = ['succeeded'];
const NONE: readonly string[] = [];

export const outcome: Definition = words(
  'What came of a login or statement. Without a reply, neither.',
  ['failed', 'succeeded'],
  ({ record }) => {
    if (record.errorCode !== undefined || record.errorText !== undefined) return FAILED;
    return (record.marks & MARK_NO_REPLY) === 0 ? SUCCEEDED : NONE;
  },
  () => KIND_LOGIN | KIND_STATEMENT,
);

export const marks: Definition = words(
  'What was wrong with the traffic.',
  MARK_NAMES,
  (facts) => marksOf(facts.record.marks),
  () => KIND_ALL,
);

function marksOf(bits: number): readonly string[] {
  return bits === 0 ? NONE : MARK_NAMES.filter((_, bit) => (bits & (1 << bit)) !== 0);
}
