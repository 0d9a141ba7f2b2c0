/**
 * A process for `crash.test.ts` to kill: writes statements `0 … count - 1` to a store with small segments, flushes now
 * and then, and prints how many are acknowledged. Arguments: directory, count.
 */
import { writeSync } from 'node:fs';
import { statement } from './fixture.ts';
import { openStore } from './store.ts';

const [, , directory = '', count = '0'] = process.argv;
const store = await openStore(directory, { segmentRowsMax: 700, commitMs: 5 });
const writer = store.writer('wait');
for (let n = 0; n < Number(count); n++) {
  writer.write(statement(n));
  if (n % 97 !== 96) continue;
  await writer.flush();
  writeSync(1, `${n + 1}\n`);
}
await writer.close();
await store.close();
writeSync(1, `${count}\n`);
