/**
 * Writes `expected.jsonl` of recorded scenarios: `node dist/test/golden/expect.js [PROTOCOL[/NAME]]…`
 *
 * Only where the records agree with the server's own log; what the log can't say (rows, latencies, operations) is for
 * whoever commits the change to read.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compare, verdict } from '../lab/compare.ts';
import { readLog } from '../lab/log.ts';
import { parseRecords, replayText, sensorObstacle } from '../lab/sensor.ts';
import { findGoldens } from './goldens.ts';

const obstacle = sensorObstacle();
if (obstacle === undefined) await expectAll(process.argv.slice(2));
else {
  process.stderr.write(`${obstacle}\n`);
  process.exitCode = 2;
}

async function expectAll(wanted: readonly string[]): Promise<void> {
  for (const { name, folder, capture } of findGoldens()) {
    if (wanted.length > 0 && !wanted.some((word) => name === word || name.startsWith(`${word}/`))) continue;
    const text = await replayText(capture);
    const log = join(folder, 'server.log.jsonl');
    const { ok, text: said } = existsSync(log)
      ? verdict(compare(readLog(log), parseRecords(text)))
      : { ok: true, text: '' };
    if (ok) {
      writeFileSync(join(folder, 'expected.jsonl'), text);
      process.stderr.write(`${name}: written\n`);
    } else {
      process.stderr.write(`${name}: NOT written, the records differ from the server's log\n${said}\n`);
      process.exitCode = 1;
    }
  }
}
