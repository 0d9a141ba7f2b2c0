/** `wiretrail sensor`: live capture from a mirror port. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Command } from 'commander';
import { EXIT_DONE, EXIT_LOSS, UserError } from '../base/errors.ts';
import type { CaptureJob, CaptureMessage, Progress } from '../sensor/messages.ts';
import { DEFAULT_FLOWS_MAX, PACKAGED_POLICIES, portHint, positiveInteger, repeated } from './options.ts';
import { internalLoss, printSummary } from './report.ts';
import { type RetentionOptions, retentionOptions, storeOptionsOf } from './retention.ts';
import { grouped, ProgressLine, say } from './text.ts';

interface SensorOptions extends RetentionOptions {
  readonly interface: readonly string[];
  readonly store?: string;
  readonly jsonl?: string;
  readonly policies: string;
  readonly port?: ReadonlyMap<number, string>;
  readonly sensorName: string;
  readonly flows: number;
  readonly blockKib: number;
  readonly blocks: number;
  readonly promiscuous: boolean;
}

const EXAMPLES = `
Examples:
  wiretrail sensor -i eth1 --store /var/lib/wiretrail      record what the mirror port shows, until Ctrl-C
  wiretrail sensor -i eth1 --jsonl - | jq .                records as they come
  wiretrail sensor -i eth1 --store data --blocks 1024      a ring of 256 MiB for bursts

Needs the capability CAP_NET_RAW; 'wiretrail doctor' says what is missing.`;

export function sensorCommand(exit: (code: number) => void): Command {
  return retentionOptions(new Command('sensor'))
    .description('capture from a network interface (a switch mirror port) and write audit records until stopped')
    .requiredOption('-i, --interface <name>', 'interface that receives mirrored traffic, repeatable', repeated)
    .option('--store <dir>', 'write records into a store')
    .option('--jsonl <path>', 'write records as JSON lines; - is standard output')
    .option('--policies <dir>', 'folder or file of policies', PACKAGED_POLICIES)
    .option('--port <port=protocol>', 'protocol hint, repeatable', portHint)
    .option('--sensor-name <name>', 'name written on every record', hostname())
    .option('--flows <count>', 'connections tracked at once', positiveInteger, DEFAULT_FLOWS_MAX)
    .option('--block-kib <size>', 'size of a ring block, a multiple of 4', positiveInteger, 256)
    .option('--blocks <count>', 'blocks of the ring', positiveInteger, 256)
    .option('--no-promiscuous', 'see only what is addressed to this interface')
    .addHelpText('after', EXAMPLES)
    .action(async (options: SensorOptions) => exit(await run(options)));
}

async function run(options: SensorOptions): Promise<number> {
  if (options.store === undefined && options.jsonl === undefined) {
    throw new UserError('nothing would be kept: give --store DIR or --jsonl PATH');
  }
  const stop = new SharedArrayBuffer(4);
  const job: CaptureJob = {
    interfaces: options.interface,
    sensor: options.sensorName,
    store: options.store,
    storeOptions: storeOptionsOf(options),
    jsonl: options.jsonl,
    policies: options.policies,
    ports: options.port ?? new Map(),
    flowsMax: options.flows,
    blockBytes: options.blockKib * 1024,
    blockCount: options.blocks,
    promiscuous: options.promiscuous,
    stop,
  };
  const last = await captureUntilStopped(job, stop);
  printSummary(last.tally, last.stats, last.counters);
  return internalLoss(last.stats, last.counters) > 0 ? EXIT_LOSS : EXIT_DONE;
}

/** Runs the capture thread until a signal; resolves with its last counters. */
function captureUntilStopped(job: CaptureJob, stop: SharedArrayBuffer): Promise<Progress> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(join(import.meta.dirname, '../sensor/capture-worker.js'), { workerData: job });
    const line = new ProgressLine();
    const onSignal = (): void => {
      Atomics.store(new Int32Array(stop), 0, 1);
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
    const done = (): void => {
      line.end();
      for (const signal of SIGNALS) process.off(signal, onSignal);
    };
    worker.on('message', (message: CaptureMessage) => {
      switch (message.kind) {
        case 'ready':
          say(`capturing on ${job.interfaces.join(', ')}`);
          break;
        case 'progress':
          line.update(() => describe(message.progress));
          break;
        case 'stopped':
          done();
          resolve(message.progress);
          break;
        case 'failed':
          done();
          reject(new UserError(message.message));
          break;
      }
    });
    worker.on('error', (error) => {
      done();
      reject(error);
    });
  });
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function describe({ stats, counters }: Progress): string {
  const drops = stats.drops > 0 ? `, ${grouped(stats.drops)} dropped` : '';
  return `${grouped(stats.packets)} packets${drops}, ${grouped(counters.audit.statements)} statements`;
}
