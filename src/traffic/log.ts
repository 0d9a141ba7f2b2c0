/**
 * Writes status records and heartbeats into partitions. A batch is one transaction; a record's key is its time and its
 * connection, so a capture replayed twice, or again after a crash, gives the same rows.
 */

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { formatAddress } from '../base/address.ts';
import { UserError } from '../base/errors.ts';
import { makeFolder } from '../base/folder.ts';
import { sessionId } from '../base/session-id.ts';
import { DAY_US, MINUTE_US } from '../base/time.ts';
import {
  type Heartbeat,
  STATUS_ACK_DATA_US,
  STATUS_BYTES,
  STATUS_CLASS,
  STATUS_CLIENT,
  STATUS_FIRST_US,
  STATUS_FLAGS,
  STATUS_INTERFACE,
  STATUS_LAST_US,
  STATUS_PACKETS,
  STATUS_PAYLOAD,
  STATUS_PORTS,
  STATUS_RETRANSMITTED,
  STATUS_SERVER,
  STATUS_SESSION_US,
  STATUS_STATE,
  STATUS_SYN_ACK_US,
  STATUS_TUNNEL_ID,
  STATUS_TUNNEL_KIND,
  STATUS_VLAN,
  STATUS_WORDS,
} from '../contracts/traffic.ts';
import { checkPattern, DEFAULT_PATTERN, PARTITION_SUFFIX, partitionPath } from './partition.ts';
import { PARTITION_SQL, PARTITION_VERSION } from './schema.ts';

/** Folder of the partitions within a store. */
export const FLOWS_FOLDER = 'flows';

export interface TrafficLogOptions {
  readonly sensor: string;
  /** strftime pattern of the partitions' names. */
  readonly pattern?: string | undefined;
  /** Partitions whose last record is older, counted from the newest, are dropped. */
  readonly retainDays?: number | undefined;
}

/** Partitions open at once: old and new captures may follow each other in any order. */
const OPEN_MAX = 8;
const COLUMNS = 24;

interface Partition {
  readonly db: Database.Database;
  readonly insert: Database.Statement;
  readonly places: Map<number, number>;
}

export class TrafficLog {
  /** Status records that could not be written. */
  dropped = 0;
  /** Why, in one line. */
  failure: string | undefined = undefined;
  private readonly folder: string;
  private readonly options: TrafficLogOptions;
  private readonly pattern: string;
  private readonly open = new Map<string, Partition>();
  private interfaces: readonly string[] = [];
  /** Last record of closed partitions, as it was when they were looked at: it can only have become later. */
  private readonly lastSeenUs = new Map<string, number>();
  /** The minute for which `lastPath` is right, so that names are not made for every row. */
  private lastMinute = -1;
  private lastPath = '';

  /** `store` is the store's directory, which exists. Throws a UserError. */
  constructor(store: string, options: TrafficLogOptions) {
    this.folder = join(store, FLOWS_FOLDER);
    this.options = options;
    this.pattern = options.pattern ?? DEFAULT_PATTERN;
    checkPattern(this.pattern);
    this.attempt(0, () => makeFolder(this.folder));
    if (this.failure !== undefined) throw new UserError(this.failure);
  }

  /** Status records of a batch (`contracts/traffic.ts`); `interfaces` are names by `STATUS_INTERFACE`. A failure is kept, and counted from then on. */
  write(rows: Float64Array, count: number, interfaces: readonly string[]): void {
    this.interfaces = interfaces;
    this.attempt(count, () => {
      for (let from = 0; from < count; ) {
        const path = this.pathAt(rows[from * STATUS_WORDS + STATUS_FIRST_US] as number);
        let to = from + 1;
        while (to < count && this.pathAt(rows[to * STATUS_WORDS + STATUS_FIRST_US] as number) === path) to++;
        this.insertRows(this.partition(path), rows, from, to);
        from = to;
      }
    });
  }

  heartbeat(beat: Heartbeat): void {
    const { fromUs, toUs, ...counts } = beat;
    this.attempt(0, () => {
      const { db } = this.partition(this.pathAt(fromUs));
      db.prepare('INSERT OR REPLACE INTO heartbeat VALUES (?, ?, ?, ?)').run(
        this.options.sensor,
        fromUs,
        toUs,
        JSON.stringify(counts),
      );
      this.expire(toUs);
    });
  }

  close(): void {
    for (const { db } of this.open.values()) closePartition(db);
    this.open.clear();
  }

  private pathAt(timeUs: number): string {
    const minute = Math.floor(timeUs / MINUTE_US);
    if (minute !== this.lastMinute) {
      this.lastMinute = minute;
      this.lastPath = partitionPath(this.pattern, timeUs);
    }
    return this.lastPath;
  }

  private partition(path: string): Partition {
    const known = this.open.get(path);
    if (known !== undefined) return known;
    if (this.open.size >= OPEN_MAX) {
      for (const [oldest, { db }] of this.open) {
        closePartition(db);
        this.open.delete(oldest);
        break;
      }
    }
    const partition = openPartition(join(this.folder, path));
    this.open.set(path, partition);
    return partition;
  }

  private insertRows(partition: Partition, rows: Float64Array, from: number, to: number): void {
    const insertAll = partition.db.transaction(() => {
      for (let i = from; i < to; i++) partition.insert.run(...this.values(partition, rows, i * STATUS_WORDS));
    });
    insertAll();
  }

  private values(partition: Partition, rows: Float64Array, r: number): unknown[] {
    const at = (word: number): number => rows[r + word] as number;
    const client = formatAddress(
      at(STATUS_CLIENT),
      at(STATUS_CLIENT + 1),
      at(STATUS_CLIENT + 2),
      at(STATUS_CLIENT + 3),
    );
    const server = formatAddress(
      at(STATUS_SERVER),
      at(STATUS_SERVER + 1),
      at(STATUS_SERVER + 2),
      at(STATUS_SERVER + 3),
    );
    const session = sessionId({
      clientAddress: client,
      clientPort: at(STATUS_PORTS),
      serverAddress: server,
      serverPort: at(STATUS_PORTS + 1),
      firstTsUs: at(STATUS_SESSION_US),
    });
    return [
      at(STATUS_FIRST_US),
      at(STATUS_LAST_US),
      Buffer.from(session, 'hex'),
      this.place(partition, at(STATUS_INTERFACE)),
      addressBlob(rows, r + STATUS_CLIENT),
      at(STATUS_PORTS),
      addressBlob(rows, r + STATUS_SERVER),
      at(STATUS_PORTS + 1),
      at(STATUS_PACKETS),
      at(STATUS_PACKETS + 1),
      at(STATUS_BYTES),
      at(STATUS_BYTES + 1),
      at(STATUS_PAYLOAD),
      at(STATUS_PAYLOAD + 1),
      at(STATUS_RETRANSMITTED),
      at(STATUS_RETRANSMITTED + 1),
      at(STATUS_STATE),
      at(STATUS_FLAGS),
      at(STATUS_SYN_ACK_US),
      at(STATUS_ACK_DATA_US),
      at(STATUS_VLAN),
      at(STATUS_TUNNEL_KIND),
      at(STATUS_TUNNEL_ID),
      at(STATUS_CLASS),
    ];
  }

  private place(partition: Partition, interfaceIndex: number): number {
    const known = partition.places.get(interfaceIndex);
    if (known !== undefined) return known;
    const name = this.interfaces[interfaceIndex] ?? '';
    const { db } = partition;
    db.prepare('INSERT OR IGNORE INTO place (sensor, interface) VALUES (?, ?)').run(this.options.sensor, name);
    const row = db.prepare('SELECT id FROM place WHERE sensor = ? AND interface = ?').get(this.options.sensor, name);
    const { id } = row as { id: number };
    partition.places.set(interfaceIndex, id);
    return id;
  }

  /** Unlinks partitions that end before the time that is kept. What cannot be read is left to its owner. */
  private expire(nowUs: number): void {
    const { retainDays } = this.options;
    if (retainDays === undefined) return;
    const keptFromUs = nowUs - retainDays * DAY_US;
    for (const path of partitionsOf(this.folder)) {
      if (this.open.has(path) || (this.lastSeenUs.get(path) ?? 0) >= keptFromUs) continue;
      const file = join(this.folder, path);
      const endUs = lastUs(file);
      this.lastSeenUs.set(path, endUs);
      if (endUs >= keptFromUs) continue;
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
      this.lastSeenUs.delete(path);
    }
  }

  private attempt(count: number, step: () => void): void {
    if (this.failure !== undefined) {
      this.dropped += count;
      return;
    }
    try {
      step();
    } catch (error) {
      this.dropped += count;
      this.failure = `flow records can no longer be written to ${this.folder}: ${(error as Error).message}`;
    }
  }
}

/** Partitions in a folder, as paths relative to it, sorted by name. */
export function partitionsOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith(PARTITION_SUFFIX)).sort();
}

/** Opens a partition, or makes it. Throws when it is none of this version. */
function openPartition(file: string): Partition {
  makeFolder(dirname(file));
  const db = new Database(file);
  try {
    const version = db.pragma('user_version', { simple: true });
    if (version !== 0 && version !== PARTITION_VERSION) throw new Error(`${file} is of version ${String(version)}`);
    db.pragma('journal_mode = WAL');
    // A power cut may take the last seconds, never the file; the sensor's heartbeats tell what is missing.
    db.pragma('synchronous = NORMAL');
    db.exec(PARTITION_SQL);
    db.pragma(`user_version = ${PARTITION_VERSION}`);
    const marks = Array.from({ length: COLUMNS }, () => '?').join(', ');
    return { db, insert: db.prepare(`INSERT OR IGNORE INTO status VALUES (${marks})`), places: new Map() };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Leaves one plain file, which can be read where nothing can be written. */
function closePartition(db: Database.Database): void {
  try {
    db.pragma('journal_mode = DELETE');
  } catch {
    // Somebody reads it: it stays as it is, and is read with the two files beside it.
  }
  db.close();
}

/** Time of a partition's last record, without limit for a file that cannot be read. */
function lastUs(file: string): number {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true });
    const row = db.prepare(`SELECT max(coalesce((SELECT max(start_us) FROM status), 0),
      coalesce((SELECT max(to_us) FROM heartbeat), 0)) AS us`);
    return (row.get() as { us: number }).us;
  } catch {
    return Number.POSITIVE_INFINITY;
  } finally {
    db?.close();
  }
}

/** 4 bytes for IPv4, else 16. */
function addressBlob(rows: Float64Array, at: number): Buffer {
  const bytes = Buffer.alloc(16);
  for (let word = 0; word < 4; word++) bytes.writeInt32BE(rows[at + word] as number, word * 4);
  const isV4 = rows[at] === 0 && rows[at + 1] === 0 && rows[at + 2] === 0xffff;
  return isV4 ? bytes.subarray(12) : bytes;
}
