/**
 * All benches but two: `npm run bench [rounds]`. A capture of ten million packets: `npm run bench -- long [rounds]`. The
 * store's: `npm run bench -- store [records] [beside]` (`store.ts`). JSON lines on standard output as they are measured, a Markdown table at the
 * end on standard error. Fails when a run does not find exactly what was put in.
 *
 * Read the figures as ratios between rows of one run: the machine, its load and its clock are the same for all of them.
 */
import { join } from 'node:path';
import { measure } from './measure.ts';
import { longReplayResults, type Result, replayResults, slowerReplayResults } from './replay.ts';
import { benchStore } from './store.ts';

const ROUNDS_DEFAULT = 3;
const STORE_RECORDS_DEFAULT = 2_000_000;
const STORE_BESIDE_DEFAULT = 200_000;
/** Concurrent flows of the packet path's runs, how often they are repeated, and whose ports are (`packet-path.ts`). */
const PATH_RUNS = [
  { flows: 10_000, rounds: 12, ports: 'pools' },
  { flows: 1_000_000, rounds: 1, ports: 'pools' },
  { flows: 10_000, rounds: 12, ports: 'random' },
  { flows: 1_000_000, rounds: 1, ports: 'random' },
];

// Certificates that a machine adds for its developers are read by every start of node: 30 ms of CPU that are not ours.
delete process.env['NODE_EXTRA_CA_CERTS'];

const [, , first, ...others] = process.argv;
if (first === 'store') {
  const [size = STORE_RECORDS_DEFAULT, besideSize = STORE_BESIDE_DEFAULT] = others.map(Number);
  await benchStore(size, besideSize);
} else if (first === 'long') {
  await benchReplay('replay-long', Number(others[0] ?? 1), longReplayResults);
} else {
  await benchPackets(Number(first ?? ROUNDS_DEFAULT));
}

async function benchPackets(rounds: number): Promise<void> {
  await benchReplay('replay', rounds, async (times, report) => {
    await replayResults(times, report);
    await slowerReplayResults(times, report);
  });

  for (const { flows, rounds: times, ports } of PATH_RUNS) {
    const script = join(import.meta.dirname, 'packet-path.js');
    const { stdout } = await measure([process.execPath, script, String(flows), String(times), ports]);
    const rates = [...stdout.matchAll(/([\d.]+) M packets\/s, (\d+) bytes a flow/g)];
    const best = Math.max(...rates.map((rate) => Number(rate[1])));
    const bytesPerFlow = Number(rates[0]?.[2]);
    process.stdout.write(`${JSON.stringify({ bench: 'packet-path', flows, ports, mpps: best, bytesPerFlow })}\n`);
    process.stderr.write(`packet path, ${flows} flows, ${ports}: ${best} M packets/s, ${bytesPerFlow} bytes a flow\n`);
  }
}

async function benchReplay(bench: string, rounds: number, replays: typeof replayResults): Promise<void> {
  const results: Result[] = [];
  await replays(rounds, (result) => {
    results.push(result);
    process.stdout.write(`${JSON.stringify({ bench, ...result })}\n`);
  });
  table(results);
}

function table(rows: readonly Result[]): void {
  const lines = [
    `| ${rows[0]?.packets} packets, 10,000 MySQL flows, ${rows[0]?.statements} statements | CPU s | wall s | peak MiB |`,
    '| --- | ---: | ---: | ---: |',
    ...rows.map(
      (r) => `| ${r.name} | ${r.cpuSeconds.toFixed(2)} | ${r.wallSeconds.toFixed(2)} | ${Math.round(r.peakMib)} |`,
    ),
  ];
  process.stderr.write(`${lines.join('\n')}\n\n`);
}
