/** What the sensor's main thread and its capture threads tell each other. All of it is plain data. */
import type { Alarm } from '../alarm/alarm.ts';
import type { SessionNotice } from '../audit/sessions-elsewhere.ts';
import type { QueueMemory } from '../capture/live/packet-queue.ts';
import type { SourceStats } from '../contracts/packet.ts';
import type { AuditRecord, Severity } from '../contracts/record.ts';
import type { SqlStatement } from '../contracts/sql.ts';
import type { Heartbeat } from '../contracts/traffic.ts';
import type { PolicySource } from '../policy/files/source.ts';
import type { OverlapRange } from '../reassembly/overlap.ts';
import type { StoreOptions } from '../store/store.ts';
import type { EvidenceOptions, Judged } from './evidence.ts';
import type { PipelineCounters } from './pipeline.ts';
import type { TallySnapshot } from './tally.ts';

/** What a capture thread needs to know as one of several that share the frames of the same interfaces. */
export interface CrewPlace {
  readonly index: number;
  /** Number of the PACKET_FANOUT group of the first interface. */
  readonly fanoutGroup: number;
  /** Secret of masked values' hashes, the same for all. */
  readonly maskKey: Uint8Array;
  /** Memory of the `ThreadQueue` of its records and notices. */
  readonly records: SharedArrayBuffer;
}

/** A record on its way to the main thread. */
export interface CrewRecord {
  readonly record: AuditRecord;
  /** Not judged yet: a policy's memory of all connections is needed. */
  readonly deferred: boolean;
  /** Analysis of a deferred record's text. */
  readonly statement: SqlStatement | undefined;
  /** Of a deferred record whose packets wait for its judgement (`Evidence.await`); else 0. */
  readonly ticket: number;
  /** Key of the session it means, which may be another thread's (`SessionNotice`). */
  readonly target: string | undefined;
}

/** Start-up data of a capture thread. */
export interface CaptureJob {
  readonly interfaces: readonly string[];
  readonly sensor: string;
  readonly store: string | undefined;
  readonly storeOptions: StoreOptions;
  readonly jsonl: string | undefined;
  readonly policies: readonly string[];
  readonly maskKey: string | undefined;
  readonly ports: ReadonlyMap<number, string>;
  readonly flowsMax: number;
  readonly sessionMemoryMax: number | undefined;
  readonly overlap: readonly OverlapRange[];
  readonly evidence: EvidenceOptions | undefined;
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly retireMs: number;
  readonly promiscuous: boolean;
  readonly ignoreOutgoing: boolean;
  /** Memory of a `ThreadQueue`; `undefined` when nobody wants alarms. */
  readonly alarms: SharedArrayBuffer | undefined;
  /** Expression in tcpdump's language. */
  readonly filter: string | undefined;
  /** Only the servers that the policy names are received, when it keeps records of no other. */
  readonly kernelFilter: boolean;
  /** Flow records and heartbeats are wanted. */
  readonly sendsTraffic: boolean;
  /** One Int32: set to 1 to stop. */
  readonly stop: SharedArrayBuffer;
  /** Where packets come from, when not from rings of its own: a `CapFeed` of the main thread. */
  readonly cap: QueueMemory | undefined;
  /** `undefined`: the only capture thread, which judges and writes its records itself. */
  readonly crew: CrewPlace | undefined;
}

export interface Progress {
  readonly stats: SourceStats;
  readonly counters: PipelineCounters;
  readonly tally: TallySnapshot;
  readonly worst: Severity | undefined;
}

export interface PolicyInForce {
  /** As in the records it judges. */
  readonly version: string;
  readonly rules: number;
  /** RFC 3339. */
  readonly since: string;
}

/** What the main thread tells a capture thread. */
export type CaptureCommand =
  /** Answered with `enforced` or `refused` and the same ticket. */
  | { readonly kind: 'enforce'; readonly ticket: number; readonly sources: readonly PolicySource[] }
  | { readonly kind: 'judged'; readonly judged: Judged };

export type CaptureMessage =
  | { readonly kind: 'ready'; readonly policy: PolicyInForce }
  | { readonly kind: 'enforced'; readonly ticket: number; readonly policy: PolicyInForce }
  /** The old policy stays in force. */
  | { readonly kind: 'refused'; readonly ticket: number; readonly message: string }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'traffic'; readonly rows: Float64Array; readonly count: number }
  | { readonly kind: 'heartbeat'; readonly beat: Heartbeat }
  | { readonly kind: 'alarm'; readonly alarm: Alarm }
  | { readonly kind: 'records'; readonly records: readonly CrewRecord[]; readonly notices: readonly SessionNotice[] }
  /** Clean end; the last counters. */
  | { readonly kind: 'stopped'; readonly progress: Progress }
  /** `message` is for people: one line. */
  | { readonly kind: 'failed'; readonly message: string };
