#!/usr/bin/env node
/** Process entry: arguments in, exit code out. */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EXIT_USAGE } from './base/errors.ts';
import { BUNDLE_SUFFIX, loadBundled } from './bundle.ts';

/** The program joined into few files (`vite.config.ts`). */
const BUNDLE = new URL(`./bundle/program${BUNDLE_SUFFIX}`, import.meta.url);
/** What the compiler writes whenever it has written a module. */
const COMPILED: readonly string[] = ['.src.tsbuildinfo', '.console-api.tsbuildinfo'];

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    // A reader that closes the pipe (`| head`) ends the output, not the world.
    if (code === 'EPIPE') process.exit();
    if (stream === process.stdout) process.stderr.write(`wiretrail: cannot write to standard output: ${message}\n`);
    process.exit(EXIT_USAGE);
  });
}

const { run } = isCurrent()
  ? (loadBundled(fileURLToPath(BUNDLE)) as typeof import('./cli/program.ts'))
  : await import('./cli/program.ts');
process.exitCode = await run(process.argv.slice(2));

/** There is a bundle, and no module was compiled since it was made. */
function isCurrent(): boolean {
  const madeMs = modifiedMs(BUNDLE);
  return madeMs > 0 && COMPILED.every((name) => modifiedMs(new URL(name, import.meta.url)) <= madeMs);
}

function modifiedMs(file: URL): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
