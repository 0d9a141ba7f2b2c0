/** Parsers of option values; each says in one line what was wrong and what would be right. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { SEVERITIES, type Severity } from '../contracts/record.ts';

/** Policies that come with Wiretrail. */
export const PACKAGED_POLICIES: string = resolve(import.meta.dirname, '../../policies');
/** Where the service listens (`deploy/systemd`). */
export const DEFAULT_SOCKET = '/run/wiretrail/control.sock';
export const DEFAULT_FLOWS_MAX = 262_144;

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

/** Repeatable text option. */
export function repeated(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
