/** What the sensor's main thread and its capture threads tell each other. All of it is plain data. */
import type { SourceStats } from '../contracts/packet.ts';
import type { Severity } from '../contracts/record.ts';
import type { StoreOptions } from '../store/store.ts';
import type { PipelineCounters } from './pipeline.ts';
import type { TallySnapshot } from './tally.ts';

/** Start-up data of a capture thread. */
export interface CaptureJob {
  readonly interfaces: readonly string[];
  readonly sensor: string;
  readonly store: string | undefined;
  readonly storeOptions: StoreOptions;
  readonly jsonl: string | undefined;
  readonly policies: string;
  readonly ports: ReadonlyMap<number, string>;
  readonly flowsMax: number;
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly promiscuous: boolean;
  /** One Int32: set to 1 to stop. */
  readonly stop: SharedArrayBuffer;
}

export interface Progress {
  readonly stats: SourceStats;
  readonly counters: PipelineCounters;
  readonly tally: TallySnapshot;
  readonly worst: Severity | undefined;
}

export type CaptureMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly progress: Progress }
  /** Clean end; the last counters. */
  | { readonly kind: 'stopped'; readonly progress: Progress }
  /** `message` is for people: one line. */
  | { readonly kind: 'failed'; readonly message: string };
