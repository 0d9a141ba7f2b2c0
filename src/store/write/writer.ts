/** The pipeline's end of the queue: packs records into batches and sends them to the store's thread. */
import type { MessagePort } from 'node:worker_threads';
import type { AuditRecord, RecordSink } from '../../contracts/record.ts';
import { StoreError, type StoreErrorCode } from '../errors.ts';
import { BatchEncoder } from './batch.ts';
import {
  type FromStore,
  type QueueLimits,
  reserveRoom,
  type StorePort,
  type ToStore,
  WORD_BATCHES,
  WORD_CHANGED,
  WORD_DROPPED,
  WORD_FAILED,
} from './queue.ts';

/** When the queue is full: lose the record (a sensor must not stall), or wait (a replay must not lose). */
export type WhenFull = 'drop' | 'wait';

/** A batch is sent when it has this many bytes, */
const BATCH_BYTES = 128 * 1024;
/** or when its first record has waited this long and `tick` is called. */
const BATCH_AGE_MS = 100;
/** Sleeps end after this time even without a signal, to look again. */
const WAIT_MS = 1000;

interface Waiter {
  resolve(): void;
  reject(reason: StoreError): void;
}

export class StoreWriter implements RecordSink {
  private readonly port: MessagePort;
  private readonly words: Int32Array;
  private readonly limits: QueueLimits;
  private readonly whenFull: WhenFull;
  private readonly encoder = new BatchEncoder(BATCH_BYTES + BATCH_BYTES / 4);
  private readonly waiters = new Map<number, Waiter>();
  private tickets = 0;
  private batchStartMs = 0;

  constructor(storePort: StorePort, whenFull: WhenFull) {
    this.port = storePort.port;
    this.words = new Int32Array(storePort.words);
    this.limits = storePort;
    this.whenFull = whenFull;
    this.port.on('message', (message: FromStore) => this.onFlushed(message));
    this.port.on('close', () => this.rejectAll());
    this.port.unref();
  }

  /** True when the record is on its way; false when it was dropped, which is counted. Never throws. */
  write(record: AuditRecord): boolean {
    const encoder = this.encoder;
    if (encoder.length >= BATCH_BYTES && !this.send()) return this.drop(1);
    if (this.failed) return this.drop(1);
    if (encoder.records === 0) this.batchStartMs = performance.now();
    encoder.add(record);
    if (encoder.length >= BATCH_BYTES) this.send();
    return true;
  }

  /** To be called by a pipeline now and then: sends a batch that has waited long enough. */
  tick(): void {
    if (this.encoder.records > 0 && performance.now() - this.batchStartMs >= BATCH_AGE_MS) this.send();
  }

  /** Resolves when every record accepted so far is on disk; rejects with the `StoreError` that prevented it. */
  flush(): Promise<void> {
    while (this.encoder.records > 0 && !this.failed && !this.send()) this.waitForChange();
    if (this.encoder.records > 0) this.discard();
    const ticket = ++this.tickets;
    return new Promise((resolve, reject) => {
      this.waiters.set(ticket, { resolve, reject });
      this.port.ref();
      this.post({ kind: 'flush', ticket });
    });
  }

  /** Blocks the thread until the store has taken every batch that was sent. */
  drain(): void {
    while (!this.failed && Atomics.load(this.words, WORD_BATCHES) > 0) this.waitForChange();
  }

  /** Flushes and gives the port back. */
  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.port.close();
    }
  }

  /** Whether the store has stopped writing: every further record is dropped. */
  get failed(): boolean {
    return Atomics.load(this.words, WORD_FAILED) === 1;
  }

  /** Sends the batch; false when the queue stayed full or the store failed. The batch is kept then. */
  private send(): boolean {
    const length = this.encoder.length;
    while (!reserveRoom(this.words, this.limits, length)) {
      if (this.whenFull === 'drop' || this.failed) return false;
      this.waitForChange();
    }
    const records = this.encoder.records;
    const bytes = this.encoder.take();
    this.post({ kind: 'batch', bytes, records }, bytes.buffer);
    return true;
  }

  private waitForChange(): void {
    const seen = Atomics.load(this.words, WORD_CHANGED);
    if (this.failed || Atomics.load(this.words, WORD_BATCHES) === 0) return;
    Atomics.wait(this.words, WORD_CHANGED, seen, WAIT_MS);
  }

  private drop(records: number): false {
    Atomics.add(this.words, WORD_DROPPED, records);
    return false;
  }

  private discard(): void {
    this.drop(this.encoder.records);
    this.encoder.discard();
  }

  private post(message: ToStore, transfer?: ArrayBuffer): void {
    this.port.postMessage(message, transfer === undefined ? [] : [transfer]);
  }

  private onFlushed(message: FromStore): void {
    const waiter = this.waiters.get(message.ticket);
    this.waiters.delete(message.ticket);
    if (this.waiters.size === 0) this.port.unref();
    if (message.error === undefined) waiter?.resolve();
    else waiter?.reject(new StoreError(message.error.code as StoreErrorCode, message.error.message));
  }

  private rejectAll(): void {
    for (const waiter of this.waiters.values()) waiter.reject(new StoreError('closed', 'the audit store was closed'));
    this.waiters.clear();
  }
}
