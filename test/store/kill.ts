/**
 * `kill -9` at random moments of ingest, sealing and expiry, as often as asked: nothing acknowledged is lost, nothing is
 * there twice, the hash chain holds, and with a limit the newest N are there and never more than N + k.
 *
 * Run: `node dist/test/store/kill.js [rounds] [seed]` (the built file); 200 and 1 by default. Fails at the first round
 * after which something does not hold, with the seed to repeat it.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { statement } from '#src/store/fixture.js';
import { verifyStore } from '#src/store/proof/verify.js';
import { StoreReader } from '#src/store/reader.js';

const CHILD = fileURLToPath(new URL('../../store/write/crash-writer.js', import.meta.url));
const ENDLESS = '1000000000';
const AHEAD_MIN = 97;
const AHEAD_MAX = 900;
const DELAY_MS_MAX = 12;

interface Kind {
  readonly name: string;
  readonly segmentRows: number;
  /** 0: everything is kept. */
  readonly retained: number;
}

/** What is going on most of the time when the kill comes. */
const KINDS: readonly Kind[] = [
  { name: 'ingest', segmentRows: 5000, retained: 0 },
  { name: 'seal', segmentRows: 40, retained: 0 },
  { name: 'expiry', segmentRows: 50, retained: 500 },
];

/** Deterministic, from 0 to 1. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Lets a writer run until it has acknowledged `killAt` records, and `delayMs` more; gives the last acknowledgement. */
function writeAndKill(directory: string, kind: Kind, first: number, killAt: number, delayMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const args = [CHILD, directory, ENDLESS, String(kind.segmentRows), String(kind.retained), String(first)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    let killed = false;
    const acknowledged = (): number => Number(printed.split('\n').at(-2) ?? '0');
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk: string) => {
      printed = (printed + chunk).slice(-100);
      if (acknowledged() < killAt || killed) return;
      killed = true;
      setTimeout(() => child.kill('SIGKILL'), delayMs);
    });
    child.on('error', reject);
    child.on('close', () => resolve(acknowledged()));
  });
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** Checks the store; gives the number of records that were ever written to it. */
function check(directory: string, { segmentRows, retained }: Kind, acknowledged: number): number {
  const { faults, records, expired } = verifyStore(directory);
  expect(faults.length === 0, faults.join('; '));
  const reader = new StoreReader(directory);
  let n = expired;
  for (const { id } of reader.query({ order: 'oldest' })) {
    expect(id === statement(n).id, `record ${n} is missing, or there twice`);
    n++;
  }
  expect(reader.count({}) === records && n === expired + records, `${records} by the chain, ${n - expired} found`);
  expect(reader.problems.length === 0, reader.problems.join('; '));
  reader.close();
  expect(n >= acknowledged, `${n} stored, ${acknowledged} acknowledged`);
  if (retained > 0) {
    expect(records >= Math.min(retained, acknowledged), `${records} kept, ${retained} promised`);
    expect(records <= retained + segmentRows, `${records} kept, at most ${retained + segmentRows} promised`);
  }
  return n;
}

const rounds = Number(process.argv[2] ?? 200);
const seed = Number(process.argv[3] ?? 1);
const random = generator(seed);
const folder = mkdtempSync(join(tmpdir(), 'wiretrail-kill-'));
const totals = KINDS.map(() => 0);
try {
  for (let round = 0; round < rounds; round++) {
    const which = round % KINDS.length;
    const kind = KINDS[which] as Kind;
    const directory = join(folder, kind.name);
    const total = totals[which] ?? 0;
    const killAt = total + AHEAD_MIN + Math.floor(random() * (AHEAD_MAX - AHEAD_MIN));
    const acknowledged = await writeAndKill(directory, kind, total, killAt, random() * DELAY_MS_MAX);
    try {
      totals[which] = check(directory, kind, Math.max(total, acknowledged));
    } catch (error) {
      throw new Error(`round ${round} (${kind.name}), seed ${seed}: ${(error as Error).message}`);
    }
  }
  const written = KINDS.map(({ name }, i) => `${name} ${totals[i]}`).join(', ');
  process.stdout.write(`${rounds} kills survived; records written: ${written}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
