/**
 * The recorded scenarios again, as a bad network would deliver them. Frames that come twice or out of order must change
 * nothing that is recorded. Frames that never come may cost statements, but never without a mark, and never invent one.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RecordLine } from '../lab/align.ts';
import { compare, isMarkedIncomplete, verdict } from '../lab/compare.ts';
import { readLog } from '../lab/log.ts';
import { parseRecords } from '../lab/sensor.ts';
import { dropped, duplicated, type Impair, prompt, reordered } from '../support/impair.ts';
import { readPcap, timesUs, writePcap } from '../support/pcap.ts';
import { randomFrom } from '../support/random.ts';
import { replayInProcess } from '../support/records.ts';
import { findGoldens, type Golden } from './goldens.ts';

const SEED = 42;
const LOSS_SEEDS: readonly number[] = [2, 4, 6];
const FRAMES_EACH_MAX = 128;
/** Well below what reassembly waits for a frame whose receiver has acknowledged it. */
const DELAY_MAX_US = 5000;

async function replayImpaired(capture: string, impair: Impair, seed: number): Promise<RecordLine[]> {
  const directory = mkdtempSync(join(tmpdir(), 'wiretrail-impaired-'));
  try {
    const frames = readPcap(capture);
    const path = join(directory, 'capture.pcap');
    const order = impair(frames.frames.length, randomFrom(seed));
    writePcap(path, frames, prompt(order, timesUs(frames), DELAY_MAX_US));
    return parseRecords(await replayInProcess(path));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What a late or repeated frame may change: when something was seen, and ids, which are made of that. */
const TIMES: readonly string[] = ['audit.id', 'time', 'duration_us', 'audit.first_byte_us'];
/** Left out of the comparison: times, and what rules said, which are not asked here. */
const LEFT_OUT: ReadonlySet<string> = new Set([...TIMES, 'audit.policy']);
/** What an unmarked record claims was done and came of it, whatever was lost elsewhere in its session. */
const CLAIMS: readonly string[] = [
  'client.address',
  'client.port',
  'audit.call',
  'db.query.text',
  'db.query.parameters',
  'db.operation.name',
  'db.stored_procedure.name',
  'db.response.status_code',
  'db.response.returned_rows',
  'audit.affected_rows',
];

/** The truth about a recorded scenario: what its server logged or, where that was a script, the expected records. */
interface Truth {
  /** Throws where anything differs. */
  holdsFor(records: readonly RecordLine[]): void;
  /** Records of what was never said. */
  inventedOf(records: readonly RecordLine[]): readonly RecordLine[];
}

function loggedTruth(path: string): Truth {
  const log = readLog(path);
  return {
    holdsFor(records) {
      const { ok, text } = verdict(compare(log, records));
      assert.ok(ok, text);
    },
    inventedOf: (records) => compare(log, records).invented,
  };
}

function expectedTruth(path: string): Truth {
  const expected = parseRecords(readFileSync(path, 'utf8'));
  const known = new Set(expected.map(claimOf));
  return {
    holdsFor: (records) => assert.deepEqual(timeless(records), timeless(expected)),
    inventedOf: (records) =>
      records.filter((record) => record['audit.kind'] === 'statement' && !known.has(claimOf(record))),
  };
}

/** In no order: a frame that came late may have ended a statement after the next one had begun. */
function timeless(records: readonly RecordLine[]): string[] {
  const entries = records.map((record) => Object.entries(record).filter(([key]) => !LEFT_OUT.has(key)));
  return entries.map((entry) => JSON.stringify(entry)).sort();
}

function claimOf(record: RecordLine): string {
  return JSON.stringify(CLAIMS.map((key) => record[key] ?? null));
}

function truthOf({ folder }: Golden): Truth | undefined {
  const [log, expected] = [join(folder, 'server.log.jsonl'), join(folder, 'expected.jsonl')];
  if (existsSync(log)) return loggedTruth(log);
  return existsSync(expected) ? expectedTruth(expected) : undefined;
}

/** Losses to try: each frame in turn where there are few, some in a hundred at several seeds where there are many. */
function lossesOf(frames: number): readonly (readonly [how: string, impair: Impair])[] {
  if (frames > FRAMES_EACH_MAX) {
    return LOSS_SEEDS.map((seed) => [`seed ${seed}`, (count: number) => dropped(count, randomFrom(seed))]);
  }
  return Array.from({ length: frames }, (_, lost) => [`frame ${lost}`, () => without(frames, lost)]);
}

function without(frames: number, lost: number): number[] {
  return Array.from({ length: frames }, (_, index) => index).filter((index) => index !== lost);
}

for (const golden of findGoldens()) {
  const { name, capture } = golden;
  const truth = truthOf(golden);
  if (truth === undefined) continue;
  for (const [how, impair] of Object.entries({ duplicated, reordered })) {
    test(`impaired: ${name}, frames ${how}`, async () => {
      truth.holdsFor(await replayImpaired(capture, impair, SEED));
    });
  }
  test(`impaired: ${name}, frames dropped`, async () => {
    for (const [how, impair] of lossesOf(readPcap(capture).frames.length)) {
      const records = await replayImpaired(capture, impair, SEED);
      const whole = records.filter((record) => !isMarkedIncomplete(record));
      assert.deepEqual(truth.inventedOf(whole), [], how);
    }
  });
}
