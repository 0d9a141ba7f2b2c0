/**
 * Who spoke to whom: clients, users, servers and objects are neighbours when one record names both. Neighbours of the
 * second order are neighbours of neighbours, and so on. Found breadth first, from posting lists and columns.
 */
import { both, valuesFilter } from '../../query/build.ts';
import type { Query } from '../../query/filter.ts';
import type { StoreReader } from '../reader.ts';

export const NEIGHBOUR_KINDS = ['client', 'user', 'server', 'object'] as const;
export type NeighbourKind = (typeof NEIGHBOUR_KINDS)[number];

export interface Node {
  readonly kind: NeighbourKind;
  readonly value: string;
}

/** A neighbour, and how it was found. */
export interface Neighbour extends Node {
  /** Steps from the start: 1 for those that records name together with it. */
  readonly order: number;
  /** The node of the order before that it has most records with. */
  readonly via: Node;
  /** Records that name both, and when the first and the last of them began. */
  readonly records: number;
  readonly firstUs: number;
  readonly lastUs: number;
}

export interface NeighbourOptions {
  /** Orders to go. */
  readonly orders: number;
  /** Kinds of nodes from which further neighbours are looked for; all by default. */
  readonly via?: readonly NeighbourKind[] | undefined;
  /** Nodes found at most; what comes after is left out, and that is said. */
  readonly nodesMax: number;
}

export interface Neighbourhood {
  /** By order, then most records first. */
  readonly neighbours: readonly Neighbour[];
  readonly complete: boolean;
}

/** Values of one kind that are asked for at a time: what a filter may reasonably hold. */
const VALUES_AT_ONCE = 400;

/** Neighbours of `start` among the records of the query. Throws `StoreError` (`usage`). */
export function neighbours(
  reader: StoreReader,
  query: Query,
  start: Node,
  { orders, via = NEIGHBOUR_KINDS, nodesMax }: NeighbourOptions,
): Neighbourhood {
  const known = new Set([keyOf(start)]);
  const all: Neighbour[] = [];
  let frontier: readonly Node[] = [start];
  for (let order = 1; order <= orders && frontier.length > 0; order++) {
    const found = new Map<string, Neighbour>();
    for (const kind of NEIGHBOUR_KINDS) {
      const values = frontier.filter((node) => node.kind === kind).map((node) => node.value);
      for (let at = 0; at < values.length; at += VALUES_AT_ONCE) {
        const asked = { kind, values: values.slice(at, at + VALUES_AT_ONCE), order };
        addNeighbours(reader, query, asked, known, found);
      }
    }
    const next = [...found.values()].sort((a, b) => b.records - a.records || (keyOf(a) < keyOf(b) ? -1 : 1));
    for (const neighbour of next.slice(0, nodesMax - all.length)) all.push(neighbour);
    if (all.length >= nodesMax && next.length > 0) return { neighbours: all, complete: false };
    for (const key of found.keys()) known.add(key);
    frontier = next.filter((node) => via.includes(node.kind));
  }
  return { neighbours: all, complete: true };
}

interface Asked {
  readonly kind: NeighbourKind;
  readonly values: readonly string[];
  /** Of the neighbours that are found. */
  readonly order: number;
}

/** Adds to `found` what records name together with one of the values, but for what is known. */
function addNeighbours(
  reader: StoreReader,
  query: Query,
  { kind, values, order }: Asked,
  known: ReadonlySet<string>,
  found: Map<string, Neighbour>,
): void {
  const wanted = new Set(values.map((value) => value.toLowerCase()));
  const filter = both(query.filter, valuesFilter(kind, values));
  for (const other of NEIGHBOUR_KINDS) {
    if (other === kind) continue;
    const groups = reader.groups({ ...query, filter }, { fields: [kind, other] });
    for (const { labels, records, firstUs, lastUs } of groups) {
      const [from = '', value = ''] = labels;
      const key = keyOf({ kind: other, value });
      if (value === '' || known.has(key) || !isWanted(kind, from, wanted)) continue;
      const before = found.get(key);
      if (before !== undefined && before.records >= records) continue;
      found.set(key, { kind: other, value, order, via: { kind, value: from }, records, firstUs, lastUs });
    }
  }
}

/** Whether the label is why the record was found: it may name other objects too, or the user as whom another acts. */
function isWanted(kind: NeighbourKind, label: string, wanted: ReadonlySet<string>): boolean {
  if (kind === 'client' || kind === 'server') return true;
  const lower = label.toLowerCase();
  return wanted.has(lower) || (kind === 'object' && wanted.has(lower.slice(lower.lastIndexOf('.') + 1)));
}

function keyOf({ kind, value }: Node): string {
  return `${kind}:${value}`;
}
