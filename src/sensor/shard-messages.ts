/**
 * What a replay's main thread and its shard threads tell each other. All of it is plain data. The main thread sends a
 * `ShardJob`, then only `Judged`, to threads that keep evidence.
 */

import type { Ordered } from '../audit/order.ts';
import type { SessionNotice } from '../audit/sessions-elsewhere.ts';
import type { SourceStats } from '../contracts/packet.ts';
import type { Severity } from '../contracts/record.ts';
import type { SqlStatement } from '../contracts/sql.ts';
import type { Heartbeat } from '../contracts/traffic.ts';
import type { PolicySource } from '../policy/files/source.ts';
import type { OverlapRange } from '../reassembly/overlap.ts';
import type { EvidenceOptions } from './evidence.ts';
import type { PipelineCounters } from './pipeline.ts';
import type { TallySnapshot } from './tally.ts';

/** What a shard thread is to do. */
export interface ShardJob {
  readonly files: readonly string[];
  readonly sensor: string;
  /** Texts that the main thread has read and checked. */
  readonly policies: readonly PolicySource[];
  readonly ports: ReadonlyMap<number, string>;
  readonly flowsMax: number;
  readonly sessionMemoryMax: number | undefined;
  readonly overlap: readonly OverlapRange[];
  readonly maskKey: Uint8Array;
  readonly evidence: EvidenceOptions | undefined;
  readonly shard: { readonly index: number; readonly count: number };
  /** Records that are kept are wanted by the main thread, not only counted. */
  readonly sendsRecords: boolean;
  /** Flow records and heartbeats are wanted. */
  readonly sendsTraffic: boolean;
  /** One Int32 a shard: messages of it that the main thread is done with. */
  readonly taken: SharedArrayBuffer;
}

/** A record on its way to the main thread. */
export interface ShardRecord extends Ordered {
  /** Number of the packet that completed it. */
  readonly position: number;
  /** Not judged yet: a policy's memory of all flows is needed. */
  readonly deferred: boolean;
  /** Analysis of a deferred record's text. */
  readonly statement: SqlStatement | undefined;
  /** Of a deferred record whose packets wait for its judgement (`Evidence.await`); else 0. */
  readonly ticket: number;
  readonly shard: number;
  /** Key of the session it means, which may be another shard's (`SessionNotice`). */
  readonly target: string | undefined;
}

/** A notice, and the number of the packet that it comes of. */
export interface ShardNotice {
  readonly position: number;
  readonly notice: SessionNotice;
}

/** What a shard found in its flows. */
export interface ShardReport {
  readonly stats: SourceStats;
  readonly counters: PipelineCounters;
  /** Records that were not sent. */
  readonly tally: TallySnapshot;
  readonly worst: Severity | undefined;
}

export type ShardMessage =
  /** All records up to the packet `position` are in this message or in earlier ones, in order. */
  | {
      readonly kind: 'records';
      readonly position: number;
      readonly records: readonly ShardRecord[];
      /** All up to `position` are in this message or in earlier ones, in order. */
      readonly notices: readonly ShardNotice[];
      readonly bytesRead: number;
      readonly bytesTotal: number | undefined;
    }
  | {
      readonly kind: 'traffic';
      readonly rows: Float64Array;
      readonly count: number;
      readonly interfaces: readonly string[];
    }
  | { readonly kind: 'heartbeat'; readonly beat: Heartbeat }
  | { readonly kind: 'done'; readonly report: ShardReport }
  /** `message` is for people: one line. */
  | { readonly kind: 'failed'; readonly message: string };
