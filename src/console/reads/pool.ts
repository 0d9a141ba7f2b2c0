/**
 * Reads of the store happen in threads, so that the loop which answers requests never waits for them. A few threads
 * answer questions one at a time each, and help each other (`peers.ts`); what streams (exports, a policy over all history)
 * gets a thread of its own. Questions that count the same records, as those of one page do, are answered by one thread after
 * the other: the second finds what the first one picked, and the threads that are free help with it.
 *
 * Limits: `threads` and `WAITING_MAX` questions, beyond which the answer is `busy`; `STREAMS_MAX` streams at a time.
 * A question whose asker went away is dropped from the queue; one that runs too long costs its thread, which is made anew.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { Scope } from '../api/common.ts';
import { ConsoleError, type ProblemCode } from '../error.ts';
import type { Loose } from './source.ts';
import type { FromReader, ReaderData, StreamName, StreamTable, TaskName, TaskTable, ToReader } from './task.ts';

const WAITING_MAX = 256;
const STREAMS_MAX = 4;
const QUESTION_MS_MAX = 120_000;

interface Question {
  readonly task: TaskName;
  readonly args: unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly signal: AbortSignal | undefined;
  /** Names the records that are counted; `undefined`: it counts none. */
  readonly counted: string | undefined;
}

interface Reader {
  readonly place: number;
  worker: Worker;
  question: Question | undefined;
  timer: NodeJS.Timeout | undefined;
}

export interface PoolCounters {
  asked: number;
  refused: number;
  restarted: number;
}

export class ReadPool {
  readonly counters: PoolCounters = { asked: 0, refused: 0, restarted: 0 };
  private readonly directory: string;
  private readonly threads: number;
  private readonly busy: Int32Array;
  private readonly readers: Reader[] = [];
  private readonly waiting: Question[] = [];
  private readonly streams = new Set<Worker>();
  private closed = false;

  constructor(directory: string, threads: number) {
    this.directory = directory;
    this.threads = threads;
    this.busy = new Int32Array(new SharedArrayBuffer(threads * Int32Array.BYTES_PER_ELEMENT));
    for (let place = 0; place < threads; place++) this.readers.push(this.newReader(place));
  }

  /** Rejects with a `ConsoleError` for what the asker did wrong, else with the thread's error. */
  ask<T extends TaskName>(
    task: T,
    args: Parameters<TaskTable[T]>[1],
    signal?: AbortSignal,
  ): Promise<ReturnType<TaskTable[T]>> {
    this.counters.asked++;
    if (this.closed) return Promise.reject(new ConsoleError('unavailable', 'the console is closing'));
    if (this.waiting.length >= WAITING_MAX) {
      this.counters.refused++;
      return Promise.reject(new ConsoleError('busy', 'too many questions at once; try again', { retryAfterS: 2 }));
    }
    return new Promise<unknown>((resolve, reject) => {
      this.waiting.push({ task, args, resolve, reject, signal, counted: countedBy(task, args) });
      this.dispatch();
    }) as Promise<ReturnType<TaskTable[T]>>;
  }

  /** Asks as many times as there are threads: each answers once when none is busy. What is refused is left out. */
  async askEach<T extends TaskName>(task: T, args: Parameters<TaskTable[T]>[1]): Promise<ReturnType<TaskTable[T]>[]> {
    const asked = await Promise.allSettled(this.readers.map(() => this.ask(task, args)));
    return asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  /** Chunks of a stream, each made when it is asked for. Ends its thread when left early. */
  async *stream<S extends StreamName>(
    name: S,
    args: Parameters<StreamTable[S]>[1],
  ): AsyncGenerator<StreamChunk<S>, void, undefined> {
    if (this.streams.size >= STREAMS_MAX) {
      this.counters.refused++;
      throw new ConsoleError('busy', `${STREAMS_MAX} exports or trials are running; try again later`, {
        retryAfterS: 10,
      });
    }
    const worker = this.newWorker();
    this.streams.add(worker);
    try {
      for (let ask: ToReader = { kind: 'stream', name, args }; ; ask = { kind: 'more' }) {
        const answer = await exchange(worker, ask);
        if (answer.kind === 'refused') throw errorOf(answer);
        if (answer.kind === 'end') return;
        yield answer.result as StreamChunk<S>;
      }
    } finally {
      this.streams.delete(worker);
      await worker.terminate();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    const closing = new ConsoleError('unavailable', 'the console is closing');
    for (const { reject } of this.waiting.splice(0)) reject(closing);
    const ends = this.readers.map((reader) => {
      clearTimeout(reader.timer);
      reader.question?.reject(closing);
      return reader.worker.terminate();
    });
    await Promise.all([...ends, ...[...this.streams].map((worker) => worker.terminate())]);
  }

  /** `own`: its place among those that help each other; without one it is alone. */
  private newWorker(own?: number): Worker {
    const { directory, threads, busy } = this;
    const shared = own === undefined ? {} : { place: { own, threads }, busy };
    const workerData: ReaderData = { directory, ...shared };
    return new Worker(new URL('./worker.js', import.meta.url), { workerData });
  }

  private newReader(place: number): Reader {
    const worker = this.newWorker(place);
    const reader: Reader = { place, worker, question: undefined, timer: undefined };
    this.introduce(reader);
    this.watch(reader);
    return reader;
  }

  /** Lets the thread and all others help each other (`peers.ts`). */
  private introduce(reader: Reader): void {
    for (const other of this.readers) {
      if (other === reader) continue;
      const { port1, port2 } = new MessageChannel();
      reader.worker.postMessage({ kind: 'peer', thread: other.place, port: port1 } satisfies ToReader, [port1]);
      other.worker.postMessage({ kind: 'peer', thread: reader.place, port: port2 } satisfies ToReader, [port2]);
    }
  }

  private watch(reader: Reader): void {
    const { worker } = reader;
    worker.on('message', (answer: FromReader) => {
      const question = this.release(reader);
      if (answer.kind === 'refused') question?.reject(errorOf(answer));
      else question?.resolve(answer.result);
      this.dispatch();
    });
    worker.on('error', (error) => this.replace(reader, worker, error));
  }

  private dispatch(): void {
    for (const reader of this.readers) {
      if (reader.question !== undefined) continue;
      const question = this.nextQuestion();
      if (question === undefined) return;
      reader.question = question;
      const { worker } = reader;
      const late = new ConsoleError('unavailable', 'this takes too long: narrow the time or the query');
      reader.timer = setTimeout(() => this.replace(reader, worker, late), QUESTION_MS_MAX);
      worker.postMessage({ kind: 'task', task: question.task, args: question.args } satisfies ToReader);
    }
  }

  /** The one that waits longest, unless a thread counts the same records just now. */
  private nextQuestion(): Question | undefined {
    for (let i = 0; i < this.waiting.length; ) {
      const question = this.waiting[i] as Question;
      if (question.signal?.aborted === true) {
        question.reject(new ConsoleError('unavailable', 'nobody waits for the answer any more'));
        this.waiting.splice(i, 1);
      } else if (this.isCounting(question.counted)) {
        i++;
      } else {
        this.waiting.splice(i, 1);
        return question;
      }
    }
    return undefined;
  }

  private isCounting(counted: string | undefined): boolean {
    return counted !== undefined && this.readers.some(({ question }) => question?.counted === counted);
  }

  private release(reader: Reader): Question | undefined {
    clearTimeout(reader.timer);
    const { question } = reader;
    reader.question = undefined;
    return question;
  }

  private replace(reader: Reader, worker: Worker, error: unknown): void {
    if (this.closed || reader.worker !== worker) return;
    this.counters.restarted++;
    worker.removeAllListeners('message');
    void worker.terminate();
    Atomics.store(this.busy, reader.place, 0);
    reader.worker = this.newWorker(reader.place);
    this.introduce(reader);
    this.watch(reader);
    this.release(reader)?.reject(error instanceof Error ? error : new Error(String(error)));
    this.dispatch();
  }
}

const COUNTING: ReadonlySet<TaskName> = new Set([
  'overview',
  'overviewFigures',
  'count',
  'histogram',
  'facets',
  'entities',
]);

function countedBy(task: TaskName, args: unknown): string | undefined {
  if (!COUNTING.has(task)) return undefined;
  const { q, t, db, w } = args as Loose<Scope>;
  return JSON.stringify([q, t, db, w]);
}

type StreamChunk<S extends StreamName> = ReturnType<StreamTable[S]> extends Iterable<infer C> ? C : never;

function exchange(worker: Worker, message: ToReader): Promise<FromReader> {
  return new Promise((resolve, reject) => {
    const settle = (step: () => void): void => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
      step();
    };
    const onMessage = (answer: FromReader): void => settle(() => resolve(answer));
    const onError = (error: Error): void => settle(() => reject(error));
    const onExit = (): void => settle(() => reject(new ConsoleError('unavailable', 'the console is closing')));
    worker.once('message', onMessage);
    worker.once('error', onError);
    worker.once('exit', onExit);
    worker.postMessage(message);
  });
}

function errorOf(answer: FromReader & { kind: 'refused' }): Error {
  const { code, message, column } = answer;
  return new ConsoleError(code as ProblemCode, message, column === undefined ? {} : { column });
}
