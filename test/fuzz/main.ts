/**
 * Runs a fuzz campaign: `npm run fuzz -- TARGET SEED SECONDS`; a target is a protocol, `segments` for
 * reassembly alone, or `packets` for the whole path.
 *
 * Ends with 1 when something was found; inputs that did are saved in `test/fuzz/corpus`, to be committed with the fix.
 */
import { memoryUsage } from 'node:process';
import { loadProtocols } from '#src/protocols/registry.js';
import { protocolTarget, runCampaign, type Target } from './campaign.ts';
import { PACKETS, packetTarget } from './packets.ts';
import { SEGMENT_TARGET, SEGMENTS } from './segments.ts';

/** An execution that takes longer hangs, as far as a sensor is concerned. */
const HANG_MS = 2_000;
/** Heap that a campaign may end with above what it began with: garbage not yet collected, nothing that grows. */
const GROWTH_BYTES_MAX = 128 * 1024 * 1024;

const [name = '', seedText = '', secondsText = ''] = process.argv.slice(2);
const [seed, seconds] = [Number(seedText), Number(secondsText)];
const modules = await loadProtocols();
const module = modules.find((one) => one.name === name);
if (!Number.isSafeInteger(seed) || !(seconds > 0)) usage();
else if (name === PACKETS) await run(packetTarget(modules));
else if (name === SEGMENTS) await run(SEGMENT_TARGET);
else if (module !== undefined) await run(await protocolTarget(module));
else usage();

function usage(): void {
  const targets = [...modules.map((one) => one.name), SEGMENTS, PACKETS].join('|');
  process.stderr.write(`usage: npm run fuzz -- ${targets} SEED SECONDS\n`);
  process.exitCode = 2;
}

async function run<I>(target: Target<I>): Promise<void> {
  const heapBefore = memoryUsage().heapUsed;
  const endMs = Date.now() + seconds * 1000;
  const result = await runCampaign(target, seed, () => Date.now() < endMs);
  globalThis.gc?.();
  const growth = memoryUsage().heapUsed - heapBefore;
  const grew = globalThis.gc !== undefined && growth > GROWTH_BYTES_MAX;
  const hung = result.slowestMs > HANG_MS;
  process.stdout.write(
    `${name}: ${result.executions} executions over ${target.recordings} recordings, ${result.events} events, ` +
      `${result.findings.length} findings; slowest ${result.slowestMs.toFixed(1)} ms (seed ${result.slowestSeed}), ` +
      `heap ${(growth / 2 ** 20).toFixed(1)} MiB more\n`,
  );
  for (const { seed: own, input, error } of result.findings) {
    process.stdout.write(`seed ${own}: ${error.stack ?? error.message}\n  saved as ${target.save(input)}\n`);
  }
  if (hung || grew) process.stdout.write(`${hung ? 'an execution hung' : 'memory grew'}\n`);
  process.exitCode = result.findings.length > 0 || hung || grew ? 1 : 0;
}
