/** tcpdump on the mirror port: writes a scenario's own capture. */
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Service } from '../support/process.ts';
import { type LabNetwork, SENSOR_INTERFACE } from './net.ts';

const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 10_000;
/** The file has grown no more for this long: what was sent has been written. */
const QUIET_MS = 150;

export class PacketCapture {
  readonly path: string;
  readonly #service: Service;

  private constructor(path: string, service: Service) {
    this.path = path;
    this.#service = service;
  }

  /** Writes whole frames that match `filter` (pcap-filter(7)) to `path` from now on. */
  static async start(network: LabNetwork, path: string, filter: string): Promise<PacketCapture> {
    // Whole frames, each written as it comes (-U), in the invoking user's name, with a buffer (KiB) for bursts.
    const flags = ['-i', SENSOR_INTERFACE, '-n', '-s', '0', '-U', '-B', '65536', '--immediate-mode', '-Z', 'root'];
    const argv = network.on('sensor', ['tcpdump', ...flags, '-w', path, filter]);
    const service = new Service('tcpdump', argv);
    await service.waitFor('listening', () => service.output().includes('listening on'), START_TIMEOUT_MS);
    return new PacketCapture(path, service);
  }

  /** Ends the capture once the wire is quiet. Rejects when the kernel dropped frames. */
  async stop(): Promise<void> {
    for (let size = -1; size !== statSync(this.path).size; await sleep(QUIET_MS)) size = statSync(this.path).size;
    await this.#service.stop('SIGINT', STOP_TIMEOUT_MS);
    const dropped = /(\d+) packets dropped by kernel/.exec(this.#service.output())?.[1];
    if (dropped !== '0') throw new Error(`tcpdump lost frames (${dropped}):\n${this.#service.output()}`);
  }
}
