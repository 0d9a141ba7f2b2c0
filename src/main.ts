#!/usr/bin/env node
/** Process entry: arguments in, exit code out. */
import { run } from './cli/program.ts';

// A reader that closes the pipe (`| head`) ends the output, not the world.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

process.exitCode = await run(process.argv.slice(2));
