/**
 * Bench of the keyword matcher beside the npm packages and a plain byte loop (the limit). Counts are checked.
 *
 * `node dist/test/bench/matcher.js [MEBIBYTES]`
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { type KeywordEncoding, Matcher } from '#src/policy/match/aho-corasick.js';

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

interface Contender {
  readonly name: string;
  readonly bytes: number;
  readonly expected: number;
  run(): number;
}

const ROUNDS = 7;

/** CPU time of this process so far, user and system. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Best rate of each in MB per second of CPU. They take turns, so that a busy machine is busy for all. */
function measure(contenders: readonly Contender[]): readonly number[] {
  const best = contenders.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, { name, expected, run }] of contenders.entries()) {
      const startUs = cpuUs();
      const count = run();
      const elapsedUs = cpuUs() - startUs;
      assert.equal(count, expected, `${name}: count of matches`);
      if (round > 0) best[i] = Math.min(best[i] ?? elapsedUs, elapsedUs);
    }
  }
  return contenders.map(({ bytes }, i) => bytes / (best[i] ?? Number.NaN));
}

function byteLoop(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum = (sum + (bytes[i] as number)) | 0;
  return sum;
}

/** Counted without the matcher. */
function wholeWords(keywords: readonly string[], text: string): number {
  const counts = keywords
    .filter((keyword) => text.includes(keyword))
    .map((keyword) => text.match(new RegExp(`(?<![\\w$])${keyword}(?![\\w$])`, 'g'))?.length ?? 0);
  return counts.reduce((sum, count) => sum + count, 0);
}

function compare(title: string, keywords: readonly string[], text: string, packageText: string): void {
  say(title);
  const bytes = new Uint8Array(Buffer.from(text));
  const share = text.length / packageText.length;
  const build = (word: boolean, encodings: readonly KeywordEncoding[]): Matcher =>
    new Matcher(
      keywords.map((keyword) => ({ text: keyword, word })),
      { ignoreCase: true, encodings },
    );
  const matcher = build(false, ['utf8']);
  const both = build(true, ['utf8', 'utf16le']);
  const scan = (automaton: Matcher): number => automaton.scan(bytes, 0, bytes.length, () => undefined);
  const expected = scan(matcher);
  assert.equal(expected % share, 0, 'the packages scan a whole part of the text');
  const words = share * wholeWords(keywords, packageText);
  const contenders: Contender[] = [
    { name: 'plain byte loop', bytes: bytes.length, expected: byteLoop(bytes), run: () => byteLoop(bytes) },
    { name: `wiretrail (${matcher.tableBytes >> 10} KiB)`, bytes: bytes.length, expected, run: () => scan(matcher) },
    { name: 'wiretrail, words, UTF-8 + UTF-16LE', bytes: bytes.length, expected: words, run: () => scan(both) },
  ];
  for (const [name, search] of packages(keywords))
    contenders.push({ name, bytes: packageText.length, expected: expected / share, run: () => search(packageText) });
  const rates = measure(contenders);
  const ours = rates[1] ?? Number.NaN;
  for (const [i, { name }] of contenders.entries()) {
    const rate = rates[i] ?? Number.NaN;
    say(
      `  ${name.padEnd(36)} ${rate.toFixed(1).padStart(8)} MB/s   wiretrail is ${(ours / rate).toFixed(2)} times as fast`,
    );
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
compare(`${SHORT.length} keywords and one of three letters`, [...SHORT, 'dir'], large, small);
compare(`${SHORT.length} keywords and two of two letters`, [...SHORT, 'or', 'to'], large, small);
