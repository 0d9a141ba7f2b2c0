/**
 * Replays every recorded scenario under `pcaps/` and compares the records with the expected ones, byte for byte, and
 * with the server's own log of the same minutes. Folders are found, not listed: a new one is a new test.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compare, verdict } from '../lab/compare.ts';
import { readLog } from '../lab/log.ts';
import { parseRecords, replayText, sensorObstacle } from '../lab/sensor.ts';
import { findGoldens } from './goldens.ts';

const obstacle = sensorObstacle();
const options = obstacle === undefined ? {} : { skip: `NOT RUN: ${obstacle}` };
const goldens = findGoldens();

test('golden: there are recorded scenarios', () => {
  assert.ok(goldens.length > 0, 'no capture found under pcaps/');
});

for (const { name, folder, capture } of goldens) {
  test(`golden: ${name}`, options, async (t) => {
    const text = await replayText(capture);
    await t.test(
      'gives the expected records',
      { skip: !existsSync(join(folder, 'expected.jsonl')) && 'no expected.jsonl' },
      () => {
        assert.deepEqual(parseRecords(text), parseRecords(readFileSync(join(folder, 'expected.jsonl'), 'utf8')));
        assert.equal(text, readFileSync(join(folder, 'expected.jsonl'), 'utf8'));
      },
    );
    const log = join(folder, 'server.log.jsonl');
    // Scenarios of scripted servers have no log of their own: their clients' programs are the truth there.
    if (!existsSync(log)) return;
    await t.test('says what the server logged', () => {
      const { ok, text: said } = verdict(compare(readLog(log), parseRecords(text)));
      assert.ok(ok, said);
    });
  });
}
