/** Reads status records and heartbeats of a range of time from all partitions, oldest first. */

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { formatAddress } from '../base/address.ts';
import { DAY_US, MINUTE_US } from '../base/time.ts';
import {
  FLOW_CLASS_NAMES,
  FLOW_STATE_NAMES,
  type Heartbeat,
  STATUS_FLAG_DIRECTED,
  STATUS_FLAG_FIRST,
} from '../contracts/traffic.ts';
import { tunnelName } from '../contracts/view.ts';
import { FLOWS_FOLDER, partitionsOf } from './log.ts';
import { type FlowStatus, PARTITION_VERSION, type SensorHeartbeat } from './schema.ts';

/** No status record is longer; those that began this long before a range may reach into it. */
const STATUS_US_MAX = MINUTE_US;
/** Likewise for heartbeats, which a quiet replay may stretch over hours. */
const HEARTBEAT_US_MAX = 2 * DAY_US;

/** What heartbeats did not count at first. */
const NOT_COUNTED_ONCE = { cutPackets: 0, cutBytes: 0, cutFiles: 0 };

/** Half open: `[fromUs, toUs)`. */
export interface TimeSpan {
  readonly fromUs: number;
  readonly toUs: number;
}

interface StatusRow {
  readonly start_us: number;
  readonly end_us: number;
  readonly session: string;
  readonly sensor: string;
  readonly interface: string;
  readonly client: Uint8Array;
  readonly client_port: number;
  readonly server: Uint8Array;
  readonly server_port: number;
  readonly client_packets: number;
  readonly server_packets: number;
  readonly client_bytes: number;
  readonly server_bytes: number;
  readonly client_payload: number;
  readonly server_payload: number;
  readonly client_retransmitted: number;
  readonly server_retransmitted: number;
  readonly state: number;
  readonly flags: number;
  readonly syn_ack_us: number;
  readonly ack_data_us: number;
  readonly vlan: number;
  readonly tunnel_kind: number;
  readonly tunnel_id: number;
  readonly class: number;
}

interface HeartbeatRow {
  readonly sensor: string;
  readonly from_us: number;
  readonly to_us: number;
  readonly counts: string;
}

/** An open partition, with the time of its first record. */
interface Partition {
  readonly db: Database.Database;
  readonly firstUs: number;
}

export class TrafficReader {
  /** What could not be read, one line each. */
  readonly problems: string[] = [];
  private readonly partitions: Partition[] = [];

  /** A store without flow records is read as an empty one. */
  constructor(store: string) {
    const folder = join(store, FLOWS_FOLDER);
    for (const path of partitionsOf(folder)) this.openPartition(join(folder, path));
    this.partitions.sort((a, b) => a.firstUs - b.firstUs);
  }

  /** Status records that overlap the span: begun before it and reaching into it as well. */
  *statuses({ fromUs, toUs }: TimeSpan): Generator<FlowStatus, void, undefined> {
    for (const { db } of this.partitions) {
      const rows = db
        .prepare(
          `SELECT status.*, lower(hex(session)) AS session, sensor, interface FROM status JOIN place ON place.id = place
           WHERE start_us >= ? AND start_us < ? AND end_us >= ? ORDER BY start_us, session`,
        )
        .iterate(fromUs - STATUS_US_MAX, toUs, fromUs) as IterableIterator<StatusRow>;
      for (const row of rows) yield statusOf(row);
    }
  }

  /** Heartbeats that overlap the span. */
  *heartbeats({ fromUs, toUs }: TimeSpan): Generator<SensorHeartbeat, void, undefined> {
    for (const { db } of this.partitions) {
      const rows = db
        .prepare('SELECT * FROM heartbeat WHERE from_us >= ? AND from_us < ? AND to_us > ? ORDER BY from_us, sensor')
        .iterate(fromUs - HEARTBEAT_US_MAX, toUs, fromUs) as IterableIterator<HeartbeatRow>;
      for (const { sensor, from_us, to_us, counts } of rows) {
        const parsed = JSON.parse(counts) as Omit<Heartbeat, 'fromUs' | 'toUs'>;
        yield { ...NOT_COUNTED_ONCE, ...parsed, sensor, fromUs: from_us, toUs: to_us };
      }
    }
  }

  /** From the first record to the last; `undefined` when there is none. */
  span(): TimeSpan | undefined {
    const [first] = this.partitions;
    if (first === undefined) return undefined;
    let toUs = first.firstUs;
    for (const { db } of this.partitions) {
      const row = db.prepare(
        `SELECT max(us) AS us FROM (
           SELECT max(end_us) + 1 AS us FROM status WHERE start_us >= (SELECT max(start_us) FROM status) - ?
           UNION ALL SELECT max(to_us) FROM heartbeat)`,
      );
      toUs = Math.max(toUs, (row.get(STATUS_US_MAX) as { us: number }).us);
    }
    return { fromUs: first.firstUs, toUs };
  }

  close(): void {
    for (const { db } of this.partitions) db.close();
  }

  private openPartition(file: string): void {
    let db: Database.Database | undefined;
    try {
      db = new Database(file, { readonly: true, fileMustExist: true });
      if (db.pragma('user_version', { simple: true }) !== PARTITION_VERSION) {
        throw new Error('it is of another version, or no file of flow records');
      }
      const row = db.prepare(
        'SELECT min(us) AS us FROM (SELECT min(start_us) AS us FROM status UNION ALL SELECT min(from_us) FROM heartbeat)',
      );
      const { us: firstUs } = row.get() as { us: number | null };
      // Made, and nothing written yet: the sensor has only begun, or was stopped then.
      if (firstUs === null) db.close();
      else this.partitions.push({ db, firstUs });
    } catch (error) {
      db?.close();
      this.problems.push(`${file}: not read: ${reasonOf(error)}`);
    }
  }
}

function reasonOf(error: unknown): string {
  const { code = '', message } = error as { readonly code?: string; readonly message: string };
  if (!code.startsWith('SQLITE_READONLY')) return message;
  return 'its writer has not closed it, and it can only be read where its folder can be written';
}

function statusOf(row: StatusRow): FlowStatus {
  return {
    startUs: row.start_us,
    endUs: row.end_us,
    session: row.session,
    sensor: row.sensor,
    interface: row.interface,
    client: {
      address: addressOf(row.client),
      port: row.client_port,
      packets: row.client_packets,
      bytes: row.client_bytes,
      payload: row.client_payload,
      retransmitted: row.client_retransmitted,
    },
    server: {
      address: addressOf(row.server),
      port: row.server_port,
      packets: row.server_packets,
      bytes: row.server_bytes,
      payload: row.server_payload,
      retransmitted: row.server_retransmitted,
    },
    state: FLOW_STATE_NAMES[row.state] ?? '',
    directed: (row.flags & STATUS_FLAG_DIRECTED) !== 0,
    first: (row.flags & STATUS_FLAG_FIRST) !== 0,
    synAckUs: row.syn_ack_us < 0 ? undefined : row.syn_ack_us,
    ackDataUs: row.ack_data_us < 0 ? undefined : row.ack_data_us,
    vlanId: row.vlan < 0 ? undefined : row.vlan,
    tunnel: tunnelName(row.tunnel_kind, row.tunnel_id),
    class: FLOW_CLASS_NAMES[row.class] ?? '',
    records: 1,
  };
}

function addressOf(blob: Uint8Array): string {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  if (blob.byteLength === 4) return formatAddress(0, 0, 0xffff, view.getInt32(0));
  return formatAddress(view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12));
}
