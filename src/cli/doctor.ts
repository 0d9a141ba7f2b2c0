/** `wiretrail doctor`: can this machine capture, and what is missing? */
import { Command } from 'commander';
import { EXIT_DONE, EXIT_USAGE } from '../base/errors.ts';
import { captureChecks } from '../capture/live/doctor.ts';
import { say } from './text.ts';

const EXAMPLES = `
Examples:
  wiretrail doctor             what works on this machine
  wiretrail doctor -i eth1     … and whether a ring opens on that interface`;

export function doctorCommand(exit: (code: number) => void): Command {
  return new Command('doctor')
    .description('check whether this machine can capture; exit 2 when something that capture needs is missing')
    .option('-i, --interface <name>', 'also open a ring on this interface')
    .addHelpText('after', EXAMPLES)
    .action((options: { interface?: string }) => {
      let missing = 0;
      for (const { name, ok, detail, remedy } of captureChecks(options.interface ? [options.interface] : [])) {
        say(`${ok ? 'ok     ' : 'MISSING'} ${name}: ${detail}`);
        if (!ok && remedy) say(`        → ${remedy}`);
        if (!ok) missing++;
      }
      exit(missing === 0 ? EXIT_DONE : EXIT_USAGE);
    });
}
