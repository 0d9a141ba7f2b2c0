/** A network namespace with veth pairs for tests of live capture, and a sender of frames. Needs root, ip and python3. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import type { TestContext } from 'node:test';
import type { CapturedPacket } from '../files/pcap-writer.ts';
import { type Addon, loadAddon } from './addon.ts';

/**
 * Sends the frames of its input (32-bit big-endian length, bytes) through a packet socket; prints how many. Node has no
 * packet sockets, and python3 is needed to build the addon anyway.
 */
const SENDER = `
import socket, struct, sys
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((sys.argv[1], 0))
data = sys.stdin.buffer.read()
at = sent = 0
while at < len(data):
    size = struct.unpack_from('>I', data, at)[0]
    out.send(data[at + 4:at + 4 + size])
    at += 4 + size
    sent += 1
print(sent)
`;

export class TestNet {
  readonly name: string;
  readonly addon: Addon;

  private constructor(name: string, addon: Addon) {
    this.name = name;
    this.addon = addon;
  }

  /**
   * Creates the namespace and moves this thread into it; both are undone after the test. Skips the test, and returns
   * `undefined`, where that is not possible.
   */
  static create(t: TestContext): TestNet | undefined {
    const missing = whatIsMissing();
    if (missing !== undefined) {
      t.skip(missing);
      return undefined;
    }
    const addon = loadAddon();
    const name = `wiretrail-test-${process.pid}`;
    execFileSync('ip', ['netns', 'add', name]);
    t.after(() => execFileSync('ip', ['netns', 'del', name]));
    const net = new TestNet(name, addon);
    // Quiet links: no router solicitations among the test's frames.
    net.#run('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1', 'net.ipv6.conf.all.disable_ipv6=1');
    const home = openSync('/proc/thread-self/ns/net', 'r');
    addon.setNetns(`/run/netns/${name}`);
    t.after(() => {
      addon.setNetns(`/proc/self/fd/${home}`);
      closeSync(home);
    });
    return net;
  }

  /** A veth pair: what is sent into `outside` arrives at `inside`. */
  addPair(outside: string, inside: string): void {
    this.#run('ip', 'link', 'add', outside, 'mtu', '9000', 'type', 'veth', 'peer', 'name', inside, 'mtu', '9000');
    for (const name of [outside, inside]) this.#run('ip', 'link', 'set', name, 'arp', 'off', 'up');
  }

  deleteLink(name: string): void {
    this.#run('ip', 'link', 'del', name);
  }

  setLink(name: string, state: 'up' | 'down'): void {
    this.#run('ip', 'link', 'set', name, state);
  }

  /** Sends frames and returns how many were sent. */
  send(from: string, packets: readonly Pick<CapturedPacket, 'bytes'>[]): number {
    const parts: Uint8Array[] = [];
    for (const { bytes } of packets) {
      const size = Buffer.alloc(4);
      size.writeUInt32BE(bytes.length);
      parts.push(size, bytes);
    }
    const args = ['netns', 'exec', this.name, 'python3', '-c', SENDER, from];
    return Number(execFileSync('ip', args, { input: Buffer.concat(parts), encoding: 'utf8' }));
  }

  /** Packet sockets that are open in the namespace. */
  packetSockets(): number {
    const table = this.#run('cat', '/proc/net/packet');
    return table.trim().split('\n').length - 1;
  }

  #run(...command: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, ...command], { encoding: 'utf8' });
  }
}

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'live capture is tested as root on Linux only';
  try {
    loadAddon();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  for (const tool of ['ip', 'python3', 'sysctl']) {
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `${tool} is not here`;
  }
  if (!existsSync('/run/netns') && spawnSync('ip', ['netns', 'list']).status !== 0) return 'no network namespaces here';
  return undefined;
}
