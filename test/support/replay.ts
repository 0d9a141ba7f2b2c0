/** Runs the command line as a user would, and reads what it prints. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '../../main.js');
const OUTPUT_BYTES_MAX = 1 << 30;
/** A command that hangs fails its test, not the whole run. */
const TIMEOUT_MS = 60_000;

/** A record as printed: public keys. */
export interface JsonRecord {
  readonly time: string;
  readonly 'audit.kind': string;
  readonly 'audit.id': string;
  readonly 'audit.session'?: string;
  readonly 'audit.call'?: string;
  readonly 'audit.marks'?: readonly string[];
  readonly 'user.name'?: string;
  readonly 'db.query.text'?: string;
  readonly 'db.query.parameters'?: readonly unknown[];
  readonly 'db.operation.name'?: string;
  readonly 'db.response.status_code'?: string;
  readonly [key: string]: unknown;
}

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function wiretrail(args: readonly string[], input?: Uint8Array): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
    timeout: TIMEOUT_MS,
    ...(input ? { input } : {}),
  });
  return { status, stdout, stderr };
}

/** Replays captures and returns the records. Fails when the replay did. */
export function replayToRecords(files: readonly string[], options: readonly string[] = []): JsonRecord[] {
  const run = wiretrail(['replay', ...files, '--jsonl', '-', ...options]);
  if (run.status !== 0) throw new Error(`replay of ${files.join(' ')} ended with ${run.status}: ${run.stderr}`);
  return run.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonRecord);
}
