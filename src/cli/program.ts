/** The command line: one file a command, exit codes of the record contract, one line for what went wrong. */
import { Command, CommanderError } from 'commander';
import { EXIT_DONE, EXIT_USAGE, UserError } from '../base/errors.ts';
import { programVersion } from './options.ts';
import { say } from './text.ts';

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

type MakeCommand = (exit: (code: number) => void) => Command;

/** Each is loaded when it is asked for: a replay need not wait for what only a query uses. */
const COMMANDS: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  replay: async () => (await import('./replay.ts')).replayCommand,
  sensor: async () => (await import('./sensor.ts')).sensorCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  query: async () => (await import('./query.ts')).queryCommand,
  flows: async () => (await import('./flows.ts')).flowsCommand,
  coverage: async () => (await import('./coverage.ts')).coverageCommand,
  extract: async () => (await import('./extract.ts')).extractCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  anchor: async () => (await import('./verify.ts')).anchorCommand,
  store: async () => (await import('./store.ts')).storeCommand,
  policy: async () => (await import('./policy.ts')).policyCommand,
  console: async () => (await import('./console.ts')).consoleCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
};

/** The command that is named first; all of them when none is, for help and complaints, but none to tell the version. */
function commandsFor(name: string | undefined): Promise<readonly MakeCommand[]> {
  if (name === '--version' || name === '-V') return Promise.resolve([]);
  const named = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return Promise.all((named === undefined ? Object.values(COMMANDS) : [named]).map((load) => load()));
}

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
  for (const make of await commandsFor(args[0])) program.addCommand(inherit(make(exit)));
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
