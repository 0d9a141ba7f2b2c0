/** Tables of a partition, and the record that a row of it becomes. */
import type { Heartbeat } from '../contracts/traffic.ts';

export const PARTITION_VERSION = 1;

/** Ordered by time, so that new rows go to the end of the table and a range of time is one scan; no other index. */
export const PARTITION_SQL = `
  CREATE TABLE IF NOT EXISTS place (
    id INTEGER PRIMARY KEY,
    sensor TEXT NOT NULL,
    interface TEXT NOT NULL,
    UNIQUE (sensor, interface)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS status (
    start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL,
    session BLOB NOT NULL,
    place INTEGER NOT NULL,
    client BLOB NOT NULL,
    client_port INTEGER NOT NULL,
    server BLOB NOT NULL,
    server_port INTEGER NOT NULL,
    client_packets INTEGER NOT NULL,
    server_packets INTEGER NOT NULL,
    client_bytes INTEGER NOT NULL,
    server_bytes INTEGER NOT NULL,
    client_payload INTEGER NOT NULL,
    server_payload INTEGER NOT NULL,
    client_retransmitted INTEGER NOT NULL,
    server_retransmitted INTEGER NOT NULL,
    state INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    syn_ack_us INTEGER NOT NULL,
    ack_data_us INTEGER NOT NULL,
    vlan INTEGER NOT NULL,
    tunnel_kind INTEGER NOT NULL,
    tunnel_id INTEGER NOT NULL,
    class INTEGER NOT NULL,
    PRIMARY KEY (start_us, session)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS heartbeat (
    sensor TEXT NOT NULL,
    from_us INTEGER NOT NULL,
    to_us INTEGER NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (from_us, sensor)
  ) STRICT, WITHOUT ROWID;
`;

/** One end of a connection within a status record. */
export interface FlowEnd {
  readonly address: string;
  readonly port: number;
  readonly packets: number;
  /** On the wire, frames included. */
  readonly bytes: number;
  /** TCP payload. */
  readonly payload: number;
  readonly retransmitted: number;
}

/** What one connection did within an interval; or, merged, within a longer time. Times in microseconds since 1970. */
export interface FlowStatus {
  readonly startUs: number;
  readonly endUs: number;
  /** Id that the audit records of the connection carry. */
  readonly session: string;
  readonly sensor: string;
  readonly interface: string;
  readonly client: FlowEnd;
  readonly server: FlowEnd;
  /** As in `FLOW_STATE_NAMES`. */
  readonly state: string;
  /** Which end is the client was seen, not guessed. */
  readonly directed: boolean;
  /** The connection's first record. */
  readonly first: boolean;
  /** Parts of the handshake; `undefined` when not seen. */
  readonly synAckUs: number | undefined;
  readonly ackDataUs: number | undefined;
  readonly vlanId: number | undefined;
  /** As in `audit.tunnel`; empty outside tunnels. */
  readonly tunnel: string;
  /** As in `FLOW_CLASS_NAMES`. */
  readonly class: string;
  /** Records that were merged into this one. */
  readonly records: number;
}

/** A heartbeat of a named sensor. */
export interface SensorHeartbeat extends Heartbeat {
  readonly sensor: string;
}
