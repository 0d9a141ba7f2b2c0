/**
 * The recorded scenarios again, as a bad network would deliver them. Frames that come twice or out of order must change
 * nothing that is recorded. Frames that never come may cost statements, but never without a mark, and never invent one.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { RecordLine } from '../lab/align.ts';
import { compare, verdict } from '../lab/compare.ts';
import { readLog } from '../lab/log.ts';
import { parseRecords, replayText, sensorObstacle } from '../lab/sensor.ts';
import { readPcap, writePcap } from '../support/pcap.ts';
import { randomFrom } from '../support/random.ts';
import { findGoldens } from './goldens.ts';

/** Frames a late one may be overtaken by. */
const OVERTAKEN_MAX = 3;
const SEED = 42;
/** Loss is tried in several places. */
const LOSS_SEEDS: readonly number[] = [2, 4];
/** Marks with which a record says that it isn't the whole truth. */
const LOSS_MARKS: ReadonlySet<unknown> = new Set([
  'gap',
  'truncated',
  'midstream',
  'no_reply',
  'unknown_handle',
  'malformed',
]);

type Impair = (count: number, random: () => number) => number[];

/** Each frame with a chance of 1 in 5 a second time, right after or a little later. */
const duplicated: Impair = (count, random) => {
  const order: number[] = [];
  const again: number[] = [];
  for (let index = 0; index < count; index++) {
    order.push(index);
    if (random() < 0.2) again.push(index);
    if (random() < 0.5) order.push(...again.splice(0));
  }
  return [...order, ...again];
};

/** Each frame with a chance of 1 in 10 a few places late. */
const reordered: Impair = (count, random) => {
  const places = Array.from({ length: count }, (_, index) => {
    return { index, place: index + (random() < 0.1 ? 0.5 + Math.floor(1 + random() * OVERTAKEN_MAX) : 0) };
  });
  return places.sort((a, b) => a.place - b.place).map(({ index }) => index);
};

/** One frame in a hundred lost, and at least one. */
const dropped: Impair = (count, random) => {
  const certain = Math.floor(random() * count);
  return Array.from({ length: count }, (_, index) => index).filter((index) => index !== certain && random() >= 0.01);
};

async function replayImpaired(capture: string, impair: Impair, seed: number): Promise<RecordLine[]> {
  const directory = mkdtempSync(join(tmpdir(), 'wiretrail-impaired-'));
  try {
    const frames = readPcap(capture);
    const path = join(directory, 'capture.pcap');
    writePcap(path, frames, impair(frames.frames.length, randomFrom(seed)));
    return parseRecords(await replayText(path));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function isMarked(record: RecordLine): boolean {
  const marks = record['audit.marks'];
  return Array.isArray(marks) && marks.some((mark) => LOSS_MARKS.has(mark));
}

const obstacle = sensorObstacle();
const options = obstacle === undefined ? {} : { skip: `NOT RUN: ${obstacle}` };

describe('impaired', { concurrency: availableParallelism() }, () => {
  for (const { name, folder, capture } of findGoldens()) {
    const log = join(folder, 'server.log.jsonl');
    if (!existsSync(log)) continue;
    for (const [how, impair] of Object.entries({ duplicated, reordered })) {
      test(`${name}, frames ${how}`, options, async () => {
        const { ok, text } = verdict(compare(readLog(log), await replayImpaired(capture, impair, SEED)));
        assert.ok(ok, text);
      });
    }
    test(`${name}, frames dropped`, options, async () => {
      for (const seed of LOSS_SEEDS) {
        const records = await replayImpaired(capture, dropped, seed);
        const { invented } = compare(
          readLog(log),
          records.filter((record) => !isMarked(record)),
        );
        assert.deepEqual(invented, [], `seed ${seed}`);
      }
    });
  }
});
