/**
 * The last hundred records of a key: with the files in the page cache, by a reader that is kept open and by one opened
 * for the question; and with an empty page cache, by a reader opened for the question, as `wiretrail query` opens one.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Query } from '#src/query/filter.js';
import { parseFilter } from '#src/query/language.js';
import { StoreReader } from '#src/store/reader.js';
import { generator, rareKeys, searchedKeys } from './store-workload.ts';

const LAST = 100;
const QUERIES = 200;
const COLD_QUERIES = 40;
const DROP_CACHES = '/proc/sys/vm/drop_caches';

type Keys = Readonly<Record<string, () => string>>;

/** Kinds of keys: as often asked for as records have them, and hardly ever there. */
function kindsOfKeys(seed: number): readonly (readonly [kind: string, keys: Keys])[] {
  return [
    ['', searchedKeys(generator(seed))],
    ['rare ', rareKeys(generator(seed))],
  ];
}

/** With a reader kept open that has answered other questions before, and with one opened for each question. */
export function benchLookups(directory: string): void {
  const kept = new StoreReader(directory);
  for (const [, keys] of kindsOfKeys(5)) {
    for (const [field, key] of Object.entries(keys)) {
      for (let i = 0; i < QUERIES; i++) for (const _ of kept.query(lastOf(field, key())));
    }
  }
  for (const [kind, keys] of kindsOfKeys(7)) {
    for (const [field, key] of Object.entries(keys)) {
      const queries = Array.from({ length: QUERIES }, () => lastOf(field, key()));
      const found = queries.map(() => 0);
      const opened = queries.map((query, i) => timed(() => (found[i] = lookUp(directory, query))));
      const warm = queries.map((query, i) =>
        timed(() => {
          const again = [...kept.query(query)].length;
          if (again !== found[i]) throw new Error(`${field}: ${found[i]} records found, then ${again}`);
        }),
      );
      print(`last ${LAST} of a ${kind}${field}`, `kept open: ${spread(warm)}; opening included: ${spread(opened)}`);
    }
  }
  kept.close();
}

/** With an empty page cache before each question. Only root can empty it. */
export function benchColdLookups(directory: string): void {
  if (process.getuid?.() !== 0) {
    print('cold page cache', 'NOT MEASURED: only root can empty the page cache');
    return;
  }
  // Only what is on disk can be taken out of the cache.
  execFileSync('sync');
  for (const [kind, keys] of kindsOfKeys(11)) {
    for (const [field, key] of Object.entries(keys)) {
      const took: number[] = [];
      for (let i = 0; i < COLD_QUERIES; i++) {
        const query = lastOf(field, key());
        writeFileSync(DROP_CACHES, '3');
        took.push(timed(() => lookUp(directory, query)));
      }
      print(`cold: last ${LAST} of a ${kind}${field}`, `opening included: ${spread(took)}`);
    }
  }
}

function lastOf(field: string, value: string): Query {
  return { filter: parseFilter(`${field}:${value}`, 0), limit: LAST };
}

function lookUp(directory: string, query: Query): number {
  const reader = new StoreReader(directory);
  try {
    return [...reader.query(query)].length;
  } finally {
    reader.close();
  }
}

/** Milliseconds that it takes. */
function timed(work: () => void): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

function spread(took: number[]): string {
  took.sort((a, b) => a - b);
  const at = (part: number): string => `${(took[Math.floor(took.length * part)] ?? 0).toFixed(1)} ms`;
  return `median ${at(0.5)}, p99 ${at(0.99)}`;
}

function print(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(32)} ${text}\n`);
}
