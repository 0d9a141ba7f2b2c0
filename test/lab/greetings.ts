/**
 * Which client port a MariaDB thread serves: neither of the server's logs says it, but its greeting names the thread.
 *
 * tcpdump at the server's own interface keeps the greetings (protocol v10: MariaDB knowledge base, "Connecting",
 * initial handshake packet) and nothing else. It reads no statement, so it stays independent of what is tested.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Service } from '../support/process.ts';
import type { LabNetwork } from './net.ts';

const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 10_000;
const QUIET_MS = 100;

const PCAP_HEADER_BYTES = 24;
const PCAP_RECORD_HEADER_BYTES = 16;
const PCAP_CAPTURED_BYTES = 8;
const ETHERNET_BYTES = 14;
const IPV4_DESTINATION = 16;
const TCP_DESTINATION_PORT = 2;
const TCP_DATA_OFFSET = 12;
/** Three bytes of length and the sequence number come before the payload. */
const PACKET_HEADER_BYTES = 4;
const PROTOCOL_V10 = 10;

export class GreetingWatch {
  readonly #path: string;
  readonly #service: Service;

  private constructor(path: string, service: Service) {
    this.#path = path;
    this.#service = service;
  }

  static async start(network: LabNetwork, directory: string, port: number): Promise<GreetingWatch> {
    const path = join(directory, 'greetings.pcap');
    const payload = '((tcp[12] & 0xf0) >> 2)';
    const filter = `tcp src port ${port} and tcp[${payload} + 3] = 0 and tcp[${payload} + 4] = ${PROTOCOL_V10}`;
    const flags = ['-i', 'eth0', '-n', '-s', '256', '-U', '--immediate-mode', '-Z', 'root'];
    const service = new Service('tcpdump', network.on('server', ['tcpdump', ...flags, '-w', path, filter]));
    await service.waitFor('listening', () => service.output().includes('listening on'), START_TIMEOUT_MS);
    return new GreetingWatch(path, service);
  }

  /** Thread id to `address:port` of the client, for all greetings so far. */
  async clients(): Promise<ReadonlyMap<string, string>> {
    for (let size = -1; size !== statSync(this.#path).size; await sleep(QUIET_MS)) size = statSync(this.#path).size;
    return readGreetings(readFileSync(this.#path));
  }

  async stop(): Promise<void> {
    await this.#service.stop('SIGINT', STOP_TIMEOUT_MS);
  }
}

/** `pcap`: microsecond format in this machine's byte order (little-endian), Ethernet, IPv4, as tcpdump writes it here. */
function readGreetings(pcap: Buffer): Map<string, string> {
  const clients = new Map<string, string>();
  for (let at = PCAP_HEADER_BYTES; at + PCAP_RECORD_HEADER_BYTES <= pcap.length; ) {
    const frame = at + PCAP_RECORD_HEADER_BYTES;
    const end = frame + pcap.readUInt32LE(at + PCAP_CAPTURED_BYTES);
    if (end > pcap.length) break;
    const ip = frame + ETHERNET_BYTES;
    const tcp = ip + (pcap.readUInt8(ip) & 0x0f) * 4;
    const payload = tcp + (pcap.readUInt8(tcp + TCP_DATA_OFFSET) >> 4) * 4;
    const version = payload + PACKET_HEADER_BYTES + 1;
    const versionEnd = pcap.indexOf(0, version);
    if (versionEnd >= 0 && versionEnd + 5 <= end) {
      const address = [...pcap.subarray(ip + IPV4_DESTINATION, ip + IPV4_DESTINATION + 4)].join('.');
      const thread = String(pcap.readUInt32LE(versionEnd + 1));
      // A result row may look like a greeting, but only later in a connection: the first one counts.
      const client = `${address}:${pcap.readUInt16BE(tcp + TCP_DESTINATION_PORT)}`;
      if (!clients.has(thread)) clients.set(thread, client);
    }
    at = end;
  }
  return clients;
}
