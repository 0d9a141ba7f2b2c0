/**
 * Columns of what `wiretrail flows` prints: in a table for people to read, in CSV for programs, with whole numbers and
 * times of RFC 3339 under names of their own.
 */
import { formatTime } from '../base/time.ts';
import type { Column } from '../store/format/table.ts';
import type { FlowTotal, Key } from '../traffic/aggregate.ts';
import type { FlowStatus, SensorHeartbeat } from '../traffic/schema.ts';
import { byteSize, grouped } from './text.ts';

type Value = string | number | boolean | undefined;

export interface FlowColumn<T> extends Column {
  /** In CSV. */
  readonly name: string;
  readonly value: (row: T) => Value;
  readonly cell: (row: T) => string;
}

/** A status record and its user. */
export interface ListRow {
  readonly status: FlowStatus;
  readonly user: string;
}

/** A merged record, and the start of its bin where there are bins. */
export interface TotalRow {
  readonly binUs: number;
  readonly total: FlowTotal;
}

const TIME_WIDTH = 23;
const NUMBER_WIDTH = 14;
const ADDRESS_WIDTH = 45;
const KEY_WIDTH = 40;

function text<T>(title: string, widthMax: number, name: string, of: (row: T) => string): FlowColumn<T> {
  return { title, align: 'left', widthMax, name, value: of, cell: of };
}

function count<T>(title: string, name: string, of: (row: T) => number): FlowColumn<T> {
  return { title, align: 'right', widthMax: NUMBER_WIDTH, name, value: of, cell: (row) => grouped(of(row)) };
}

function time<T>(title: string, name: string, of: (row: T) => number): FlowColumn<T> {
  const value = (row: T): string => formatTime(of(row));
  const cell = (row: T): string => value(row).slice(0, TIME_WIDTH).replace('T', ' ');
  return { title, align: 'left', widthMax: TIME_WIDTH, name, value, cell };
}

/** Microseconds, shown in another unit to three places. */
function length<T>(title: string, name: string, unitUs: number, of: (row: T) => number | undefined): FlowColumn<T> {
  const value = (row: T): number | undefined => {
    const lengthUs = of(row);
    return lengthUs === undefined ? undefined : lengthUs / unitUs;
  };
  return { title, align: 'right', widthMax: NUMBER_WIDTH, name, value, cell: (row) => value(row)?.toFixed(3) ?? '' };
}

export const LIST_COLUMNS: readonly FlowColumn<ListRow>[] = [
  time('START', 'start', ({ status }) => status.startUs),
  length('SECONDS', 'seconds', 1e6, ({ status }) => status.endUs - status.startUs),
  text('CLIENT', ADDRESS_WIDTH, 'client', ({ status }) => `${status.client.address}:${status.client.port}`),
  {
    ...text<ListRow>('', 3, 'directed', ({ status }) => (status.directed ? '->' : '<?>')),
    value: ({ status }) => status.directed,
  },
  text('SERVER', ADDRESS_WIDTH, 'server', ({ status }) => `${status.server.address}:${status.server.port}`),
  text('USER', 20, 'user', ({ user }) => user),
  count('PKTS >', 'client_packets', ({ status }) => status.client.packets),
  count('PKTS <', 'server_packets', ({ status }) => status.server.packets),
  count('BYTES >', 'client_bytes', ({ status }) => status.client.bytes),
  count('BYTES <', 'server_bytes', ({ status }) => status.server.bytes),
  count('RETR', 'retransmitted', ({ status }) => status.client.retransmitted + status.server.retransmitted),
  length('RTT MS', 'rtt_ms', 1000, ({ status }) => roundTripUs(status)),
  text('STATE', 5, 'state', ({ status }) => status.state),
];

function roundTripUs({ synAckUs, ackDataUs }: FlowStatus): number | undefined {
  return synAckUs === undefined ? undefined : synAckUs + (ackDataUs ?? 0);
}

const SUM_COLUMNS: readonly FlowColumn<TotalRow>[] = [
  time('START', 'start', ({ total }) => total.startUs),
  length('SECONDS', 'seconds', 1e6, ({ total }) => total.endUs - total.startUs),
  count('CONNS', 'connections', ({ total }) => total.connections),
  count('RECORDS', 'records', ({ total }) => total.records),
  count('PKTS >', 'client_packets', ({ total }) => total.clientPackets),
  count('PKTS <', 'server_packets', ({ total }) => total.serverPackets),
  count('BYTES >', 'client_bytes', ({ total }) => total.clientBytes),
  count('BYTES <', 'server_bytes', ({ total }) => total.serverBytes),
  count('RETR', 'retransmitted', ({ total }) => total.retransmitted),
  text('STATE', 5, 'state', ({ total }) => total.state),
];

/** The fields of the key, then the sums. */
export function totalColumns(keys: readonly Key[]): readonly FlowColumn<TotalRow>[] {
  const ofKey = keys.map(({ field }, i) =>
    text<TotalRow>(field.toUpperCase(), KEY_WIDTH, field, ({ total }) => total.key[i] ?? ''),
  );
  return [...ofKey, ...SUM_COLUMNS];
}

export const BIN_COLUMN: FlowColumn<TotalRow> = time('BIN', 'bin', ({ binUs }) => binUs);

export const HEARTBEAT_COLUMNS: readonly FlowColumn<SensorHeartbeat>[] = [
  time('FROM', 'from', ({ fromUs }) => fromUs),
  time('TO', 'to', ({ toUs }) => toUs),
  text('SENSOR', 30, 'sensor', ({ sensor }) => sensor),
  { ...count<SensorHeartbeat>('BYTES', 'bytes', ({ bytes }) => bytes), cell: ({ bytes }) => byteSize(bytes) },
  count('PACKETS', 'packets', ({ packets }) => packets),
  count('DROPPED', 'dropped', ({ kernelDrops }) => kernelDrops),
  count('ACTIVE', 'active', ({ activeFlows }) => activeFlows),
  count('SESSIONS', 'sessions', ({ connections }) => connections),
  count('CUT', 'cut', ({ cutSessions }) => cutSessions),
];
