/** Child processes for tests: every one has a deadline, and ends with all that it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RunOptions {
  /** The process group is killed after this time, and `run` rejects. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Written to standard input, which is then closed. */
  readonly input?: string;
}

export interface RunResult {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where programs are looked for: servers and network tools are in directories that not every shell's PATH has. */
export const PROGRAM_PATH: string = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

const RUN_TIMEOUT_MS = 60_000;
const OUTPUT_TAIL_CHARS = 2_000;

/** Processes started here that still run, so that an exiting test takes them along. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) signalGroup(child, 'SIGKILL');
});

/** Sends `signal` to the child and all its descendants that stayed in its process group. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: the group is gone, which is what was wanted
  }
}

/** Starts `argv` in a process group of its own; its standard error is collected in `output()`. */
export class Service {
  readonly child: ChildProcess;
  readonly name: string;
  #output = '';
  #exit: Promise<number>;

  constructor(name: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.name = name;
    const [file = '', ...args] = argv;
    this.child = spawn(file, args, {
      detached: true,
      env: { ...process.env, PATH: PROGRAM_PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    alive.add(this.child);
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-64 * OUTPUT_TAIL_CHARS);
    };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    this.#exit = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.#output += `\n${error.message}`;
        alive.delete(this.child);
        resolve(-1);
      });
      this.child.once('close', (code) => {
        alive.delete(this.child);
        resolve(code ?? -1);
      });
    });
  }

  /** The last part of what it printed, both streams together. */
  output(): string {
    return this.#output;
  }

  get running(): boolean {
    return alive.has(this.child);
  }

  /** Resolves once `ready` holds; rejects when the process ends first or `timeoutMs` pass. */
  async waitFor(what: string, ready: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
    await waitUntil(`${this.name}: ${what}`, timeoutMs, async () => {
      if (await ready()) return true;
      if (!this.running) throw new Error(`${this.name} ended early:\n${this.#output.slice(-OUTPUT_TAIL_CHARS)}`);
      return false;
    });
  }

  /** Sends `signal`, waits `timeoutMs`, then kills. Resolves to the exit code; -1 when a signal ended it. */
  async stop(signal: NodeJS.Signals, timeoutMs: number): Promise<number> {
    if (this.running) this.child.kill(signal);
    const timer = setTimeout(() => signalGroup(this.child, 'SIGKILL'), timeoutMs);
    const code = await this.#exit;
    clearTimeout(timer);
    return code;
  }
}

/** Polls `condition` until it holds; rejects after `timeoutMs`, naming `what`. */
export async function waitUntil(
  what: string,
  timeoutMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`gave up after ${timeoutMs} ms waiting for ${what}`);
    await sleep(20);
  }
}

/** Runs `argv` to its end and returns what it printed. Rejects when it can't be started or outlives its deadline. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [file = '', ...args] = argv;
  const timeoutMs = options.timeoutMs ?? RUN_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      detached: true,
      env: { ...process.env, PATH: PROGRAM_PATH, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    alive.add(child);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let late = false;
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // EPIPE when the program ends without reading its input: its exit code tells more
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    const timer = setTimeout(() => {
      late = true;
      signalGroup(child, 'SIGKILL');
    }, timeoutMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      alive.delete(child);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      alive.delete(child);
      if (late) reject(new Error(`${argv.join(' ')}: killed after ${timeoutMs} ms`));
      else
        resolve({
          code: code ?? -1,
          stdout: Buffer.concat(stdout).toString(),
          stderr: Buffer.concat(stderr).toString(),
        });
    });
  });
}

/** `run`, but any exit code other than 0 rejects with what the program said. Resolves to its standard output. */
export async function runChecked(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(argv, options);
  if (result.code !== 0) {
    const said = (result.stderr || result.stdout).slice(-OUTPUT_TAIL_CHARS);
    throw new Error(`${argv.join(' ')}: exit ${result.code}\n${said}`);
  }
  return result.stdout;
}
