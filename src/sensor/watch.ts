/**
 * The sensor's heartbeats: what was seen and lost in each minute of watching. A stretch of time without one was not
 * watched, which is how a hole shows (`wiretrail coverage`).
 */
import { DAY_US, MINUTE_US } from '../base/time.ts';
import {
  DESCRIPTOR_INTERFACE,
  DESCRIPTOR_NANOSECONDS,
  DESCRIPTOR_SECONDS,
  DESCRIPTOR_WORDS,
  type PacketBatch,
  type SourceStats,
} from '../contracts/packet.ts';
import { FLOW_CLASS_NAMES, type Heartbeat } from '../contracts/traffic.ts';
import type { PipelineCounters } from './pipeline.ts';

/** A capture file was watched from its first packet to its last. Between two files that are further apart nobody watched. */
const PAUSE_US = 10 * MINUTE_US;
/** Nor within one file whose clock goes on by more than a day from one packet to the next. */
const SILENCE_US = DAY_US;
/** Packets that go back in time further do not belong to the same watch. */
const BACK_US = MINUTE_US;

/** Totals since the start. */
export interface WatchTotals {
  readonly stats: SourceStats;
  readonly counters: PipelineCounters;
  readonly clockJumps: number;
}

type Counts = Omit<Heartbeat, 'fromUs' | 'toUs' | 'activeFlows'>;

interface Snapshot {
  readonly counts: Counts;
  readonly activeFlows: number;
}

export class Watch {
  private readonly write: (beat: Heartbeat) => void;
  private readonly totals: () => WatchTotals;
  private last: Counts;
  /** Totals after the batch that was read last. */
  private read: Snapshot | undefined = undefined;
  /** Where the next heartbeat begins, and the time seen so far; -1 before the first. */
  private fromUs = -1;
  private seenUs = -1;
  /** Capture file of the batch before; -1 before the first. */
  private file = -1;

  constructor(write: (beat: Heartbeat) => void, totals: () => WatchTotals) {
    this.write = write;
    this.totals = totals;
    this.last = countsOf(totals());
  }

  /** The clock stands at `nowUs`, and the sensor is watching (live capture). */
  tick(nowUs: number): void {
    if (this.fromUs < 0) this.fromUs = nowUs;
    if (this.seenUs >= 0 && Math.floor(nowUs / MINUTE_US) !== Math.floor(this.seenUs / MINUTE_US)) this.beat(nowUs);
    this.seenUs = nowUs;
  }

  /** A batch of a capture file is to be read; its packets tell the time, their interface the file. */
  begin(batch: PacketBatch): void {
    if (batch.count === 0) return;
    const startUs = timeUs(batch, 0);
    const file = batch.descriptors[DESCRIPTOR_INTERFACE] as number;
    const isPause = startUs > this.seenUs + (file === this.file ? SILENCE_US : PAUSE_US);
    this.file = file;
    const isOther = isPause || startUs < this.seenUs - BACK_US;
    const isMinute = Math.floor(this.seenUs / MINUTE_US) !== Math.floor(this.fromUs / MINUTE_US);
    if (this.read !== undefined && (isOther || isMinute)) this.beat(this.seenUs + 1, this.beforeBatch(this.read));
    if (isOther) {
      this.fromUs = -1;
      this.seenUs = -1;
    }
    if (this.fromUs < 0) this.fromUs = startUs;
  }

  /**
   * The batch was read. Its heartbeat waits for the next batch: what a file lost, and that it is cut off, is known at its
   * end.
   */
  end(batch: PacketBatch): void {
    if (batch.count === 0) return;
    this.seenUs = Math.max(this.seenUs, timeUs(batch, batch.count - 1));
    this.read = snapshotOf(this.totals());
  }

  /** The source is over. */
  close(): void {
    if (this.fromUs >= 0 && this.seenUs >= this.fromUs) this.beat(this.seenUs + 1);
  }

  /** Totals without the batch that was just handed over, but with the losses told since the one before. */
  private beforeBatch({ counts, activeFlows }: Snapshot): Snapshot {
    const { kernelDrops, ringFreezes, cutFiles } = countsOf(this.totals());
    return { counts: { ...counts, kernelDrops, ringFreezes, cutFiles }, activeFlows };
  }

  private beat(toUs: number, { counts, activeFlows }: Snapshot = snapshotOf(this.totals())): void {
    this.write({ fromUs: this.fromUs, toUs, ...difference(counts, this.last), activeFlows });
    this.last = counts;
    this.fromUs = toUs;
  }
}

function timeUs({ descriptors }: PacketBatch, index: number): number {
  const d = index * DESCRIPTOR_WORDS;
  const seconds = (descriptors[d + DESCRIPTOR_SECONDS] as number) >>> 0;
  return seconds * 1e6 + Math.floor((descriptors[d + DESCRIPTOR_NANOSECONDS] as number) / 1000);
}

function snapshotOf(totals: WatchTotals): Snapshot {
  return { counts: countsOf(totals), activeFlows: totals.counters.traffic?.['active'] ?? 0 };
}

function countsOf({ stats, counters, clockJumps }: WatchTotals): Counts {
  const { traffic = {}, protocols, reassembly, audit } = counters;
  return {
    packets: stats.packets,
    bytes: stats.bytes,
    payloadBytes: FLOW_CLASS_NAMES.map((name) => traffic[`${name}Bytes`] ?? 0),
    gapBytes: protocols['gapBytes'] ?? 0,
    unparsedBytes: protocols['unparsedBytes'] ?? 0,
    cutPackets: stats.cutPackets,
    cutBytes: stats.cutBytes,
    cutFiles: stats.truncatedInputs,
    kernelDrops: stats.drops,
    ringFreezes: stats.freezes,
    evictedFlows: (reassembly['endedEvicted'] ?? 0) + (protocols['memoryReliefs'] ?? 0),
    connections: protocols['connections'] ?? 0,
    cutSessions: protocols['cutConnections'] ?? 0,
    clockJumps,
    droppedRecords: audit.dropped,
  };
}

function difference(now: Counts, before: Counts): Counts {
  const result: Record<string, number | readonly number[]> = {};
  for (const [key, value] of Object.entries(now)) {
    const old = before[key as keyof Counts];
    result[key] =
      typeof value === 'number'
        ? value - (old as number)
        : (value as readonly number[]).map((each, i) => each - ((old as readonly number[])[i] ?? 0));
  }
  return result as unknown as Counts;
}
