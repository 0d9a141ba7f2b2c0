/**
 * Runs a fuzz campaign: `npm run fuzz -- PROTOCOL SEED SECONDS`.
 *
 * Ends with 1 when something was found; inputs that did are saved in `test/fuzz/corpus`, to be committed with the fix.
 */
import { memoryUsage } from 'node:process';
import { loadProtocols } from '#src/protocols/registry.js';
import { runCampaign } from './campaign.ts';
import { saveFinding } from './check.ts';
import { recordedConversations } from './conversations.ts';

/** An execution that takes longer hangs, as far as a sensor is concerned. */
const HANG_MS = 2_000;
/** Heap that a campaign may end with above what it began with: garbage not yet collected, nothing that grows. */
const GROWTH_BYTES_MAX = 128 * 1024 * 1024;

const [name = '', seedText = '', secondsText = ''] = process.argv.slice(2);
const [seed, seconds] = [Number(seedText), Number(secondsText)];
const module = (await loadProtocols()).find((one) => one.name === name);
if (module === undefined || !Number.isSafeInteger(seed) || !(seconds > 0)) {
  process.stderr.write('usage: npm run fuzz -- PROTOCOL SEED SECONDS\n');
  process.exitCode = 2;
} else {
  const conversations = await recordedConversations(module);
  const heapBefore = memoryUsage().heapUsed;
  const endMs = Date.now() + seconds * 1000;
  const result = await runCampaign(module, conversations, seed, () => Date.now() < endMs);
  globalThis.gc?.();
  const growth = memoryUsage().heapUsed - heapBefore;
  const grew = globalThis.gc !== undefined && growth > GROWTH_BYTES_MAX;
  const hung = result.slowestMs > HANG_MS;
  process.stdout.write(
    `${name}: ${result.executions} executions over ${conversations.length} conversations, ${result.events} events, ` +
      `${result.findings.length} findings; slowest ${result.slowestMs.toFixed(1)} ms (seed ${result.slowestSeed}), ` +
      `heap ${(growth / 2 ** 20).toFixed(1)} MiB more\n`,
  );
  for (const { seed: own, input, error } of result.findings) {
    process.stdout.write(`seed ${own}: ${error.stack ?? error.message}\n  saved as ${saveFinding(module, input)}\n`);
  }
  if (hung || grew) process.stdout.write(`${hung ? 'an execution hung' : 'memory grew'}\n`);
  process.exitCode = result.findings.length > 0 || hung || grew ? 1 : 0;
}
