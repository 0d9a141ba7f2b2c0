/**
 * A process for `crash.test.ts` to kill: writes statements `first … count - 1` to a store with small segments, flushes now
 * and then, and prints how many are acknowledged. Arguments: directory, count, rows of a segment, records to retain
 * (0: all), first.
 */
import { writeSync } from 'node:fs';
import { statement } from '../fixture.ts';
import { openStore } from '../store.ts';

const [, , directory = '', count = '0', segmentRows = '700', retained = '0', first = '0'] = process.argv;
const retention = { recordsMin: Number(retained) || undefined };
const store = await openStore(directory, { segmentRowsMax: Number(segmentRows), commitMs: 5, retention });
const writer = store.writer('wait');
for (let n = Number(first); n < Number(count); n++) {
  writer.write(statement(n));
  if (n % 97 !== 96) continue;
  await writer.flush();
  writeSync(1, `${n + 1}\n`);
}
await writer.close();
await store.close();
writeSync(1, `${count}\n`);
