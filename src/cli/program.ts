/** The command line: one file a command, exit codes of the record contract, one line for what went wrong. */
import { Command, CommanderError } from 'commander';
import { EXIT_DONE, EXIT_USAGE, UserError } from '../base/errors.ts';
import { consoleCommand } from './console.ts';
import { doctorCommand } from './doctor.ts';
import { extractCommand } from './extract.ts';
import { programVersion } from './options.ts';
import { policyCommand } from './policy.ts';
import { queryCommand } from './query.ts';
import { replayCommand } from './replay.ts';
import { sensorCommand } from './sensor.ts';
import { statusCommand } from './status.ts';
import { storeCommand } from './store.ts';
import { say } from './text.ts';
import { anchorCommand, verifyCommand } from './verify.ts';

const EXAMPLES = `
Examples:
  wiretrail replay capture.pcap --jsonl -          every statement of a capture, as JSON lines
  wiretrail replay *.pcap --store ./data           … into a store, to search later
  wiretrail query user:alice op:DELETE since:-2d --store ./data
  wiretrail sensor -i eth1 --store /var/lib/wiretrail
  wiretrail verify --store ./data                  every record is as it was written
  wiretrail console --store ./data                 the web console, on loopback
  wiretrail doctor -i eth1                         can this machine capture?

Exit codes: 0 done · 1 a rule at or above --fail-on matched, or a check failed · 2 wrong usage or unusable input · 3 done, but with loss`;

const COMMANDS = [
  replayCommand,
  sensorCommand,
  statusCommand,
  queryCommand,
  extractCommand,
  verifyCommand,
  anchorCommand,
  storeCommand,
  policyCommand,
  consoleCommand,
  doctorCommand,
];

/** Runs the command line and returns its exit code. Only bugs reject. */
export async function run(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT_DONE;
  const exit = (code: number): void => {
    exitCode = code;
  };
  const program = new Command('wiretrail')
    .description(
      'Writes down every database statement that crosses the wire: who, when, where, what, how, and what came of it.',
    )
    .version(programVersion())
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(--help shows what is possible)')
    .exitOverride();
  for (const make of COMMANDS) {
    program.addCommand(inherit(make(exit)));
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_DONE : EXIT_USAGE;
    if (!(error instanceof UserError)) throw error;
    say(`wiretrail: ${error.message}`);
    return EXIT_USAGE;
  }
}

/** Sub-commands report usage errors the same way as the program itself. */
function inherit(command: Command): Command {
  command.exitOverride().showHelpAfterError('(--help shows what is possible)');
  for (const child of command.commands) inherit(child);
  return command;
}
