/**
 * The store's thread. Takes batches from every attached port, commits when a transaction is old or big enough, answers
 * flushes once what came before them is on disk. After an error it writes nothing more and says so to everybody.
 */
import { createHash } from 'node:crypto';
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { AuditRecord } from '../../contracts/record.ts';
import { StoreError, toStoreError } from '../errors.ts';
import type { SealReport } from '../segment/sealer.ts';
import { BatchEncoder, BatchTables } from './batch.ts';
import { Ingest, type WriterTables } from './ingest.ts';
import {
  type FailureText,
  type FromStore,
  type FromWorker,
  releaseRoom,
  signalChange,
  type ToStore,
  type ToWorker,
  WORD_DROPPED,
  WORD_FAILED,
  type WorkerSetup,
} from './queue.ts';

/** A transaction is committed when it holds this many records, whatever its age. */
const COMMIT_RECORDS_MAX = 65_536;
const LOSS_BATCH_BYTES = 1024;

class StoreThread {
  private readonly words: Int32Array;
  private readonly commitMs: number;
  private readonly parent: MessagePort;
  private readonly ports: MessagePort[] = [];
  private ingest: Ingest | undefined = undefined;
  private failure: FailureText | undefined = undefined;
  private timer: NodeJS.Timeout | undefined = undefined;
  private sealer: Worker | undefined = undefined;
  /** Records of all batches received. */
  private received = 0;
  /** Dropped records that a loss record tells of. */
  private droppedTold = 0;

  constructor(parent: MessagePort, setup: WorkerSetup) {
    this.parent = parent;
    this.words = new Int32Array(setup.words);
    this.commitMs = setup.commitMs;
    try {
      this.ingest = new Ingest(setup.directory, setup.ingest);
      this.index(this.ingest);
      this.tell({ kind: 'ready', problems: this.ingest.problems });
    } catch (error) {
      this.fail(error);
    }
    parent.on('message', (message: ToWorker) => {
      if (message.kind === 'attach') this.attach(message.port);
      else this.close();
    });
  }

  private attach(port: MessagePort): void {
    this.ports.push(port);
    const tables: WriterTables = new BatchTables();
    port.on('message', (message: ToStore) => {
      if (message.kind === 'batch') this.onBatch(message.bytes, message.records, tables);
      else this.onFlush(port, message.ticket);
    });
  }

  private onBatch(bytes: Uint8Array<ArrayBuffer>, records: number, tables: WriterTables): void {
    const ingest = this.ingest;
    if (ingest === undefined) {
      Atomics.add(this.words, WORD_DROPPED, records);
    } else {
      this.received += records;
      try {
        ingest.apply(bytes, tables);
        this.index(ingest);
        if (ingest.uncommitted >= COMMIT_RECORDS_MAX) this.commit();
        else if (ingest.uncommitted > 0) this.timer ??= setTimeout(() => this.onTimer(), this.commitMs);
      } catch (error) {
        this.fail(error);
      }
    }
    releaseRoom(this.words, bytes.byteLength);
  }

  /** Hands sealed segments to the thread that indexes them. */
  private index(ingest: Ingest): void {
    for (let segment = ingest.unindexed.shift(); segment !== undefined; segment = ingest.unindexed.shift()) {
      this.sealer ??= this.startSealer(ingest);
      this.sealer.postMessage(segment);
    }
  }

  private startSealer(ingest: Ingest): Worker {
    const sealer = new Worker(new URL('../segment/sealer.js', import.meta.url));
    sealer.on('message', (report: SealReport) => {
      if (report.problem === undefined) ingest.counters.indexesBuilt++;
      else ingest.counters.indexesFailed++;
      ingest.retire(report.path);
    });
    sealer.on('error', () => {
      ingest.counters.indexesFailed++;
    });
    sealer.on('exit', () => {
      this.sealer = undefined;
    });
    return sealer;
  }

  private onFlush(port: MessagePort, ticket: number): void {
    this.onTimer();
    const answer: FromStore = { kind: 'flushed', ticket, error: this.failure };
    port.postMessage(answer);
  }

  private onTimer(): void {
    try {
      this.commit();
    } catch (error) {
      this.fail(error);
    }
  }

  private commit(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const ingest = this.ingest;
    if (ingest === undefined) return;
    this.tellDropped(ingest);
    ingest.commit();
    this.tell({ kind: 'counters', counters: { ...ingest.counters } });
  }

  /** What a full queue made writers drop is written down where it happened: among the records. */
  private tellDropped(ingest: Ingest): void {
    const dropped = Atomics.load(this.words, WORD_DROPPED);
    if (dropped === this.droppedTold) return;
    const encoder = new BatchEncoder(LOSS_BATCH_BYTES);
    encoder.add(lossRecord(ingest.newestTimeUs ?? Date.now() * 1000, dropped - this.droppedTold, dropped));
    this.droppedTold = dropped;
    ingest.apply(encoder.take(), new BatchTables());
    this.received++;
  }

  /** From here on nothing is written. What was committed stays as it is; what was not is counted as dropped. */
  private fail(error: unknown): void {
    const reason = toStoreError(error, 'the audit store');
    this.failure = { code: reason.code, message: reason.message };
    clearTimeout(this.timer);
    this.timer = undefined;
    const ingest = this.ingest;
    this.ingest = undefined;
    if (ingest !== undefined) {
      const { counters } = ingest;
      Atomics.add(this.words, WORD_DROPPED, this.received - counters.records - counters.duplicates);
      this.tell({ kind: 'counters', counters: { ...counters } });
      ingest.abandon();
    }
    Atomics.store(this.words, WORD_FAILED, 1);
    signalChange(this.words);
    this.tell({ kind: 'failed', error: this.failure });
  }

  private close(): void {
    this.onTimer();
    const ingest = this.ingest;
    this.ingest = undefined;
    try {
      ingest?.close();
    } catch (error) {
      this.fail(error);
    }
    if (this.sealer === undefined) {
      this.end(ingest);
      return;
    }
    this.sealer.once('exit', () => this.end(ingest));
    this.sealer.postMessage(null);
  }

  private end(ingest: Ingest | undefined): void {
    if (ingest !== undefined) this.tell({ kind: 'closed', counters: { ...ingest.counters } });
    Atomics.store(this.words, WORD_FAILED, 1);
    signalChange(this.words);
    for (const port of this.ports) port.close();
    this.parent.close();
  }

  private tell(message: FromWorker): void {
    this.parent.postMessage(message);
  }
}

/** `total`: all dropped in this run, which tells two losses of the same moment apart. */
function lossRecord(timeUs: number, count: number, total: number): AuditRecord {
  const record = new AuditRecord();
  record.id = createHash('sha256').update(`store-queue-full ${timeUs} ${total}`).digest('hex').slice(0, 32);
  record.kind = 'loss';
  record.timeUs = timeUs;
  record.reason = 'store-queue-full';
  record.errorText = `${count} records dropped because the store's queue was full`;
  return record;
}

if (parentPort === null) throw new StoreError('usage', 'this module runs as the thread of a store');
new StoreThread(parentPort, workerData);
