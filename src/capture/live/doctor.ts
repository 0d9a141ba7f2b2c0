/** What `wiretrail doctor` asks about capture: each thing that live capture and replay need, and how to get it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { errorCode } from '../files/input.ts';
import { loadAddon } from './addon.ts';
import { interfaceNames, openRing, PRIVILEGE_REMEDY } from './ring.ts';
import { availableMemoryBytes, defaultRingBytes, RING_BYTES_MIN } from './ring-memory.ts';

export interface Check {
  /** Stable name: `packet-sockets`, `privilege`, `addon`, `interface`, `ring`, `memory`, `zstd`. */
  readonly name: string;
  readonly ok: boolean;
  /** What was found, one line. */
  readonly detail: string;
  /** What to do about it; `undefined` when there is nothing to do. */
  readonly remedy: string | undefined;
}

/** Bit of CAP_NET_RAW in the capability sets. */
const CAP_NET_RAW = 13;
/** The smallest default ring must fit in a quarter of the free memory. */
const MEMORY_BYTES_MIN: number = 4 * RING_BYTES_MIN;
const MIB: number = 2 ** 20;
const PROBE_RING = { blockBytes: 64 * 1024, blockCount: 4 };

/**
 * Checks this machine. Never throws.
 *
 * @param interfaces Interfaces that will be captured from; all that are up are tried when none is given.
 */
export function captureChecks(interfaces: readonly string[] = []): Check[] {
  const wanted = interfaces.length > 0 ? interfaces : interfaceNames().filter((name) => linkState(name) === 'up');
  const checks = [checkPacketSockets(), checkPrivilege(), checkAddon(), checkInterfaces(interfaces)];
  for (const name of wanted) checks.push(checkRing(name));
  checks.push(checkMemory(), checkZstd());
  return checks;
}

function passed(name: string, detail: string): Check {
  return { name, ok: true, detail, remedy: undefined };
}

function failed(name: string, detail: string, remedy: string): Check {
  return { name, ok: false, detail, remedy };
}

function checkPacketSockets(): Check {
  const name = 'packet-sockets';
  if (process.platform !== 'linux') {
    return failed(name, `${process.platform} has no AF_PACKET`, 'capture on Linux; files can be replayed here');
  }
  if (existsSync('/proc/net/packet')) return passed(name, 'the kernel has AF_PACKET');
  return failed(name, 'the kernel has no AF_PACKET', 'use a kernel with CONFIG_PACKET (modprobe af_packet)');
}

function checkPrivilege(): Check {
  const name = 'privilege';
  const effective = effectiveCapabilities();
  if (effective === undefined) return failed(name, 'the kernel does not tell the capabilities', PRIVILEGE_REMEDY);
  if (((effective >> BigInt(CAP_NET_RAW)) & 1n) === 1n) return passed(name, 'CAP_NET_RAW is effective');
  return failed(name, 'CAP_NET_RAW is missing', PRIVILEGE_REMEDY);
}

function effectiveCapabilities(): bigint | undefined {
  const match = /^CapEff:\s*([0-9a-f]+)$/m.exec(readText('/proc/thread-self/status'));
  return match?.[1] === undefined ? undefined : BigInt(`0x${match[1]}`);
}

function checkAddon(): Check {
  const name = 'addon';
  try {
    loadAddon();
    return passed(name, 'the capture addon loads');
  } catch (error) {
    return failed(name, messageOf(error), 'npm run build:native');
  }
}

function checkInterfaces(wanted: readonly string[]): Check {
  const name = 'interface';
  const names = interfaceNames();
  const detail = names.map((each) => `${each} ${linkState(each)}`).join(', ') || 'none';
  const missing = wanted.find((each) => !names.includes(each));
  if (missing !== undefined)
    return failed(name, `${missing} does not exist (${detail})`, 'choose an existing interface');
  const down = wanted.find((each) => linkState(each) === 'down');
  if (down !== undefined) return failed(name, `${down} is down`, `ip link set ${down} up, and check the cable`);
  return passed(name, detail);
}

/** `up`, `down`, or `unknown` for virtual links that do not say (a loopback, a tunnel). */
function linkState(name: string): string {
  // Only names that the kernel listed, or that the user chose: never a path.
  if (name.includes('/')) return 'unknown';
  return readText(`/sys/class/net/${name}/operstate`).trim() || 'unknown';
}

function checkRing(interfaceName: string): Check {
  try {
    openRing({ interfaces: [interfaceName], promiscuous: false, ...PROBE_RING }).close();
    return passed('ring', `a ring opens on ${interfaceName}`);
  } catch (error) {
    return failed('ring', messageOf(error), 'see the other checks');
  }
}

function checkMemory(): Check {
  const name = 'memory';
  const available = availableMemoryBytes();
  if (available === undefined) return passed(name, 'free memory is not known here');
  const ring = defaultRingBytes(1, 1, available);
  const detail = `${Math.floor(available / MIB)} MiB free: the ring of an interface is ${ring / MIB} MiB by default`;
  if (available >= MEMORY_BYTES_MIN) return passed(name, detail);
  return failed(name, detail, `free ${MEMORY_BYTES_MIN / MIB} MiB, or give fewer --blocks`);
}

/** Never a failure: without the command a slower built-in decoder is used. */
function checkZstd(): Check {
  const found = spawnSync('zstd', ['--version'], { encoding: 'utf8' });
  if (found.status === 0) return passed('zstd', found.stdout.trim());
  const detail = 'no zstd command: .zst files are read by a slower decoder';
  return { name: 'zstd', ok: true, detail, remedy: 'install the zstd package' };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : errorCode(error);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
