/** `wiretrail query`: finds records in a store, as a table, JSON lines or CSV. */
import { join } from 'node:path';
import { Command } from 'commander';
import { recordToJson } from '../audit/json.ts';
import { EXIT_DONE, EXIT_LOSS, UserError } from '../base/errors.ts';
import type { AuditRecord } from '../contracts/record.ts';
import { both } from '../query/build.ts';
import { splitCount } from '../query/count.ts';
import type { Filter, Query } from '../query/filter.ts';
import { rangeText, timesOf } from '../query/filter-text.ts';
import { parseFilter } from '../query/language.ts';
import { QUERY_FIELDS } from '../query/vocabulary.ts';
import { CSV_COLUMNS, csvCells } from '../store/format/csv.ts';
import { RECORD_COLUMNS, recordCells } from '../store/format/table.ts';
import { StoreReader } from '../store/reader.ts';
import { READS_FOLDER } from '../store/reads.ts';
import type { Order } from '../store/search/order.ts';
import type { AggregateRow } from '../store/totals/aggregate.ts';
import { AGGREGATE_FIELDS, type AggregateField } from '../store/totals/groups.ts';
import { recordAccess } from './access.ts';
import { printNeighbours } from './neighbours.ts';
import { positiveInteger, repeated } from './options.ts';
import { type Format, formatOption, type RowForm, RowPrinter, TABLE_LIMIT } from './output.ts';
import { explain, runSql } from './query-sql.ts';
import { say } from './text.ts';
import { type TimeOptions, timeOptions, timeRange } from './time-range.ts';

interface QueryOptions extends TimeOptions {
  readonly store: string;
  readonly user?: readonly string[];
  readonly client?: readonly string[];
  readonly server?: readonly string[];
  readonly operation?: readonly string[];
  readonly object?: readonly string[];
  readonly text?: readonly string[];
  readonly countBy?: string;
  readonly format: Format;
  readonly limit?: number;
  /** Which first; with `neighbours` how many steps to go. */
  readonly order?: string;
  readonly neighbours?: string;
  readonly via?: string;
  readonly explain?: boolean;
  readonly reads?: boolean;
  readonly sql?: string;
}

/** Options that stand for a term of the query language. */
const TERM_OPTIONS = ['user', 'client', 'server', 'operation', 'object', 'text'] as const;
const COUNT_LIMIT = 50;
const NEIGHBOURS_LIMIT = 1000;

const EXAMPLES = `
Fields: ${QUERY_FIELDS.join(' ')}

Examples:
  wiretrail query user:alice op:DELETE                       newest first, from ./data
  wiretrail query 'table:orders* rows>1000' --from -2d       the last 48 hours
  wiretrail query table:=orders                              that name alone; table:orders is shop.orders too
  wiretrail query --user alice --client 10.0.0.0/8 --time 2026/11/20
  wiretrail query '"drop table" or rule:pci-*' --format jsonl
  wiretrail query kind:login failed:yes --count-by user,client
  wiretrail query 'op:DELETE since:-7d count by user, hour'
  wiretrail query --sql "SELECT user, count(*) FROM records('op:DELETE since:-7d') GROUP BY user"
  wiretrail query --neighbours user:alice --order 2          who and what is two steps from alice
  wiretrail query user:alice --explain
  wiretrail query --reads user:bob                           what bob looked at

Exit codes: 0 done · 3 part of the store could not be read: the answer is incomplete`;

export function queryCommand(exit: (code: number) => void): Command {
  const command = timeOptions(new Command('query'))
    .description('find records in a store')
    .argument('[expression...]', 'terms like user:alice op:DELETE rows>1000 "drop table", with and, or, not, brackets')
    .option('--store <dir>', 'the store', 'data');
  for (const name of TERM_OPTIONS) command.option(`--${name} <value>`, `the same as ${name}:value`, repeated);
  return command
    .option('--count-by <fields>', `count instead of listing, by ${AGGREGATE_FIELDS.join(', ')} (comma-separated)`)
    .addOption(formatOption())
    .option('--order <order>', 'newest or oldest first; with --neighbours, how many steps to go')
    .option(
      '--neighbours <kind:value>',
      'who spoke to whom: clients, users, servers, objects that records name together',
    )
    .option('--via <kinds>', 'with --neighbours: kinds to go on from, comma-separated (default: all)')
    .option('--explain', 'say which segments and postings would be read, and read nothing')
    .option('--reads', 'search what was recorded of the use of this store: who looked at what')
    .option('--sql <select>', "SQL over the table records, or records('expression'); read-only")
    .option('--limit <count>', `records at most (${TABLE_LIMIT} for a table, else all)`, positiveInteger)
    .addHelpText('after', EXAMPLES)
    .action(async (expression: string[], options: QueryOptions) => {
      exit(await run(expression.join(' '), options));
    });
}

/** Gives the exit code. */
async function run(expression: string, options: QueryOptions): Promise<number> {
  recordAccess(options.store, 'READ', 'query', asked(expression, options));
  const reader = new StoreReader(options.reads === true ? join(options.store, READS_FOLDER) : options.store);
  try {
    await answer(reader, expression, options);
  } finally {
    for (const problem of reader.problems) say(`wiretrail: ${problem}`);
    reader.close();
  }
  if (reader.isIncomplete) say('wiretrail: the answer is incomplete: part of the store could not be read');
  return reader.isIncomplete ? EXIT_LOSS : EXIT_DONE;
}

async function answer(reader: StoreReader, expression: string, options: QueryOptions): Promise<void> {
  const nowUs = Date.now() * 1000;
  if (options.sql !== undefined) {
    if (expression !== '') throw new UserError("put the expression into the SQL: FROM records('user:alice')");
    await runSql(reader, options.sql, nowUs, options.format);
    return;
  }
  const span = timeRange(options, nowUs);
  const { expression: condition, by } = splitCount(expression);
  const filter = both(parseFilter(condition, nowUs), optionFilter(options));
  for (const range of filter === undefined ? [] : timesOf(filter)) say(`time: ${rangeText(range)}`);
  const countBy = options.countBy ?? by?.join();
  const { neighbours: start, via, format, limit = NEIGHBOURS_LIMIT } = options;
  const query: Query = { fromUs: span?.fromUs, toUs: span?.toUs, filter };
  if (start !== undefined) {
    await printNeighbours(reader, query, { start, orders: stepsOf(options.order ?? '1'), via, limit, format });
    return;
  }
  const order = orderOf(options.order ?? 'newest');
  if (options.explain === true) await explain(reader, query);
  else if (countBy === undefined) await list(reader, { ...query, order }, options);
  else await count(reader, query, countBy, options);
}

function orderOf(text: string): Order {
  if (text !== 'newest' && text !== 'oldest') throw new UserError('--order: choose newest or oldest');
  return text;
}

function stepsOf(text: string): number {
  const steps = Number(text);
  if (!Number.isInteger(steps) || steps < 1)
    throw new UserError('--order: with --neighbours a number of steps, such as 2');
  return steps;
}

/** The query in one line, as the command line could take it again. */
function asked(expression: string, options: QueryOptions): string {
  const words = [expression];
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'store' && name !== 'format') words.push(`--${name} ${String(value)}`);
  }
  return words.filter((word) => word !== '').join(' ');
}

function optionFilter(options: QueryOptions): Filter | undefined {
  let filter: Filter | undefined;
  for (const name of TERM_OPTIONS) {
    for (const value of options[name] ?? []) {
      const quoted = /^[^\s"()]+$/.test(value) ? value : JSON.stringify(value);
      filter = both(filter, parseFilter(`${name}:${quoted}`, 0));
    }
  }
  return filter;
}

const RECORDS: RowForm<AuditRecord> = {
  columns: RECORD_COLUMNS,
  cells: recordCells,
  csvColumns: CSV_COLUMNS,
  csvCells: (record) => csvCells(recordToJson(record)),
  json: recordToJson,
};

async function list(reader: StoreReader, query: Query, { format, limit }: QueryOptions): Promise<void> {
  const out = new RowPrinter(RECORDS, format, limit);
  await out.addAll(reader.query(query));
  await out.end('record');
}

async function count(reader: StoreReader, query: Query, by: string, options: QueryOptions): Promise<void> {
  const fields = by.split(',').map((name) => aggregateField(name.trim()));
  const groups = reader.aggregate(query, fields, options.limit ?? COUNT_LIMIT);
  const numbers = ['records', 'failed', 'rows'] as const;
  const names = fields.map((field) => ({ title: field.toUpperCase(), align: 'left' as const, widthMax: 40 }));
  const counts = numbers.map((name) => ({ title: name.toUpperCase(), align: 'right' as const, widthMax: 12 }));
  const cells = (group: AggregateRow): string[] => [...group.labels, ...numbers.map((name) => String(group[name]))];
  const form: RowForm<AggregateRow> = {
    columns: [...names, ...counts],
    cells,
    csvColumns: [...fields, ...numbers],
    csvCells: cells,
    json: ({ labels, records, failed, rows }) => {
      const named = Object.fromEntries(fields.map((field, i) => [field, labels[i] ?? '']));
      return { ...named, records, failed, rows };
    },
  };
  const out = new RowPrinter(form, options.format, Number.POSITIVE_INFINITY);
  await out.addAll(groups);
  await out.end();
}

function aggregateField(name: string): AggregateField {
  const found = AGGREGATE_FIELDS.find((field) => field === name);
  if (!found) throw new UserError(`cannot count by '${name}': choose from ${AGGREGATE_FIELDS.join(', ')}`);
  return found;
}
