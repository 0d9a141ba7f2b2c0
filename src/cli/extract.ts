/** `wiretrail extract`: the packets of one session, as pcapng. */
import { Command } from 'commander';
import { EXIT_DONE, UserError } from '../base/errors.ts';
import { openFiles } from '../capture/files/file.ts';
import { extractFromEvidence, extractFromSource } from '../sensor/extract.ts';
import { recordAccess } from './access.ts';
import { DEFAULT_FLOWS_MAX } from './options.ts';
import { counted, say } from './text.ts';

interface ExtractOptions {
  readonly from?: readonly string[];
  readonly evidence?: string;
  readonly store: string;
  readonly output: string;
}

const SESSION = /^[0-9a-f]{24}$/;

const EXAMPLES = `
Examples:
  wiretrail extract 1a7c8c71cef4de1dd23bb0d7 --from capture.pcap -o session.pcapng
  wiretrail extract 1a7c8c71cef4de1dd23bb0d7 --evidence /var/lib/wiretrail/evidence -o session.pcapng

SESSION is 'audit.session' of a record. The captures must begin no later than the session did, as when it was recorded.
That the packets were taken is written down in the store ('wiretrail query --reads').`;

export function extractCommand(exit: (code: number) => void): Command {
  return new Command('extract')
    .description('cut the packets of one session out of captures, or out of the evidence that a sensor kept')
    .argument('<session>', "the records' audit.session")
    .option('--from <file...>', 'captures, folders, patterns; - for standard input')
    .option('--evidence <dir>', "folder of a sensor's --evidence")
    .option('--store <dir>', 'the store that keeps who looked at what', 'data')
    .requiredOption('-o, --output <file>', 'pcapng file to write')
    .addHelpText('after', EXAMPLES)
    .action((session: string, options: ExtractOptions) => {
      say(`${counted(extract(session, options), 'packet')} written to ${options.output}`);
      exit(EXIT_DONE);
    });
}

function extract(session: string, { from, evidence, store, output }: ExtractOptions): number {
  if (!SESSION.test(session)) throw new UserError(`${session}: not a session id (24 hexadecimal digits)`);
  if ((from === undefined) === (evidence === undefined)) throw new UserError('give either --from or --evidence');
  const kept = evidence === undefined ? `--from ${from?.join(' ') ?? ''}` : `--evidence ${evidence}`;
  const isRecorded = recordAccess(store, 'READ', 'extract', `${session} ${kept} --output ${output}`);
  const packets =
    from === undefined ? extractFromEvidence(evidence ?? '', session, output) : extractFromFiles(from, session, output);
  if (packets === 0) throw new UserError(`session ${session} is not in ${from?.join(', ') ?? evidence}`);
  if (!isRecorded && evidence !== undefined) {
    say(`wiretrail: this access is not recorded: ${store}: no audit store here; name it with --store`);
  }
  return packets;
}

function extractFromFiles(files: readonly string[], session: string, output: string): number {
  const source = openFiles(files);
  try {
    return extractFromSource(source, session, output, DEFAULT_FLOWS_MAX);
  } finally {
    source.close();
  }
}
