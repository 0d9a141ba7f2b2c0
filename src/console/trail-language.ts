/** The query language of records, in the words of the console's own trail. */
import type { Filter, Pattern } from '../query/filter.ts';
import { parseFilterOf } from '../query/language.ts';
import { addressTest, patternMatches, predicateOf } from '../query/match.ts';
import type { Vocabulary } from '../query/vocabulary.ts';
import type { Language } from './completion.ts';
import type { TrailRow } from './trail.ts';

const TEXTS = ['user', 'action', 'subject'] as const;
const ADDRESSES = ['client'] as const;
type TrailText = (typeof TEXTS)[number];
type TrailAddress = (typeof ADDRESSES)[number];
type TrailFilter = Filter<TrailText, never, TrailAddress>;

export type TrailTest = (row: TrailRow) => boolean;

const WORDS: Vocabulary<TrailText, never, TrailAddress> = {
  texts: TEXTS,
  numbers: [],
  addresses: ADDRESSES,
  specials: ['text', 'time', 'since', 'until'],
  aliases: { who: 'user', op: 'action', operation: 'action', object: 'subject', address: 'client' },
};

export const TRAIL_LANGUAGE: Language = {
  words: WORDS,
  hints: {
    user: 'who did it: a person, token:NAME, console',
    action: 'login, view, reveal, export, person-changed, …',
    subject: 'what it was done to: id of a record, name of a person, …',
    client: 'address or network it was done from',
    text: 'words within subject and detail',
    time: 'a range: 2026-11-20, -2d',
    since: 'from a moment on: -2h',
    until: 'before a moment',
  },
  check: parseTrailFilter,
};

/** Column of the trail behind a field whose values are looked up. */
export const TRAIL_COLUMNS: Readonly<Record<string, 'who' | 'action' | 'address'>> = {
  user: 'who',
  action: 'action',
  client: 'address',
};

/** `undefined` for an empty query. Throws `QueryError`. */
export function trailTest(text: string, nowUs: number): TrailTest | undefined {
  const filter = parseTrailFilter(text, nowUs);
  return filter && predicateOf(filter, conditionTest);
}

function parseTrailFilter(text: string, nowUs: number): TrailFilter | undefined {
  return parseFilterOf(WORDS, text, nowUs);
}

function conditionTest(filter: TrailFilter): TrailTest {
  switch (filter.kind) {
    case 'match':
      return fieldTest(filter.field, filter.patterns);
    case 'address': {
      const tests = filter.patterns.map(addressTest);
      return ({ address }) => tests.some((test) => test(address, undefined));
    }
    case 'text': {
      const needle = filter.needle.toLowerCase();
      return ({ subject, detail }) => `${subject}\n${detail}`.toLowerCase().includes(needle);
    }
    case 'time':
      return ({ time_ms }) =>
        filter.ranges.some(({ fromUs, toUs }) => time_ms * 1000 >= fromUs && time_ms * 1000 < toUs);
    default:
      return () => false;
  }
}

function fieldTest(field: TrailText, patterns: readonly Pattern[]): TrailTest {
  const column = field === 'user' ? 'who' : field;
  return (row) => patterns.some((pattern) => patternMatches(row[column], pattern));
}
