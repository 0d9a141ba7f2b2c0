/** `wiretrail status`: what a running sensor says of itself. */
import { Command } from 'commander';
import { EXIT_DONE } from '../base/errors.ts';
import { sensorStatus } from '../sensor/remote.ts';
import type { SensorStatus } from '../sensor/steering.ts';
import { DEFAULT_SOCKET } from './options.ts';
import { counted } from './text.ts';

interface StatusOptions {
  readonly socket: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  wiretrail status                                  of the sensor that runs as a service
  wiretrail status --socket ./s.sock --json | jq .  of one that was started with --socket ./s.sock`;

export function statusCommand(exit: (code: number) => void): Command {
  return new Command('status')
    .description('ask a running sensor for its policy and counters')
    .option('--socket <path>', 'control socket of the sensor', DEFAULT_SOCKET)
    .option('--json', 'everything, as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (options: StatusOptions) => {
      const status = await sensorStatus(options.socket);
      process.stdout.write(options.json ? `${JSON.stringify(status)}\n` : describe(status));
      exit(EXIT_DONE);
    });
}

function describe({ sensor, pid, interfaces, started, policy, alarms, counters }: SensorStatus): string {
  const inForce = policy ? `${policy.version}, ${counted(policy.rules, 'rule')}, since ${policy.since}` : 'none yet';
  const numbers = Object.entries(counters).filter(([, value]) => typeof value === 'number');
  const lines = [
    ['sensor', `${sensor} (process ${pid}, since ${started})`],
    ['interfaces', interfaces.join(', ')],
    ['policy', inForce],
    ...alarms.map(({ name, sent, failed, dropped }) => [
      'alarms',
      `${name}: ${sent} sent, ${failed} given up, ${dropped} dropped`,
    ]),
    ...numbers,
  ];
  return lines.map(([name, value]) => `${String(name).padEnd(16)}${value}\n`).join('');
}
