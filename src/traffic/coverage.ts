/**
 * How complete a record of a stretch of time is, from the sensor's own heartbeats: when it watched, what it saw, what of
 * that it understood, and what it lost. Heartbeats count whole: the stretch is that of those which overlap the question.
 */

import { FLOW_DATABASE, FLOW_OPAQUE, FLOW_OTHER, FLOW_UNDECIDED } from '../contracts/traffic.ts';
import type { TimeSpan } from './reader.ts';
import type { SensorHeartbeat } from './schema.ts';

export interface Coverage {
  readonly sensor: string;
  /** From the first heartbeat in the span to the last. */
  readonly countedFromUs: number;
  readonly countedToUs: number;
  /** Part of the asked span in which the sensor watched. */
  readonly watchedUs: number;
  /** Parts of the span that no heartbeat covers. */
  readonly holes: readonly TimeSpan[];
  readonly packets: number;
  readonly bytes: number;
  /** Frames cut by the snap length, what is missing of them, and files that end in the middle of one. */
  readonly cutPackets: number;
  readonly cutBytes: number;
  readonly cutFiles: number;
  readonly kernelDrops: number;
  readonly ringFreezes: number;
  /** TCP payload: read as statements, of encrypted or unknown versions, of other protocols, not yet decided. */
  readonly understoodBytes: number;
  readonly encryptedBytes: number;
  readonly otherBytes: number;
  readonly undecidedBytes: number;
  /** Payload of database connections that never came, and that came but could not be read. */
  readonly gapBytes: number;
  readonly unparsedBytes: number;
  readonly connections: number;
  readonly cutSessions: number;
  readonly evictedFlows: number;
  readonly clockJumps: number;
  readonly droppedRecords: number;
}

/** One statement a sensor, by name. `beats` are in order of time. */
export function coverageOf(beats: Iterable<SensorHeartbeat>, span: TimeSpan): Coverage[] {
  const bySensor = new Map<string, SensorHeartbeat[]>();
  for (const beat of beats) {
    const list = bySensor.get(beat.sensor);
    if (list === undefined) bySensor.set(beat.sensor, [beat]);
    else list.push(beat);
  }
  return [...bySensor].sort(([a], [b]) => (a < b ? -1 : 1)).map(([sensor, list]) => summarise(sensor, list, span));
}

/** Nothing was lost, as far as the sensor knows, and it watched all the time. */
export function isComplete(coverage: Coverage): boolean {
  const { holes, cutPackets, cutFiles, kernelDrops, gapBytes, unparsedBytes, evictedFlows, droppedRecords } = coverage;
  const losses = cutPackets + cutFiles + kernelDrops + gapBytes + unparsedBytes + evictedFlows + droppedRecords;
  return holes.length === 0 && losses === 0;
}

function summarise(sensor: string, beats: readonly SensorHeartbeat[], span: TimeSpan): Coverage {
  const sum = (of: (beat: SensorHeartbeat) => number): number => beats.reduce((total, beat) => total + of(beat), 0);
  const payload = (flowClass: number): number => sum(({ payloadBytes }) => payloadBytes[flowClass] ?? 0);
  const holes = holesOf(beats, span);
  const unparsedBytes = sum((beat) => beat.unparsedBytes);
  return {
    sensor,
    countedFromUs: beats[0]?.fromUs ?? span.fromUs,
    countedToUs: beats.reduce((last, beat) => Math.max(last, beat.toUs), span.fromUs),
    watchedUs: holes.reduce((left, hole) => left - (hole.toUs - hole.fromUs), span.toUs - span.fromUs),
    holes,
    packets: sum((beat) => beat.packets),
    bytes: sum((beat) => beat.bytes),
    cutPackets: sum((beat) => beat.cutPackets),
    cutBytes: sum((beat) => beat.cutBytes),
    cutFiles: sum((beat) => beat.cutFiles),
    kernelDrops: sum((beat) => beat.kernelDrops),
    ringFreezes: sum((beat) => beat.ringFreezes),
    understoodBytes: Math.max(0, payload(FLOW_DATABASE) - unparsedBytes),
    encryptedBytes: payload(FLOW_OPAQUE),
    otherBytes: payload(FLOW_OTHER),
    undecidedBytes: payload(FLOW_UNDECIDED),
    gapBytes: sum((beat) => beat.gapBytes),
    unparsedBytes,
    connections: sum((beat) => beat.connections),
    cutSessions: sum((beat) => beat.cutSessions),
    evictedFlows: sum((beat) => beat.evictedFlows),
    clockJumps: sum((beat) => beat.clockJumps),
    droppedRecords: sum((beat) => beat.droppedRecords),
  };
}

/** Parts of the span between heartbeats. */
function holesOf(beats: readonly SensorHeartbeat[], { fromUs, toUs }: TimeSpan): TimeSpan[] {
  const holes: TimeSpan[] = [];
  let coveredUs = fromUs;
  for (const beat of beats) {
    if (beat.fromUs > coveredUs) holes.push({ fromUs: coveredUs, toUs: Math.min(beat.fromUs, toUs) });
    coveredUs = Math.max(coveredUs, beat.toUs);
  }
  if (coveredUs < toUs) holes.push({ fromUs: coveredUs, toUs });
  return holes;
}
