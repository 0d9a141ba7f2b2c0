/**
 * What the pipelines' threads and the store's thread share: messages, and a few words of shared memory that say how
 * full the queue is. Batches travel over message ports; the words bound how many may be under way.
 */
import type { MessagePort } from 'node:worker_threads';
import type { IngestCounters } from '../counters.ts';
import type { IngestOptions } from './ingest.ts';

export interface QueueLimits {
  readonly queueBytesMax: number;
  readonly queueBatchesMax: number;
}

/** What a pipeline's thread needs to write: transferable in `workerData` or a message. */
export interface StorePort extends QueueLimits {
  readonly port: MessagePort;
  readonly words: SharedArrayBuffer;
}

/** Words of `StorePort.words`. */
export const WORD_BYTES = 0;
export const WORD_BATCHES = 1;
export const WORD_BYTES_HIGH = 2;
/** Records dropped because the queue was full or the store had failed. */
export const WORD_DROPPED = 3;
/** 1 once the store cannot write any more. */
export const WORD_FAILED = 4;
/** Counts up whenever there is more room, or the store failed; what waiting writers sleep on. */
export const WORD_CHANGED = 5;
export const WORD_COUNT = 6;

export interface WorkerSetup {
  readonly directory: string;
  readonly ingest: IngestOptions;
  readonly commitMs: number;
  readonly words: SharedArrayBuffer;
}

/** Over a writer's port, to the store. */
export type ToStore =
  | { readonly kind: 'batch'; readonly bytes: Uint8Array<ArrayBuffer>; readonly records: number }
  | { readonly kind: 'flush'; readonly ticket: number };

/** Over a writer's port, from the store. */
export type FromStore = { readonly kind: 'flushed'; readonly ticket: number; readonly error: FailureText | undefined };

/** Over the worker's own port. */
export type ToWorker = { readonly kind: 'attach'; readonly port: MessagePort } | { readonly kind: 'close' };

export type FromWorker =
  | { readonly kind: 'ready'; readonly problems: readonly string[] }
  | { readonly kind: 'counters'; readonly counters: IngestCounters }
  | { readonly kind: 'failed'; readonly error: FailureText }
  | { readonly kind: 'closed'; readonly counters: IngestCounters };

/** A `StoreError` as a message carries it. */
export interface FailureText {
  readonly code: string;
  readonly message: string;
}

/** Takes a batch off the books and wakes who waits for room. */
export function releaseRoom(words: Int32Array, bytes: number): void {
  Atomics.sub(words, WORD_BYTES, bytes);
  Atomics.sub(words, WORD_BATCHES, 1);
  signalChange(words);
}

export function signalChange(words: Int32Array): void {
  Atomics.add(words, WORD_CHANGED, 1);
  Atomics.notify(words, WORD_CHANGED);
}

/** Books a batch if the queue has room for it. An empty queue takes a batch of any size. */
export function reserveRoom(words: Int32Array, limits: QueueLimits, bytes: number): boolean {
  const before = Atomics.add(words, WORD_BYTES, bytes);
  const batches = Atomics.add(words, WORD_BATCHES, 1);
  if (batches > 0 && (before + bytes > limits.queueBytesMax || batches >= limits.queueBatchesMax)) {
    Atomics.sub(words, WORD_BYTES, bytes);
    Atomics.sub(words, WORD_BATCHES, 1);
    return false;
  }
  if (before + bytes > Atomics.load(words, WORD_BYTES_HIGH)) Atomics.store(words, WORD_BYTES_HIGH, before + bytes);
  return true;
}
