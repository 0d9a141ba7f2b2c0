/** Parsers of option values; each says in one line what was wrong and what would be right. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { parseNetwork } from '../base/networks.ts';
import { SESSION_MEMORY_MAX } from '../contracts/protocol.ts';
import { SEVERITIES, type Severity } from '../contracts/record.ts';
import { OVERLAP_NAMES, type OverlapPolicy, type OverlapRange } from '../reassembly/overlap.ts';
import type { EvidenceOptions } from '../sensor/evidence.ts';

/** Policies that come with Wiretrail. */
export const PACKAGED_POLICIES: string = resolve(import.meta.dirname, '../../policies');
/** Where the service listens (`deploy/systemd`). */
export const DEFAULT_SOCKET = '/run/wiretrail/control.sock';
export const DEFAULT_FLOWS_MAX = 262_144;
/** Connections that `--flows` may ask for: with more, the tables alone take several GiB. */
const FLOWS_MAX = 2 ** 24;
/** Threads that `--workers` may ask for. */
const WORKERS_MAX = 64;

export function programVersion(): string {
  const file = resolve(import.meta.dirname, '../../package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** `PORT=PROTOCOL`, repeatable. */
export function portHint(value: string, known: ReadonlyMap<number, string> = new Map()): Map<number, string> {
  const match = /^(\d{1,5})=([a-z0-9]+)$/.exec(value);
  const port = Number(match?.[1]);
  if (!match?.[2] || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('expected PORT=PROTOCOL, for example 15432=postgres.');
  }
  return new Map(known).set(port, match[2]);
}

/** Ranges of hosts that `--overlap` may name. */
const OVERLAP_RANGES_MAX = 256;

/** `HOSTS=POLICY`, repeatable. */
export function overlapRange(value: string, before: readonly OverlapRange[] = []): OverlapRange[] {
  const equals = value.lastIndexOf('=');
  const range = parseNetwork(value.slice(0, Math.max(0, equals)));
  const policy = OVERLAP_NAMES.findIndex((name) => name === value.slice(equals + 1).toLowerCase());
  if (typeof range === 'string' || policy < 0) {
    const names = OVERLAP_NAMES.join(', ');
    throw new InvalidArgumentError(`expected HOSTS=POLICY, for example 10.0.0.0/8=linux; policies: ${names}.`);
  }
  if (before.length >= OVERLAP_RANGES_MAX) throw new InvalidArgumentError(`at most ${OVERLAP_RANGES_MAX} ranges.`);
  return [...before, { ...range, policy: policy as OverlapPolicy }];
}

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes, with `k`, `m`, `g` or `t` for 1024 and its powers. */
export function byteCount(value: string): number {
  const match = /^(\d{1,15})([kmgt]?)$/i.exec(value);
  const bytes = Number(match?.[1]) * (SIZE_UNITS[match?.[2]?.toLowerCase() ?? ''] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes) || bytes < 1) throw new InvalidArgumentError('expected a size such as 500M or 20G.');
  return bytes;
}

/** Bytes of evidence that are kept when nothing else is asked for. */
const DEFAULT_EVIDENCE_BYTES = 2 ** 30;

/** What a single connection may want of it, with room for others. */
const SESSION_MEMORY_MIN = 2 ** 25;

/** Bounds what connections hold. */
export function sessionMemoryOption(): Option {
  return new Option(
    '--session-memory <size>',
    'what the connections of a thread may hold together of statements under way',
  )
    .argParser(sessionMemory)
    .default(SESSION_MEMORY_MAX, '256M');
}

function sessionMemory(value: string): number {
  const bytes = byteCount(value);
  if (bytes < SESSION_MEMORY_MIN) throw new InvalidArgumentError('expected at least 32M.');
  return bytes;
}

/** Bounds the folder of `--evidence`. */
export function evidenceSizeOption(): Option {
  return new Option('--evidence-max-bytes <size>', 'size of that folder; the oldest go')
    .argParser(byteCount)
    .default(DEFAULT_EVIDENCE_BYTES, '1G');
}

export function evidenceOptions(options: {
  readonly evidence?: string;
  readonly evidenceMaxBytes: number;
}): EvidenceOptions | undefined {
  const { evidence: folder, evidenceMaxBytes: bytesMax } = options;
  return folder === undefined ? undefined : { folder, bytesMax };
}

export function severity(value: string): Severity {
  const found = SEVERITIES.find((s) => s === value);
  if (!found) throw new InvalidArgumentError(`expected one of ${SEVERITIES.join(', ')}.`);
  return found;
}

export function positiveInteger(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number above 0.');
  return number;
}

/** A parser of whole numbers from 1 to `max`. */
export function upTo(max: number): (value: string) => number {
  return (value) => {
    const number = positiveInteger(value);
    if (number > max) throw new InvalidArgumentError(`expected at most ${max}.`);
    return number;
  };
}

export const flowCount: (value: string) => number = upTo(FLOWS_MAX);
export const workerCount: (value: string) => number = upTo(WORKERS_MAX);

/** A name that is written on records: never empty. */
export function name(value: string): string {
  if (value.trim() === '') throw new InvalidArgumentError('expected a name.');
  return value;
}

/** Repeatable text option. */
export function repeated(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
