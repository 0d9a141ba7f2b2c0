/** `wiretrail query --neighbours`: who spoke to whom. */
import { UserError } from '../base/errors.ts';
import { formatTime } from '../base/time.ts';
import type { Query } from '../query/filter.ts';
import type { StoreReader } from '../store/reader.ts';
import {
  NEIGHBOUR_KINDS,
  type Neighbour,
  type NeighbourKind,
  type Node,
  neighbours,
} from '../store/search/neighbours.ts';
import { type Format, type RowForm, RowPrinter } from './output.ts';
import { counted, grouped, say } from './text.ts';

export interface NeighbourPrinting {
  /** `KIND:VALUE`. */
  readonly start: string;
  readonly orders: number;
  /** Kinds, comma-separated. */
  readonly via: string | undefined;
  readonly limit: number;
  readonly format: Format;
}

const COLUMNS = [
  { title: 'ORDER', align: 'right', widthMax: 5 },
  { title: 'KIND', align: 'left', widthMax: 6 },
  { title: 'VALUE', align: 'left', widthMax: 50 },
  { title: 'VIA', align: 'left', widthMax: 50 },
  { title: 'RECORDS', align: 'right', widthMax: 12 },
  { title: 'FIRST', align: 'left', widthMax: 19 },
  { title: 'LAST', align: 'left', widthMax: 19 },
] as const;

const NEIGHBOURS: RowForm<Neighbour> = {
  columns: COLUMNS,
  cells: (each) => cellsOf(each, false),
  csvColumns: COLUMNS.map(({ title }) => title.toLowerCase()),
  csvCells: (each) => cellsOf(each, true),
  json: (each) => ({ ...each, ...timesOf(each), via: textOf(each.via) }),
};

export async function printNeighbours(
  reader: StoreReader,
  query: Query,
  { start, orders, via, limit, format }: NeighbourPrinting,
): Promise<void> {
  const node = nodeOf(start);
  const kinds = via?.split(',').map((word) => kindOf(word.trim()));
  const found = neighbours(reader, query, node, { orders, via: kinds, nodesMax: limit });
  const out = new RowPrinter(NEIGHBOURS, format, Number.POSITIVE_INFINITY);
  await out.addAll(found.neighbours);
  await out.end();
  const more = found.complete ? '' : ', and more: raise --limit';
  say(`${counted(found.neighbours.length, 'neighbour')} of ${textOf(node)}${more}`);
}

function cellsOf(each: Neighbour, exact: boolean): string[] {
  const { firstUs, lastUs } = timesOf(each);
  const times = exact ? [firstUs, lastUs] : [firstUs.slice(0, 19), lastUs.slice(0, 19)];
  const records = exact ? String(each.records) : grouped(each.records);
  return [String(each.order), each.kind, each.value, textOf(each.via), records, ...times];
}

function timesOf({ firstUs, lastUs }: Neighbour): { firstUs: string; lastUs: string } {
  return { firstUs: formatTime(firstUs), lastUs: formatTime(lastUs) };
}

function textOf({ kind, value }: Node): string {
  return `${kind}:${value}`;
}

function nodeOf(text: string): Node {
  const colon = text.indexOf(':');
  if (colon < 1 || colon === text.length - 1)
    throw new UserError('--neighbours: expected KIND:VALUE, such as user:alice');
  return { kind: kindOf(text.slice(0, colon)), value: text.slice(colon + 1) };
}

function kindOf(word: string): NeighbourKind {
  const kind = NEIGHBOUR_KINDS.find((each) => each === word);
  if (kind === undefined) throw new UserError(`'${word}' has no neighbours: choose from ${NEIGHBOUR_KINDS.join(', ')}`);
  return kind;
}
