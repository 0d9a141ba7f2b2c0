/** `wiretrail store`: what a store consists of, expiry by hand, legal holds. */
import { Command } from 'commander';
import { EXIT_DONE, UserError } from '../base/errors.ts';
import { formatTime } from '../base/time.ts';
import { rangeText, timesOf } from '../query/filter-text.ts';
import { parseFilter } from '../query/language.ts';
import { addHold, listHolds, removeHold } from '../store/expiry/hold.ts';
import { expireStore, listSegments, type SegmentInfo } from '../store/expiry/maintain.ts';
import { StoreReader } from '../store/reader.ts';
import { recordAccess } from './access.ts';
import { printTable } from './output.ts';
import { type RetentionOptions, retentionOf, retentionOptions } from './retention.ts';
import { byteSize, counted, grouped, say } from './text.ts';

interface StoreOption {
  readonly store: string;
}

const EXAMPLES = `
Examples:
  wiretrail store list --store ./data
  wiretrail store expire --retain-days 90                   drop whole segments that are older
  wiretrail store hold add case-7 user:mallory              nothing with a record of mallory expires
  wiretrail store hold add march time:2026/03
  wiretrail store hold remove case-7`;

export function storeCommand(exit: (code: number) => void): Command {
  const store = new Command('store').description('segments, expiry and legal holds of a store');
  store.addHelpText('afterAll', EXAMPLES);
  withStore(store.command('list'))
    .description('segments: state, records, span, size of the rows and of what lies beside them')
    .action(async ({ store: directory }: StoreOption) => {
      await list(directory);
      exit(EXIT_DONE);
    });
  retentionOptions(withStore(store.command('expire')))
    .description('drop expired segments now; while a sensor writes to the store, it does so itself')
    .action((options: StoreOption & RetentionOptions) => {
      const retention = retentionOf(options);
      if (retention === undefined) throw new UserError('say what is to be kept: --retain-count, -days or -bytes');
      recordAccess(options.store, 'EXPIRE', 'store expire', asked(options));
      const { segments, records, held } = expireStore(options.store, retention, options.signKey);
      const kept = held > 0 ? `; ${counted(held, 'segment')} kept by legal holds` : '';
      say(`${counted(segments, 'segment')} with ${counted(records, 'record')} dropped${kept}`);
      exit(EXIT_DONE);
    });
  store.addCommand(holdCommand(exit));
  return store;
}

/** What is to be kept, as the command line could take it again. */
function asked({ retainCount, retainDays, retainBytes }: RetentionOptions): string {
  const words = { count: retainCount, days: retainDays, bytes: retainBytes };
  return Object.entries(words)
    .flatMap(([name, value]) => (value === undefined ? [] : `--retain-${name} ${value}`))
    .join(' ');
}

function holdCommand(exit: (code: number) => void): Command {
  const hold = new Command('hold').description('legal holds: what matches does not expire');
  withStore(hold.command('list'))
    .description('holds by name, since when they are, and what they keep')
    .action(({ store }: StoreOption) => {
      for (const { name, expression, sinceUs } of listHolds(store)) {
        process.stdout.write(`${name}\t${formatTime(sinceUs)}\t${expression}\n`);
      }
      exit(EXIT_DONE);
    });
  withStore(hold.command('add'))
    .description('keep every segment with a record that the expression finds')
    .argument('<name>', 'name of the hold')
    .argument('<expression...>', 'as of wiretrail query: user:alice, session:…, time:2026/03')
    .action((name: string, words: string[], { store }: StoreOption) => {
      const expression = words.join(' ');
      const sinceUs = Date.now() * 1000;
      recordAccess(store, 'HOLD', 'store hold add', `${name} ${expression}`);
      addHold(store, { name, expression, sinceUs });
      const filter = parseFilter(expression, sinceUs);
      for (const range of filter === undefined ? [] : timesOf(filter)) say(`time: ${rangeText(range)}`);
      const reader = new StoreReader(store);
      say(`${counted(reader.count({ filter }), 'record')} held so far`);
      reader.close();
      exit(EXIT_DONE);
    });
  withStore(hold.command('remove'))
    .description('let expire again what only this hold keeps')
    .argument('<name>', 'name of the hold')
    .action((name: string, { store }: StoreOption) => {
      recordAccess(store, 'RELEASE', 'store hold remove', name);
      removeHold(store, name);
      exit(EXIT_DONE);
    });
  return hold;
}

function withStore(command: Command): Command {
  return command.option('--store <dir>', 'the store', 'data');
}

async function list(directory: string): Promise<void> {
  const segments = listSegments(directory);
  const columns = ['SEGMENT', 'STATE', 'RECORDS', 'FROM', 'TO', 'SIZE', 'BESIDE', 'SIGNED'].map((title) => ({
    title,
    align: title === 'RECORDS' || title === 'SIZE' || title === 'BESIDE' ? ('right' as const) : ('left' as const),
    widthMax: 30,
  }));
  await printTable(columns, segments.map(cells));
  const there = segments.filter((segment) => segment.state !== 'dropped');
  const sum = (of: (segment: SegmentInfo) => number): number => there.reduce((total, each) => total + of(each), 0);
  const size = byteSize(sum((segment) => segment.bytes + segment.besideBytes));
  say(
    `${counted(there.length, 'segment')}, ${counted(
      sum((segment) => segment.rows),
      'record',
    )}, ${size}`,
  );
}

function cells({
  number,
  state,
  rows,
  timeMinUs,
  timeMaxUs,
  bytes,
  besideBytes,
  signed,
  problem,
}: SegmentInfo): string[] {
  const time = (us: number | undefined): string => (us === undefined ? '' : formatTime(us).slice(0, 19));
  const beside = besideBytes > 0 ? byteSize(besideBytes) : '';
  const span = [time(timeMinUs), time(timeMaxUs)];
  return [
    String(number),
    problem?.toUpperCase() ?? state,
    grouped(rows),
    ...span,
    byteSize(bytes),
    beside,
    signed ? 'yes' : '',
  ];
}
