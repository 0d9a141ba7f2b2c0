/**
 * A small network for the lab: client, server and sensor, each in a network namespace, on a switch in a fourth one.
 *
 * The sensor's port sees a copy of everything, the way a mirror port does. Names carry the process id, so that runs do
 * not meet, and a later run can remove what a crashed one left behind.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { PROGRAM_PATH, run, runChecked } from '../support/process.ts';

/**
 * How the sensor gets its copy: `hub`, a bridge that forgets addresses at once and so floods; `flood`, ports that never
 * learn; `mirror`, `tc` copies the ingress of the two host ports to a sensor port outside the bridge; `double`, it copies
 * ingress and egress of both, so that every frame comes twice, as from a badly set up switch.
 */
export type CopyMode = 'hub' | 'flood' | 'mirror' | 'double';

/**
 * Where segmentation offload is off. `none`: the sensor sees super-packets larger than the MTU; `sensor`: frames are cut
 * to the MTU on their way to it; `hosts`: the ends never send larger ones.
 */
export type OffloadOff = 'none' | 'sensor' | 'hosts';

export type HostName = 'client' | 'server' | 'sensor';

export interface NetworkOptions {
  readonly copyMode?: CopyMode;
  readonly offloadOff?: OffloadOff;
}

export const SERVER_ADDRESS = '10.77.0.1';
export const CLIENT_ADDRESS = '10.77.0.2';
/** The sensor's interface, in its namespace. */
export const SENSOR_INTERFACE = 'mirror0';

const HOSTS: readonly HostName[] = ['client', 'server', 'sensor'];
const NETNS_DIRECTORY = '/run/netns';
const NAME_PATTERN = /^wiretrail-(\d+)-\d+-[a-z]+$/;
/** cBPF program `return 0xffffffff`: every frame. */
const MATCH_ALL = '1,6 0 0 4294967295';

let networksMade = 0;

export class LabNetwork {
  readonly #prefix: string;
  readonly #atExit = (): void => removeNamespacesSync(this.#prefix);

  private constructor(prefix: string) {
    this.#prefix = prefix;
    process.once('exit', this.#atExit);
  }

  /** Builds the network; on any failure what was built is removed again. Needs root. */
  static async create(options: NetworkOptions = {}): Promise<LabNetwork> {
    removeAbandonedNamespaces();
    if (networksMade === 0) exitOnSignals();
    const network = new LabNetwork(`wiretrail-${process.pid}-${networksMade++}-`);
    try {
      await network.#build(options.copyMode ?? 'flood', options.offloadOff ?? 'none');
      return network;
    } catch (error) {
      network.destroy();
      throw error;
    }
  }

  /** `argv` to run `command` on a host. */
  on(host: HostName, command: readonly string[]): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(host), ...command];
  }

  /** Sends `count` datagrams to the discard port of `address`: nobody listens, the switch carries them all the same. */
  async send(from: HostName, address: string, count: number): Promise<void> {
    const script = `for i in $(seq ${count}); do echo $i > /dev/udp/${address}/9; sleep 0.01; done`;
    await runChecked(this.on(from, ['bash', '-c', script]));
  }

  /** Ends what still runs in the namespaces and removes them. Idempotent. */
  destroy(): void {
    process.removeListener('exit', this.#atExit);
    removeNamespacesSync(this.#prefix);
  }

  #namespace(host: HostName | 'switch'): string {
    return this.#prefix + host;
  }

  async #build(copyMode: CopyMode, offloadOff: OffloadOff): Promise<void> {
    for (const host of [...HOSTS, 'switch'] as const) {
      await runChecked(['ip', 'netns', 'add', this.#namespace(host)]);
      // Neighbour discovery would mix in frames of its own: before links exist, so that none is ever sent.
      const quiet =
        'echo 1 | tee /proc/sys/net/ipv6/conf/all/disable_ipv6 /proc/sys/net/ipv6/conf/default/disable_ipv6';
      await runChecked(['ip', 'netns', 'exec', this.#namespace(host), 'sh', '-c', quiet]);
    }
    const bridge = ['type', 'bridge', 'mcast_snooping', '0', 'stp_state', '0', 'forward_delay', '0'];
    const ageing = copyMode === 'hub' ? ['ageing_time', '0'] : [];
    await this.#ip('switch', ['link', 'add', 'br0', ...bridge, ...ageing]);
    for (const host of HOSTS) await this.#plug(host, copyMode);
    await this.#ip('switch', ['link', 'set', 'br0', 'up']);
    await this.#ip('client', ['address', 'add', `${CLIENT_ADDRESS}/24`, 'dev', 'eth0']);
    await this.#ip('server', ['address', 'add', `${SERVER_ADDRESS}/24`, 'dev', 'eth0']);
    if (copyMode === 'mirror' || copyMode === 'double') {
      const sides = copyMode === 'double' ? ['ingress', 'egress'] : ['ingress'];
      for (const port of ['client', 'server']) await this.#mirror(port, sides);
    }
    if (offloadOff === 'sensor') await this.#offloadOff('switch', 'sensor');
    if (offloadOff === 'hosts') for (const host of ['client', 'server'] as const) await this.#offloadOff(host, 'eth0');
  }

  async #plug(host: HostName, copyMode: CopyMode): Promise<void> {
    const end = host === 'sensor' ? SENSOR_INTERFACE : 'eth0';
    const peer = ['peer', 'name', host, 'netns', this.#namespace('switch')];
    await runChecked(['ip', 'link', 'add', end, 'netns', this.#namespace(host), 'type', 'veth', ...peer]);
    const inBridge = !(host === 'sensor' && (copyMode === 'mirror' || copyMode === 'double'));
    if (inBridge) await this.#ip('switch', ['link', 'set', host, 'master', 'br0']);
    if (inBridge && copyMode === 'flood') {
      await runChecked([
        'bridge',
        '-n',
        this.#namespace('switch'),
        'link',
        'set',
        'dev',
        host,
        'learning',
        'off',
        'flood',
        'on',
      ]);
    }
    await this.#ip('switch', ['link', 'set', host, 'up']);
    if (host === 'sensor') await this.#ip(host, ['link', 'set', end, 'arp', 'off', 'multicast', 'off']);
    else await this.#ip(host, ['link', 'set', 'lo', 'up']);
    await this.#ip(host, ['link', 'set', end, 'up']);
  }

  async #mirror(port: string, sides: readonly string[]): Promise<void> {
    const tc = ['tc', '-n', this.#namespace('switch')];
    await runChecked([...tc, 'qdisc', 'add', 'dev', port, 'clsact']);
    const action = ['action', 'mirred', 'egress', 'mirror', 'dev', 'sensor'];
    const match = ['protocol', 'all', 'prio', '1', 'bpf', 'bytecode', MATCH_ALL];
    for (const side of sides) await runChecked([...tc, 'filter', 'add', 'dev', port, side, ...match, ...action]);
  }

  async #offloadOff(host: HostName | 'switch', device: string): Promise<void> {
    const ethtool = ['ethtool', '-K', device, 'tso', 'off', 'gso', 'off', 'tx', 'off'];
    await runChecked(['ip', 'netns', 'exec', this.#namespace(host), ...ethtool]);
  }

  async #ip(host: HostName | 'switch', command: readonly string[]): Promise<void> {
    await runChecked(['ip', '-n', this.#namespace(host), ...command]);
  }
}

/** Why namespaces can't be made here; `undefined` when they can. Leaves nothing behind. */
export async function networkObstacle(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'the lab needs root, to make network namespaces';
  const name = `wiretrail-${process.pid}-0-probe`;
  const added = await run(['ip', 'netns', 'add', name]).catch(() => undefined);
  if (added === undefined) return 'the lab needs iproute2 (ip)';
  if (added.code !== 0) return `the lab can't make a network namespace: ${added.stderr.trim()}`;
  await run(['ip', 'netns', 'delete', name]);
  return undefined;
}

/** Without a handler a signal ends Node at once; through `exit`, what cleans up at exit still runs. */
function exitOnSignals(): void {
  const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
  for (const [signal, number] of Object.entries(numbers)) process.once(signal, () => process.exit(128 + number));
}

function removeAbandonedNamespaces(): void {
  if (!existsSync(NETNS_DIRECTORY)) return;
  for (const name of readdirSync(NETNS_DIRECTORY)) {
    const pid = NAME_PATTERN.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeNamespacesSync(name);
  }
}

/** Synchronous, because it also runs while the process exits. */
function removeNamespacesSync(prefix: string): void {
  if (!existsSync(NETNS_DIRECTORY)) return;
  const env = { ...process.env, PATH: PROGRAM_PATH };
  for (const name of readdirSync(NETNS_DIRECTORY)) {
    if (!name.startsWith(prefix)) continue;
    const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8', env }).stdout.split('\n').filter(Boolean);
    for (const pid of pids) spawnSync('kill', ['-KILL', pid]);
    spawnSync('ip', ['netns', 'delete', name], { env });
  }
}
