/**
 * Records merged by a key: a connection over all its intervals, a client network, a port, a user. Which fields make up
 * the key is the caller's choice, as with Argus' `racluster -m`.
 */
import { networkOf } from '../base/networks.ts';
import { QueryError } from '../query/errors.ts';
import type { FlowStatus } from './schema.ts';

/** Fields of a key. Addresses may be shortened to networks: `client/24`. */
export const KEY_FIELDS = [
  'session',
  'client',
  'server',
  'clientport',
  'port',
  'user',
  'state',
  'class',
  'vlan',
  'tunnel',
  'sensor',
  'interface',
] as const;
export type KeyField = (typeof KEY_FIELDS)[number];

export interface Key {
  readonly field: KeyField;
  /** Bits of the network that an address is shortened to, for IPv4 and IPv6. */
  readonly prefixBits: number | undefined;
}

/** What is known of a connection's user; empty when nothing is. */
export type UserOf = (session: string) => string;

/** One merged record. */
export interface FlowTotal {
  /** Values of the key's fields, in their order. */
  readonly key: readonly string[];
  readonly startUs: number;
  readonly endUs: number;
  readonly connections: number;
  readonly records: number;
  readonly clientPackets: number;
  readonly serverPackets: number;
  readonly clientBytes: number;
  readonly serverBytes: number;
  readonly clientPayload: number;
  readonly serverPayload: number;
  readonly retransmitted: number;
  /** Of the record that ended last. */
  readonly state: string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Distinct keys at most; what comes after that is counted under the key `(other)`. */
const KEYS_MAX = 1_000_000;
const OTHER = '(other)';
/** Sessions remembered at most, so that each is counted once; those beyond count by their first record. */
const SESSIONS_MAX = 2_000_000;
/** Networks of addresses remembered at most. */
const NETWORKS_MAX = 100_000;

/** `client/24,port,user` and the like; `connection` stands for both ends and the session, `all` for no key. Throws `QueryError`. */
export function parseKeys(text: string): Key[] {
  if (text === 'connection') return parseKeys('session,client,clientport,server,port');
  if (text === 'all') return [];
  return text.split(',').map((word) => {
    const [name = '', bits, ...more] = word.trim().split('/');
    const field = KEY_FIELDS.find((known) => known === name);
    if (field === undefined) {
      throw new QueryError(`unknown key "${name}"; there are ${KEY_FIELDS.join(', ')}, connection, and all`);
    }
    const isAddress = field === 'client' || field === 'server';
    if (bits !== undefined && (!isAddress || more.length > 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > 128)) {
      throw new QueryError(`${word}: only client and server have networks, of 0 to 128 bits: client/24`);
    }
    return { field, prefixBits: bits === undefined ? undefined : Number(bits) };
  });
}

export class FlowTotals {
  private readonly keys: readonly Key[];
  private readonly userOf: UserOf;
  private readonly totals = new Map<string, Mutable<FlowTotal>>();
  /** A key with the session in it has one connection. */
  private readonly isBySession: boolean;
  /** Sessions counted, by the name of their total. */
  private readonly sessions = new Map<string, Set<string>>();
  private sessionCount = 0;
  private readonly networks = new Map<string, string>();

  constructor(keys: readonly Key[], userOf: UserOf) {
    this.keys = keys;
    this.userOf = userOf;
    this.isBySession = keys.some(({ field }) => field === 'session');
  }

  add(status: FlowStatus): void {
    const key = this.keys.map((each) => this.valueOf(each, status));
    let name = key.join('\n');
    let total = this.totals.get(name);
    if (total === undefined) {
      const isOther = this.totals.size >= KEYS_MAX;
      if (isOther) name = OTHER;
      total = this.totals.get(name) ?? newTotal(isOther ? key.map(() => OTHER) : key, status);
      this.totals.set(name, total);
    }
    if (this.isBySession && name !== OTHER) total.connections = 1;
    else this.countConnection(name, total, status);
    merge(total, status);
  }

  /** Most bytes first. */
  ranked(): FlowTotal[] {
    return [...this.totals.values()].sort((a, b) => bytesOf(b) - bytesOf(a) || a.startUs - b.startUs);
  }

  /** Oldest first. */
  inOrder(): FlowTotal[] {
    const named = [...this.totals].sort(([nameA, a], [nameB, b]) => a.startUs - b.startUs || (nameA < nameB ? -1 : 1));
    return named.map(([, total]) => total);
  }

  private countConnection(name: string, total: Mutable<FlowTotal>, { session, first }: FlowStatus): void {
    let known = this.sessions.get(name);
    if (known === undefined) {
      known = new Set();
      this.sessions.set(name, known);
    }
    if (known.has(session)) return;
    const hasRoom = this.sessionCount < SESSIONS_MAX;
    if (hasRoom) {
      known.add(session);
      this.sessionCount++;
    }
    if (hasRoom || first) total.connections++;
  }

  private valueOf({ field, prefixBits }: Key, status: FlowStatus): string {
    switch (field) {
      case 'client':
      case 'server':
        return prefixBits === undefined ? status[field].address : this.network(status[field].address, prefixBits);
      case 'clientport':
        return String(status.client.port);
      case 'port':
        return String(status.server.port);
      case 'user':
        return this.userOf(status.session);
      case 'vlan':
        return status.vlanId === undefined ? '' : String(status.vlanId);
      default:
        return status[field];
    }
  }

  private network(address: string, prefixBits: number): string {
    const name = `${address}/${prefixBits}`;
    const known = this.networks.get(name);
    if (known !== undefined) return known;
    const network = networkOf(address, prefixBits);
    if (this.networks.size >= NETWORKS_MAX) this.networks.clear();
    this.networks.set(name, network);
    return network;
  }
}

export function bytesOf({ clientBytes, serverBytes }: FlowTotal): number {
  return clientBytes + serverBytes;
}

function newTotal(key: readonly string[], { startUs, endUs, state }: FlowStatus): Mutable<FlowTotal> {
  return {
    key,
    startUs,
    endUs,
    connections: 0,
    records: 0,
    clientPackets: 0,
    serverPackets: 0,
    clientBytes: 0,
    serverBytes: 0,
    clientPayload: 0,
    serverPayload: 0,
    retransmitted: 0,
    state,
  };
}

function merge(total: Mutable<FlowTotal>, { startUs, endUs, state, client, server, records }: FlowStatus): void {
  if (startUs < total.startUs) total.startUs = startUs;
  if (endUs >= total.endUs) {
    total.endUs = endUs;
    total.state = state;
  }
  total.records += records;
  total.clientPackets += client.packets;
  total.serverPackets += server.packets;
  total.clientBytes += client.bytes;
  total.serverBytes += server.bytes;
  total.clientPayload += client.payload;
  total.serverPayload += server.payload;
  total.retransmitted += client.retransmitted + server.retransmitted;
}
