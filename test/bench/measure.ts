/** Runs a command and says what it cost: by wait4(2), through GNU time. */
import { existsSync } from 'node:fs';
import { PROGRAM_PATH, run } from '../support/process.ts';

const TIME = '/usr/bin/time';
const TIMEOUT_MS = 300_000;

export interface Cost {
  /** CPU time of the process and its children, user and system. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Largest resident size. */
  readonly peakMib: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Throws when the command fails, with its last words. */
export async function measure(argv: readonly string[], codes: readonly number[] = [0]): Promise<Cost> {
  const result = await run([TIME, '-f', '%U %S %e %M', ...argv], { timeoutMs: TIMEOUT_MS });
  const lines = result.stderr.trimEnd().split('\n');
  const [user, system, wall, peakKib] = (lines.pop() ?? '').split(' ').map(Number);
  if (!codes.includes(result.code) || peakKib === undefined)
    throw new Error(`${argv.join(' ')}: exit code ${result.code}: ${result.stderr}`);
  return {
    cpuSeconds: (user ?? 0) + (system ?? 0),
    wallSeconds: wall ?? 0,
    peakMib: peakKib / 1024,
    stdout: result.stdout,
    stderr: lines.join('\n'),
  };
}

/** The run that took the least CPU time: what disturbs a run only ever adds to it. */
export async function best(rounds: number, attempt: () => Promise<Cost>): Promise<Cost> {
  let least = await attempt();
  for (let i = 1; i < rounds; i++) {
    const next = await attempt();
    if (next.cpuSeconds < least.cpuSeconds) least = next;
  }
  return least;
}

/** Full path of a program; `undefined` when it is not installed. */
export function programPath(name: string): string | undefined {
  return PROGRAM_PATH.split(':')
    .map((folder) => `${folder}/${name}`)
    .find((path) => existsSync(path));
}
