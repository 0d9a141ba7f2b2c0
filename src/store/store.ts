/**
 * The audit store as the rest of the program sees it: one directory, one writing thread, any number of writers (one a
 * pipeline thread) and readers (`reader.ts`; in this process or others, also while it is being written).
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import { type IngestCounters, newCounters } from './counters.ts';
import { StoreError, type StoreErrorCode } from './errors.ts';
import type { Retention } from './expiry/retention.ts';
import type { Durability } from './segment/segment.ts';
import type { IngestOptions } from './write/ingest.ts';
import {
  type FailureText,
  type FromWorker,
  type StorePort,
  signalChange,
  type ToWorker,
  WORD_BATCHES,
  WORD_BYTES_HIGH,
  WORD_COUNT,
  WORD_DROPPED,
  WORD_FAILED,
  type WorkerSetup,
} from './write/queue.ts';
import { StoreWriter, type WhenFull } from './write/writer.ts';

export interface StoreOptions {
  /** Rows of a segment at most. */
  readonly segmentRowsMax?: number;
  /** Longest time between a record's arrival and its commit. */
  readonly commitMs?: number;
  readonly durability?: Durability;
  /** What is kept; by default everything. */
  readonly retention?: Retention;
  /** PEM file of the Ed25519 key that signs sealed segments; must lie outside the store. */
  readonly signKeyFile?: string | undefined;
  /** Batches under way to the store's thread: bytes and count at most. */
  readonly queueBytesMax?: number;
  readonly queueBatchesMax?: number;
}

type Settings = Required<StoreOptions>;

const DEFAULTS: Settings = {
  segmentRowsMax: 1_000_000,
  commitMs: 200,
  durability: 'audit',
  retention: {},
  signKeyFile: undefined,
  queueBytesMax: 64 * 1024 * 1024,
  queueBatchesMax: 4096,
};

export interface StoreCounters extends IngestCounters {
  dropped: number;
  queueBatches: number;
  queueBytesHigh: number;
}

/** A store opened for writing. */
export interface AuditStore {
  /** What was wrong with it when it was opened, one line each (a segment missing or damaged). */
  readonly problems: readonly string[];
  /** A writer for this thread. */
  writer(whenFull: WhenFull): StoreWriter;
  /** An end of the queue for another thread: transfer its `port`, then `new StoreWriter(it, …)` there. */
  port(): StorePort;
  counters(): StoreCounters;
  /** Called at most once, when the store can write no more. */
  onFailure(listener: (error: StoreError) => void): void;
  /** Writers are to be closed (or flushed) before. Rejects with the error that stopped the store, if one did. */
  close(): Promise<void>;
}

/** Opens the store in `directory`, making it when there is none. Rejects with `StoreError`. */
export async function openStore(directory: string, options: StoreOptions = {}): Promise<AuditStore> {
  const settings = { ...DEFAULTS, ...options };
  const words = new SharedArrayBuffer(WORD_COUNT * 4);
  const setup: WorkerSetup = {
    directory,
    ingest: ingestOptions(settings),
    commitMs: settings.commitMs,
    words,
  };
  const worker = new Worker(new URL('./write/worker.js', import.meta.url), { workerData: setup });
  const store = new ThreadedStore(worker, words, settings);
  await store.opened;
  return store;
}

function ingestOptions({ segmentRowsMax, durability, retention, signKeyFile }: Settings): IngestOptions {
  return { segmentRowsMax, durability, retention, signKeyFile };
}

class ThreadedStore implements AuditStore {
  problems: readonly string[] = [];
  readonly opened: Promise<void>;
  private readonly exited: Promise<void>;
  private readonly worker: Worker;
  private readonly shared: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly settings: Settings;
  private latest: IngestCounters | undefined = undefined;
  private failure: StoreError | undefined = undefined;
  private listener: ((error: StoreError) => void) | undefined = undefined;

  constructor(worker: Worker, shared: SharedArrayBuffer, settings: Settings) {
    this.worker = worker;
    this.shared = shared;
    this.words = new Int32Array(shared);
    this.settings = settings;
    this.exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    this.opened = new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') {
          this.problems = message.problems;
          resolve();
        } else if (message.kind === 'failed') {
          this.fail(message.error);
          reject(this.failure);
        } else {
          this.latest = message.counters;
        }
      });
      worker.once('error', (error) => {
        this.fail({ code: 'io', message: `the store's thread ended: ${error.message}` });
        reject(this.failure);
      });
    });
    this.opened.catch(() => void worker.terminate());
  }

  writer(whenFull: WhenFull): StoreWriter {
    return new StoreWriter(this.port(), whenFull);
  }

  port(): StorePort {
    const { port1, port2 } = new MessageChannel();
    this.tell({ kind: 'attach', port: port2 }, port2);
    const { queueBytesMax, queueBatchesMax } = this.settings;
    return { port: port1, words: this.shared, queueBytesMax, queueBatchesMax };
  }

  counters(): StoreCounters {
    return {
      ...(this.latest ?? newCounters()),
      dropped: Atomics.load(this.words, WORD_DROPPED),
      queueBatches: Atomics.load(this.words, WORD_BATCHES),
      queueBytesHigh: Atomics.load(this.words, WORD_BYTES_HIGH),
    };
  }

  onFailure(listener: (error: StoreError) => void): void {
    this.listener = listener;
    if (this.failure !== undefined) listener(this.failure);
  }

  async close(): Promise<void> {
    this.tell({ kind: 'close' });
    await this.exited;
    if (this.failure !== undefined) throw this.failure;
  }

  private fail(error: FailureText): void {
    if (this.failure !== undefined) return;
    this.failure = new StoreError(error.code as StoreErrorCode, error.message);
    Atomics.store(this.words, WORD_FAILED, 1);
    signalChange(this.words);
    this.listener?.(this.failure);
  }

  private tell(message: ToWorker, transfer?: StorePort['port']): void {
    this.worker.postMessage(message, transfer === undefined ? [] : [transfer]);
  }
}
