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
import { compare, isMarkedIncomplete, verdict } from '../lab/compare.ts';
import { readLog } from '../lab/log.ts';
import { parseRecords, replayText, sensorObstacle } from '../lab/sensor.ts';
import { dropped, duplicated, type Impair, prompt, reordered } from '../support/impair.ts';
import { readPcap, timesUs, writePcap } from '../support/pcap.ts';
import { randomFrom } from '../support/random.ts';
import { findGoldens } from './goldens.ts';

const SEED = 42;
/** Loss is tried in several places. */
const LOSS_SEEDS: readonly number[] = [2, 4];
/** Well below what reassembly waits for a frame whose receiver has acknowledged it. */
const DELAY_MAX_US = 5000;

async function replayImpaired(capture: string, impair: Impair, seed: number): Promise<RecordLine[]> {
  const directory = mkdtempSync(join(tmpdir(), 'wiretrail-impaired-'));
  try {
    const frames = readPcap(capture);
    const path = join(directory, 'capture.pcap');
    const order = impair(frames.frames.length, randomFrom(seed));
    writePcap(path, frames, prompt(order, timesUs(frames), DELAY_MAX_US));
    return parseRecords(await replayText(path));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
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
          records.filter((record) => !isMarkedIncomplete(record)),
        );
        assert.deepEqual(invented, [], `seed ${seed}`);
      }
    });
  }
});
