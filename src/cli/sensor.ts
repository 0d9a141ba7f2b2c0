/** `wiretrail sensor`: live capture from a mirror port. */
import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import { AlarmDesk } from '../alarm/desk.ts';
import { EXIT_DONE, EXIT_LOSS, UserError } from '../base/errors.ts';
import { InputError } from '../capture/batch.ts';
import { loadAddon } from '../capture/live/addon.ts';
import { CapFeed } from '../capture/live/cap.ts';
import { defaultBlockCount } from '../capture/live/ring-memory.ts';
import type { ConsoleServer } from '../console/server.ts';
import { ControlServer, type PeerLookup } from '../control/server.ts';
import { serversOf } from '../policy/servers.ts';
import { AlarmSink } from '../sensor/alarm-sink.ts';
import { readPolicies } from '../sensor/assemble.ts';
import { LiveCapture, type LiveListeners } from '../sensor/live.ts';
import { type CrewJob, LiveCrew } from '../sensor/live-crew.ts';
import type { Progress } from '../sensor/messages.ts';
import { type SensorFacts, Steering } from '../sensor/steering.ts';
import { trafficOpener } from '../sensor/traffic.ts';
import type { TrafficLog } from '../traffic/log.ts';
import { DEFAULT_LISTEN, startConsole } from './console.ts';
import { closeTraffic, trafficOptionsOf } from './flow-records.ts';
import { positiveInteger, programVersion, repeated, workerCount } from './options.ts';
import { type RecordingOptions, recordingOf, recordingOptions } from './recording.ts';
import { ALARM_GRACE_MS, internalLoss, printAlarms, printSummary } from './report.ts';
import { byteSize, counted, grouped, ProgressLine, say } from './text.ts';

interface SensorOptions extends RecordingOptions {
  readonly interface: readonly string[];
  readonly workers: number;
  readonly source: 'ring' | 'cap';
  readonly filter?: string;
  readonly kernelFilter?: boolean;
  readonly promiscuous: boolean;
  readonly outgoing?: boolean;
  readonly blockKib: number;
  readonly blocks?: number;
  readonly blockMs: number;
  readonly socket?: string;
  readonly console?: string | true;
  readonly twoToPush?: boolean;
}

const EXAMPLES = `
Examples:
  wiretrail sensor -i eth1 --store /var/lib/wiretrail      record what the mirror port shows, until Ctrl-C
  wiretrail sensor -i eth1 --jsonl - | jq .                records as they come
  wiretrail sensor -i eth1 --store data --blocks 4096      a ring of 1 GiB for long bursts
  wiretrail sensor -i eth0 --store data --outgoing         on the database's own machine
  wiretrail sensor -i eth1 --store data --console --socket s.sock   … with the web console, which can push policies
  wiretrail sensor -i eth1 -i eth2 --workers 4 --store data   four threads, a ring of every interface for each

Needs the capability CAP_NET_RAW; 'wiretrail doctor' says what is missing.`;

export function sensorCommand(exit: (code: number) => void): Command {
  const command = new Command('sensor')
    .description('capture from a network interface (a switch mirror port) and write audit records until stopped')
    .requiredOption('-i, --interface <name>', 'interface that receives mirrored traffic, repeatable', repeated);
  return recordingOptions(command, hostname())
    .optionsGroup('Capture:')
    .option('--workers <count>', 'capture threads that share the connections of every interface', workerCount, 1)
    .addOption(
      new Option('--source <name>', 'ring: AF_PACKET, Linux; cap: libpcap').choices(['ring', 'cap']).default('ring'),
    )
    .option('--filter <expression>', "capture only this, in tcpdump's language: 'tcp port 3306'")
    .option('--kernel-filter', 'receive only servers that the policies name; needs policies with "record: matched"')
    .option('--no-promiscuous', 'see only what is addressed to this interface')
    .option('--outgoing', 'see what this machine sends as well: to watch a database that runs on it')
    .option('--block-kib <size>', 'size of a ring block, a multiple of 4', positiveInteger, 256)
    .option(
      '--blocks <count>',
      'blocks of each ring (default: as many as make 256 MiB, less where memory is short)',
      positiveInteger,
    )
    .option('--block-ms <time>', 'longest time a packet waits in a block that is not full', positiveInteger, 8)
    .optionsGroup('Control:')
    .option('--socket <path>', "control socket to listen on, for 'wiretrail status' and 'policy push'")
    .option(
      '--console [address:port]',
      `serve the web console as well (${DEFAULT_LISTEN}), with a certificate made here`,
    )
    .option('--two-to-push', 'in that console a policy is pushed only from a draft that another administrator kept')
    .addHelpText('after', EXAMPLES)
    .action(async (options: SensorOptions) => exit(await run(options)));
}

async function run(options: SensorOptions): Promise<number> {
  if (options.store === undefined && options.jsonl === undefined) {
    throw new UserError('nothing would be kept: give --store DIR or --jsonl PATH');
  }
  if (options.filter !== undefined && options.kernelFilter)
    throw new UserError('give either --filter or --kernel-filter');
  if (options.kernelFilter && serversOf(readPolicies(recordingOf(options).policies)) === undefined) {
    say('the policies may keep records of any server: --kernel-filter lets everything in');
  }
  if (options.console !== undefined && options.store === undefined)
    throw new UserError('--console shows a store: give --store DIR');
  const cap = options.source === 'cap' ? openCap(options) : undefined;
  const desk = new AlarmDesk(options.alarm ?? [], programVersion());
  const line = new ProgressLine();
  const wanted = trafficOptionsOf(options);
  // Opened when the store is there.
  const log: { traffic: TrafficLog | undefined } = { traffic: undefined };
  const served: { console: Promise<ConsoleServer | undefined> | undefined } = { console: undefined };
  const openTraffic = wanted && (await trafficOpener(wanted));
  const job = jobOf(options, cap);
  const live = await startLive(options, job, {
    ready: () => {
      log.traffic = openTraffic?.();
      const { blockBytes, blockCount } = job;
      say(`capturing on ${options.interface.join(', ')}, ring of ${byteSize(blockBytes * blockCount)}${each(options)}`);
      served.console = consoleBeside(options);
    },
    alarm: options.alarm === undefined ? undefined : (alarm) => desk.raise(alarm),
    traffic: wanted && {
      write: (...batch) => log.traffic?.write(...batch),
      heartbeat: (beat) => log.traffic?.heartbeat(beat),
    },
    progress: (progress) => line.update(() => describe(progress)),
  });
  const steering = new Steering(live, factsOf(options, job.policies), desk);
  const unhook = hookSignals(live, steering);
  let control: ControlServer | undefined;
  try {
    if (options.socket !== undefined)
      control = await ControlServer.listen(options.socket, steering.handlers(), peerLookup());
    const last = await live.ended;
    line.end();
    printSummary(last.tally, last.stats, last.counters);
    if (cap !== undefined) say('not known   what libpcap dropped; times are those of arrival in this program');
    return last.stats.drops + internalLoss(last.counters) > 0 ? EXIT_LOSS : EXIT_DONE;
  } catch (error) {
    live.stop();
    await live.ended.catch(() => undefined);
    throw error;
  } finally {
    line.end();
    cap?.close();
    unhook();
    closeTraffic(log.traffic);
    await (await served.console)?.close();
    await control?.close();
    await desk.close(ALARM_GRACE_MS);
    printAlarms(desk.reports());
  }
}

function factsOf(options: SensorOptions, policies: readonly string[]): SensorFacts {
  const { sensorName: sensor, interface: interfaces, source } = options;
  return { sensor, interfaces, policies, tellsDrops: source === 'ring' };
}

/** The console of `--console`. That it cannot be served ends no capture. */
async function consoleBeside(options: SensorOptions): Promise<ConsoleServer | undefined> {
  const { console: listen, store, socket, evidence, twoToPush } = options;
  if (listen === undefined || store === undefined) return undefined;
  try {
    const own = { ...(socket && { socket }), ...(evidence && { evidence }), ...(twoToPush && { twoToPush }) };
    return await startConsole({ listen: listen === true ? DEFAULT_LISTEN : listen, store, tls: true, ...own });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(`wiretrail: no console: ${error.message}`);
    return undefined;
  }
}

/** Who connected the control socket, by the addon; where there is none, the socket's mode alone decides. */
function peerLookup(): PeerLookup | undefined {
  try {
    const { peerCredentials } = loadAddon();
    return (fd) => peerCredentials(fd).uid;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return undefined;
  }
}

type Live = LiveCapture | LiveCrew;

function startLive({ workers }: SensorOptions, job: CrewJob, listeners: LiveListeners): Live | Promise<LiveCrew> {
  if (workers === 1) return new LiveCapture({ ...job, crew: undefined }, listeners);
  const { alarm } = listeners;
  return LiveCrew.start(job, workers, alarm === undefined ? [] : [new AlarmSink(alarm)], listeners);
}

/** Throws a UserError when the options ask for what libpcap cannot do, or it is not there. */
function openCap(options: SensorOptions): CapFeed {
  const { interface: interfaces, workers, kernelFilter, filter } = options;
  const { blockBytes, blockCount } = ringOf(options);
  if (workers > 1) throw new UserError('--source cap is one thread: use --workers 1');
  if (kernelFilter)
    throw new UserError('--source cap cannot replace its filter: use --filter instead of --kernel-filter');
  return new CapFeed({ interfaces, filter, bufferBytes: blockBytes * blockCount });
}

function ringOf({ interface: interfaces, workers, blockKib, blocks }: SensorOptions): {
  readonly blockBytes: number;
  readonly blockCount: number;
} {
  const blockBytes = blockKib * 1024;
  return { blockBytes, blockCount: blocks ?? defaultBlockCount(interfaces.length, workers, blockBytes) };
}

/** Says of the ring's size what it is for, where there are several. */
function each({ interface: interfaces, workers }: SensorOptions): string {
  return interfaces.length * workers === 1 ? '' : ' for each interface and thread';
}

function jobOf(options: SensorOptions, cap: CapFeed | undefined): CrewJob {
  return {
    ...recordingOf(options),
    interfaces: options.interface,
    ...ringOf(options),
    retireMs: options.blockMs,
    promiscuous: options.promiscuous,
    ignoreOutgoing: !options.outgoing,
    filter: options.filter,
    kernelFilter: options.kernelFilter ?? false,
    cap: cap?.memory,
  };
}

/** SIGINT and SIGTERM end the capture, SIGHUP reads the policies again. Returns what undoes it. */
function hookSignals(live: Live, steering: Steering): () => void {
  const stop = (): void => live.stop();
  const reload = (): void => {
    steering.reload().then(
      ({ version, rules }) => say(`policy ${version} in force, ${counted(rules, 'rule')}`),
      (error: Error) => say(`wiretrail: policy refused, the old one stays: ${error.message}`),
    );
  };
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  process.on('SIGHUP', reload);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, stop);
    process.off('SIGHUP', reload);
  };
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function describe({ stats, counters }: Progress): string {
  const drops = stats.drops > 0 ? `, ${grouped(stats.drops)} dropped` : '';
  return `${grouped(stats.packets)} packets${drops}, ${grouped(counters.audit.statements)} statements`;
}
