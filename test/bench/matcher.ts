/**
 * Bench of the keyword matcher beside the npm packages and a plain byte loop (the limit). Counts are checked.
 *
 * `node dist/test/bench/matcher.js [MEBIBYTES]`
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Matcher } from '#src/policy/aho-corasick.js';

interface CallbackAutomaton {
  add(word: string, data: number): void;
  build_fail(): void;
  search(text: string, receive: () => void): void;
}
interface ListAutomaton {
  search(text: string): readonly { readonly start: number; readonly end: number }[];
}

const require = createRequire(import.meta.url);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const STATEMENTS = [
  'SELECT c_first, c_middle, c_last, c_balance FROM bmsql_customer WHERE c_w_id = 17 AND c_d_id = 4 AND c_id = 2093;',
  'UPDATE pgbench_accounts SET abalance = abalance + -4523 WHERE aid = 918273;',
  "INSERT INTO orders (id, customer, note) VALUES (91827, 'Ann Example', 'leave at the door');",
  'SELECT t0.id, t0.name, t1.total FROM customers AS t0 LEFT OUTER JOIN invoices AS t1 ON t0.id = t1.customer_id;',
  "exec xp_cmdshell 'dir'; select pg_sleep(10)",
];
const SHORT = [
  'xp_cmdshell',
  'pg_sleep',
  'load_file',
  'into outfile',
  'utl_http',
  'pg_read_file',
  'lo_export',
  'waitfor delay',
];

/** Keywords like the names of a large schema, none of them in the text. */
function schemaNames(count: number): string[] {
  const kinds = ['customer', 'account', 'invoice', 'salary', 'payment', 'contract', 'employee', 'order'];
  return Array.from({ length: count }, (_, i) => `${kinds[i % kinds.length]}_${(i * 7919) % 104_729}_${i % 13}`);
}

function measure(name: string, bytes: number, expected: number, run: () => number): number {
  run();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const start = process.hrtime.bigint();
    const count = run();
    best = Math.min(best, Number(process.hrtime.bigint() - start));
    assert.equal(count, expected, `${name}: count of matches`);
  }
  const rate = (bytes / best) * 1000;
  say(`  ${name.padEnd(34)} ${rate.toFixed(1).padStart(8)} MB/s   ${expected} matches`);
  return rate;
}

function byteLoop(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum = (sum + (bytes[i] as number)) | 0;
  return sum;
}

function compare(title: string, keywords: readonly string[], text: string, packageText: string): void {
  say(title);
  const bytes = new Uint8Array(Buffer.from(text));
  const share = text.length / packageText.length;
  const matcher = new Matcher(
    keywords.map((keyword) => ({ text: keyword, word: false })),
    { ignoreCase: true, encodings: ['utf8'] },
  );
  let expected = 0;
  const count = (): number => matcher.scan(bytes, 0, bytes.length, () => undefined);
  expected = count();
  assert.equal(expected % share, 0, 'the packages scan a whole part of the text');
  const limit = measure('plain byte loop', bytes.length, byteLoop(bytes), () => byteLoop(bytes));
  const ours = measure(`wiretrail (${matcher.tableBytes >> 10} KiB)`, bytes.length, expected, count);
  const both = new Matcher(
    keywords.map((keyword) => ({ text: keyword, word: true })),
    { ignoreCase: true, encodings: ['utf8', 'utf16le'] },
  );
  measure(`wiretrail, words, UTF-8 + UTF-16LE`, bytes.length, expected, () =>
    both.scan(bytes, 0, bytes.length, () => undefined),
  );
  say(`  ${(limit / ours).toFixed(1)} times the cost of the byte loop`);
  for (const [name, search] of packages(keywords)) {
    const theirs = measure(name, packageText.length, expected / share, () => search(packageText));
    say(`  wiretrail is ${(ours / theirs).toFixed(1)} times as fast as ${name}`);
  }
}

/** The packages do not fold case: like their users, they are given the text in lower case, which is not counted. */
function* packages(keywords: readonly string[]): Generator<[string, (text: string) => number]> {
  const AhoCorasick = require('aho-corasick') as new () => CallbackAutomaton;
  const callback = new AhoCorasick();
  for (const [index, keyword] of keywords.entries()) callback.add(keyword, index);
  callback.build_fail();
  yield [
    'aho-corasick',
    (text): number => {
      let count = 0;
      callback.search(text, () => count++);
      return count;
    },
  ];
  const Modern = require('modern-ahocorasick') as new (keywords: readonly string[]) => ListAutomaton;
  const list = new Modern(keywords);
  yield ['modern-ahocorasick', (text): number => list.search(text).length];
}

const mebibytes = Number(process.argv[2] ?? 16);
const unit = `${STATEMENTS.join('\n')}\n`;
const small = unit.repeat(Math.ceil((1 << 20) / unit.length)).toLowerCase();
const large = small.repeat(mebibytes);
compare(`${SHORT.length} keywords, ${mebibytes} MiB of SQL`, SHORT, large, small);
compare(`10,000 keywords, ${mebibytes} MiB of SQL`, [...SHORT, ...schemaNames(9992)], large, small);
