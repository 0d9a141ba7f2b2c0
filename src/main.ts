#!/usr/bin/env node
/** Process entry: arguments in, exit code out. */
import { EXIT_USAGE } from './base/errors.ts';
import { run } from './cli/program.ts';

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    // A reader that closes the pipe (`| head`) ends the output, not the world.
    if (code === 'EPIPE') process.exit();
    if (stream === process.stdout) process.stderr.write(`wiretrail: cannot write to standard output: ${message}\n`);
    process.exit(EXIT_USAGE);
  });
}

process.exitCode = await run(process.argv.slice(2));
