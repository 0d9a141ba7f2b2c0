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
 * Adds up the heartbeats of the shards of a replay. Each reads all packets, so that their spans are the same; packets
 * are counted once, what belongs to flows is the sum.
 */
export class HeartbeatSum {
  private readonly shards: number;
  private readonly write: (beat: Heartbeat) => void;
  private readonly waiting = new Map<number, { beat: Heartbeat; count: number }>();

  constructor(shards: number, write: (beat: Heartbeat) => void) {
    this.shards = shards;
    this.write = write;
  }

  add(beat: Heartbeat): void {
    const sum = this.waiting.get(beat.fromUs);
    const next = sum === undefined ? { beat, count: 1 } : { beat: together(sum.beat, beat), count: sum.count + 1 };
    if (next.count < this.shards) {
      this.waiting.set(beat.fromUs, next);
      return;
    }
    this.waiting.delete(beat.fromUs);
    this.write(next.beat);
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
