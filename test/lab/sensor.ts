/** The sensor under test, on the mirror port, as a user runs it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { run, runChecked, Service } from '../support/process.ts';
import type { RecordLine } from './align.ts';
import { type LabNetwork, SENSOR_INTERFACE } from './net.ts';

/** `dist/main.js`; this file runs as `dist/test/lab/sensor.js`. */
const PROGRAM: string = join(import.meta.dirname, '..', '..', 'main.js');
const PRIORITY: readonly string[] = ['nice', '-n', '-15'];
/** Of 256 KiB: room for the seconds in which a busy machine gives all its processors to servers and clients. */
const RING_BLOCKS = 1024;
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 60_000;
const REPLAY_TIMEOUT_MS = 120_000;
/** Longer than the ring's block time-out and the store's batch interval together. */
const SETTLE_MS = 1_000;

/** Why the sensor can't be run, in one line; `undefined` when it can. */
export function sensorObstacle(): string | undefined {
  return existsSync(PROGRAM) ? undefined : 'the command line (dist/main.js) is not built';
}

export class Sensor {
  readonly #jsonl: string;
  readonly #store: string;
  readonly #service: Service;

  private constructor(jsonl: string, store: string, service: Service) {
    this.#jsonl = jsonl;
    this.#store = store;
    this.#service = service;
  }

  /** `options` are further ones of the command line. */
  static async start(network: LabNetwork, directory: string, options: readonly string[] = []): Promise<Sensor> {
    const jsonl = join(directory, 'records.jsonl');
    const store = join(directory, 'store');
    const output = ['--blocks', String(RING_BLOCKS), '--store', store, '--jsonl', jsonl];
    // Before the servers and clients it shares the processors with: on a mirror port it would have its own.
    const argv = [...PRIORITY, process.execPath, PROGRAM, 'sensor', '-i', SENSOR_INTERFACE, ...output, ...options];
    const service = new Service('sensor', network.on('sensor', argv));
    const ready = (): boolean => service.output().includes('capturing on');
    await service.waitFor('capturing', ready, START_TIMEOUT_MS);
    return new Sensor(jsonl, store, service);
  }

  /** Lets the last frames arrive, ends the sensor, and returns its records with what it said of itself. */
  async stop(): Promise<{ records: readonly RecordLine[]; exitCode: number; said: string }> {
    await sleep(SETTLE_MS);
    const exitCode = await this.#service.stop('SIGINT', STOP_TIMEOUT_MS);
    const records = existsSync(this.#jsonl) ? parseRecords(readFileSync(this.#jsonl, 'utf8')) : [];
    return { records, exitCode, said: this.#service.output() };
  }

  /** What a query finds in the store of a sensor that has ended. */
  async stored(): Promise<readonly RecordLine[]> {
    const argv = [process.execPath, PROGRAM, 'query', '--store', this.#store, '--format', 'jsonl'];
    return parseRecords(await runChecked(argv, { timeoutMs: REPLAY_TIMEOUT_MS }));
  }
}

/** The first record that is not the same in both lists, whatever their order; `undefined` when there is none. */
export function firstDifference(a: readonly RecordLine[], b: readonly RecordLine[]): readonly unknown[] | undefined {
  const [left, right] = [sortedById(a), sortedById(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    if (!isDeepStrictEqual(left[i], right[i])) return [left[i], right[i]];
  }
  return undefined;
}

function sortedById(records: readonly RecordLine[]): readonly RecordLine[] {
  return [...records].sort((a, b) => (String(a['audit.id']) < String(b['audit.id']) ? -1 : 1));
}

/** Changes with every edit of a pack, and with it every record. */
const POLICY_VERSION = /,"audit\.policy_version":"[0-9a-f]*"/g;

/** Records that a replay of `path` prints, as text, without the policy's version. Rejects unless it ends with 0. */
export async function replayText(path: string): Promise<string> {
  const result = await run([process.execPath, PROGRAM, 'replay', path, '--jsonl', '-'], {
    timeoutMs: REPLAY_TIMEOUT_MS,
  });
  if (result.code !== 0) throw new Error(`replay ${path}: exit ${result.code}\n${result.stderr}`);
  return result.stdout.replace(POLICY_VERSION, '');
}

export function parseRecords(text: string): RecordLine[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as RecordLine);
}
