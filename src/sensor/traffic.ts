/** Flow records of a run: where they are written, and the heartbeats beside them. */
import type { Heartbeat } from '../contracts/traffic.ts';
import type { TrafficLog } from '../traffic/log.ts';

/** Takes flow records and heartbeats, in this thread or on the way to another. */
export interface TrafficReceiver {
  /** As `StatusSink`, with the names of the interfaces. */
  write(rows: Float64Array, count: number, interfaces: readonly string[]): void;
  heartbeat(beat: Heartbeat): void;
}

export interface TrafficOptions {
  /** Directory of the store. */
  readonly store: string;
  readonly sensor: string;
  /** strftime pattern of the files' names. */
  readonly pattern: string | undefined;
  readonly retainDays: number | undefined;
}

/**
 * Loads what writes flow records, which few replays need. What it returns opens them in the store's folder, and throws
 * a UserError when that is impossible.
 */
export async function trafficOpener(options: TrafficOptions): Promise<() => TrafficLog> {
  const { store, sensor, pattern, retainDays } = options;
  const log = await import('../traffic/log.ts');
  return () => new log.TrafficLog(store, { sensor, pattern, retainDays });
}

/**
 * Adds up the heartbeats of the shards of a replay. Each reads all packets, so that the first heartbeat of each is of
 * the same span, and so on (their times tell less: captures may overlap). Packets are counted once, what belongs to
 * flows is the sum.
 */
export class HeartbeatSum {
  private readonly write: (beat: Heartbeat) => void;
  /** By shard: heartbeats of which others are still to come. */
  private readonly waiting: readonly Heartbeat[][];

  constructor(shards: number, write: (beat: Heartbeat) => void) {
    this.waiting = Array.from({ length: shards }, () => []);
    this.write = write;
  }

  add(shard: number, beat: Heartbeat): void {
    this.waiting[shard]?.push(beat);
    if (this.waiting.some((beats) => beats.length === 0)) return;
    const [first, ...others] = this.waiting.flatMap((beats) => beats.shift() ?? []);
    if (first !== undefined) this.write(others.reduce(together, first));
  }
}

function together(a: Heartbeat, b: Heartbeat): Heartbeat {
  return {
    ...a,
    payloadBytes: a.payloadBytes.map((bytes, flowClass) => bytes + (b.payloadBytes[flowClass] ?? 0)),
    gapBytes: a.gapBytes + b.gapBytes,
    unparsedBytes: a.unparsedBytes + b.unparsedBytes,
    evictedFlows: a.evictedFlows + b.evictedFlows,
    connections: a.connections + b.connections,
    cutSessions: a.cutSessions + b.cutSessions,
    activeFlows: a.activeFlows + b.activeFlows,
    droppedRecords: a.droppedRecords + b.droppedRecords,
  };
}
