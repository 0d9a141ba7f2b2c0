/** `wiretrail flows`: the network auditor's view: connections listed, merged, ranked as they run, or in bins of time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { EXIT_DONE, UserError } from '../base/errors.ts';
import { DAY_US, formatTime, HOUR_US, MINUTE_US, SECOND_US } from '../base/time.ts';
import { fieldsOf } from '../query/vocabulary.ts';
import { FlowTotals, KEY_FIELDS, parseKeys } from '../traffic/aggregate.ts';
import { FLOW_VOCABULARY, statusPredicate } from '../traffic/filter.ts';
import { type TimeSpan, TrafficReader } from '../traffic/reader.ts';
import type { FlowStatus } from '../traffic/schema.ts';
import { binsOf, partOf } from '../traffic/split.ts';
import { recordAccess } from './access.ts';
import {
  BIN_COLUMN,
  type FlowColumn,
  HEARTBEAT_COLUMNS,
  LIST_COLUMNS,
  type TotalRow,
  totalColumns,
} from './flow-columns.ts';
import { positiveInteger, upTo } from './options.ts';
import { type Format, formatOption, print, printTable, type RowForm, RowPrinter, TABLE_LIMIT } from './output.ts';
import { SessionUsers } from './session-users.ts';
import { grouped, say } from './text.ts';
import { type TimeOptions, timeOptions, timeRange } from './time-range.ts';

interface FlowOptions extends TimeOptions {
  readonly store: string;
  readonly by: string;
  readonly bin?: number;
  readonly limit?: number;
  readonly format: Format;
  readonly every: number;
}

/** Bins of one answer: more are a mistake in `--bin`, or more than anybody reads. */
const BINS_MAX = 100_000;
/** A picture a day is rare enough; what timers cannot count would come without a pause. */
const EVERY_S_MAX = 86_400;
const TOP_ROWS = 20;
const TOP_WINDOW_US = 15e6;

const EXAMPLES = `
Keys: ${KEY_FIELDS.join(' ')} connection all
Fields: ${fieldsOf(FLOW_VOCABULARY).join(' ')}

Examples:
  wiretrail flows list client:10.0.0.0/8 port:5432 -t -1h     status records, oldest first
  wiretrail flows merge                                       one line a connection
  wiretrail flows merge --by client/24,port -t 2026/11/20     who talks to which service
  wiretrail flows merge --by user 'bytes>1M'                  by database user
  wiretrail flows bins --bin 10s --by port                    a time series
  wiretrail flows top --store /var/lib/wiretrail              the busiest, as they run
  wiretrail flows heartbeats -t -1d                           when the sensor watched, and what it saw`;

export function flowsCommand(exit: (code: number) => void): Command {
  const flows = new Command('flows')
    .description('connections as a network auditor sees them: packets, bytes, state, round trips, every 5 s')
    .addHelpText('afterAll', EXAMPLES);
  const add = (
    name: string,
    description: string,
    run: (expression: string, options: FlowOptions) => unknown,
  ): Command =>
    timeOptions(flows.command(name))
      .description(description)
      .argument('[expression...]', 'client:10.0.0.0/8 port:5432 user:alice state:RST bytes>1M, with and, or, not')
      .option('--store <dir>', 'the store', 'data')
      .option('--limit <count>', `lines at most (${TABLE_LIMIT} for a table, else all)`, positiveInteger)
      .addOption(formatOption())
      .action(async (expression: string[], options: FlowOptions) => {
        recordAccess(options.store, 'READ', `flows ${name}`, expression.join(' '));
        await run(expression.join(' '), options);
        exit(EXIT_DONE);
      });
  const byKey = (command: Command, key: string): Command =>
    command.option('--by <keys>', 'fields to merge by; addresses may be networks: client/24', key);
  add('list', 'status records as they were written', list);
  byKey(add('merge', 'records merged by a key, most bytes first', merge), 'connection');
  byKey(add('bins', 'records merged by a key in bins of time, cut exactly at their edges', bins), 'all').requiredOption(
    '--bin <length>',
    'length of a bin: 5s, 1m, 1h, 1d',
    binLength,
  );
  byKey(add('top', 'the busiest of the last seconds, over and over, until Ctrl-C', top), 'connection').option(
    '--every <seconds>',
    'seconds between two pictures',
    upTo(EVERY_S_MAX),
    2,
  );
  add('heartbeats', 'spans in which the sensor watched, with what it saw and lost', heartbeats);
  return flows;
}

/** Opens what a command reads, and closes it. */
async function withTraffic(
  options: FlowOptions,
  use: (reader: TrafficReader, users: SessionUsers, span: TimeSpan) => Promise<void>,
): Promise<void> {
  const reader = new TrafficReader(options.store);
  const users = new SessionUsers(options.store);
  try {
    const span = timeRange(options, Date.now() * 1000) ?? reader.span();
    if (span === undefined) throw new UserError(`${options.store}: no flow records here`);
    await use(reader, users, span);
  } finally {
    for (const problem of reader.problems) say(`wiretrail: ${problem}`);
    reader.close();
    users.close();
  }
}

/** Records of a span that an expression finds, each cut to the span. */
function* matching(
  reader: TrafficReader,
  users: SessionUsers,
  expression: string,
  span: TimeSpan,
): Generator<FlowStatus, void, undefined> {
  const matches = statusPredicate(expression, Date.now() * 1000, users.userOf);
  for (const status of reader.statuses(span)) {
    const part = matches(status) ? partOf(status, span) : undefined;
    if (part !== undefined) yield part;
  }
}

function list(expression: string, options: FlowOptions): Promise<void> {
  return withTraffic(options, async (reader, users, span) => {
    const out = new RowPrinter(
      formOf(LIST_COLUMNS, ({ status }) => status),
      options.format,
      options.limit,
    );
    for (const status of matching(reader, users, expression, span)) {
      if (!(await out.add({ status, user: users.userOf(status.session) }))) break;
    }
    await out.end('record');
  });
}

function merge(expression: string, options: FlowOptions): Promise<void> {
  return withTraffic(options, async (reader, users, span) => {
    const keys = parseKeys(options.by);
    const totals = new FlowTotals(keys, users.userOf);
    for (const status of matching(reader, users, expression, span)) totals.add(status);
    const out = new RowPrinter(
      formOf(totalColumns(keys), ({ total }) => total),
      options.format,
      options.limit,
    );
    await out.addAll(totals.ranked().map((total) => ({ binUs: 0, total })));
    await out.end('line');
  });
}

function bins(expression: string, options: FlowOptions): Promise<void> {
  const binUs = options.bin ?? 0;
  return withTraffic(options, async (reader, users, span) => {
    const keys = parseKeys(options.by);
    const byBin = new Map<number, FlowTotals>();
    for (const status of matching(reader, users, expression, span)) {
      for (const { binUs: startUs, part } of binsOf(status, binUs, span)) {
        let totals = byBin.get(startUs);
        if (totals === undefined) {
          if (byBin.size >= BINS_MAX)
            throw new UserError(`more than ${grouped(BINS_MAX)} bins: choose a longer --bin, or less --time`);
          totals = new FlowTotals(keys, users.userOf);
          byBin.set(startUs, totals);
        }
        totals.add(part);
      }
    }
    const inOrder = [...byBin].sort(([a], [b]) => a - b);
    const rows = inOrder.flatMap(([startUs, totals]) => totals.inOrder().map((total) => ({ binUs: startUs, total })));
    const form = formOf<TotalRow>([BIN_COLUMN, ...totalColumns(keys)], (row) => ({
      bin: formatTime(row.binUs),
      ...row.total,
    }));
    const out = new RowPrinter(form, options.format, options.limit);
    await out.addAll(rows);
    await out.end('line');
  });
}

async function top(expression: string, options: FlowOptions): Promise<void> {
  const keys = parseKeys(options.by);
  const columns = totalColumns(keys);
  const isScreen = process.stdout.isTTY === true;
  for (;;) {
    const nowUs = Date.now() * 1000;
    const reader = new TrafficReader(options.store);
    const users = new SessionUsers(options.store);
    try {
      const totals = new FlowTotals(keys, users.userOf);
      const span = { fromUs: nowUs - TOP_WINDOW_US, toUs: nowUs };
      for (const status of matching(reader, users, expression, span)) totals.add(status);
      const rows = totals
        .ranked()
        .slice(0, options.limit ?? TOP_ROWS)
        .map((total) => columns.map(({ cell }) => cell({ binUs: 0, total })));
      if (isScreen) process.stdout.write('\x1b[H\x1b[2J');
      await print(`${formatTime(nowUs)}  the last ${TOP_WINDOW_US / 1e6} s`);
      await printTable(columns, rows);
    } finally {
      reader.close();
      users.close();
    }
    await sleep(options.every * 1000);
  }
}

function heartbeats(expression: string, options: FlowOptions): Promise<void> {
  if (expression !== '') throw new UserError('heartbeats take no expression');
  return withTraffic(options, async (reader, _users, span) => {
    const out = new RowPrinter(
      formOf(HEARTBEAT_COLUMNS, (beat) => beat),
      options.format,
      options.limit,
    );
    await out.addAll(reader.heartbeats(span));
    await out.end('heartbeat');
  });
}

function formOf<T>(columns: readonly FlowColumn<T>[], json: (row: T) => object): RowForm<T> {
  return {
    columns,
    cells: (row) => columns.map(({ cell }) => cell(row)),
    csvColumns: columns.map(({ name }) => name),
    csvCells: (row) => columns.map(({ value }) => value(row)),
    json,
  };
}

const BIN_UNITS: Readonly<Record<string, number>> = { s: SECOND_US, m: MINUTE_US, h: HOUR_US, d: DAY_US };

function binLength(value: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(value);
  const lengthUs = Number(match?.[1]) * (BIN_UNITS[match?.[2] ?? ''] ?? Number.NaN);
  if (!(lengthUs > 0)) throw new InvalidArgumentError('expected a length such as 10s, 5m or 1h.');
  return lengthUs;
}
