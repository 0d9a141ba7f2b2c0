/** A thread that reads the store: answers one question after another, or makes the chunks of one stream. */
import { parentPort, workerData } from 'node:worker_threads';
import { UserError } from '../../base/errors.ts';
import { QueryError } from '../../query/errors.ts';
import { StoreError } from '../../store/errors.ts';
import { ALONE } from '../../store/totals/grouping.ts';
import { ConsoleError } from '../error.ts';
import { OpenStore } from './open-store.ts';
import type { Source } from './source.ts';
import type { FromReader, ReaderData, ToReader } from './task.ts';
import { STREAMS, sourceFor, TASKS } from './tasks.ts';

const port = parentPort;
if (port === null) throw new Error('this file is a thread of the console');
const { directory, place = ALONE, busy } = workerData as ReaderData;
const store = new OpenStore(directory, place);
let stream: Iterator<unknown> | undefined;

port.on('message', (message: ToReader) => {
  if (message.kind === 'peer') {
    const { thread } = message;
    store.meet(thread, message.port, () => busy !== undefined && Atomics.load(busy, thread) === 1);
    return;
  }
  if (busy !== undefined) Atomics.store(busy, place.own, 1);
  const answered = answer(message);
  if (busy !== undefined) Atomics.store(busy, place.own, 0);
  port.postMessage(answered);
});

function answer(message: Exclude<ToReader, { kind: 'peer' }>): FromReader {
  try {
    if (message.kind === 'task') {
      const task = TASKS[message.task] as (source: Source, args: unknown) => unknown;
      const source = sourceFor(store, message.task, message.args);
      return { kind: 'result', result: store.reader.atOneMoment(() => task(source, message.args)) };
    }
    if (message.kind === 'stream') {
      const open = STREAMS[message.name] as (source: Source, args: unknown) => Iterable<unknown>;
      stream = open(sourceFor(store, message.name, message.args), message.args)[Symbol.iterator]();
    }
    const next = stream?.next();
    return next === undefined || next.done === true ? { kind: 'end' } : { kind: 'result', result: next.value };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return refusal;
  }
}

/** What is the asker's doing, or the store's state; anything else is a bug and ends the thread. */
function refusalOf(error: unknown): FromReader | undefined {
  if (error instanceof ConsoleError)
    return { kind: 'refused', code: error.code, message: error.message, column: error.column };
  if (!(error instanceof UserError)) return undefined;
  if (error instanceof QueryError)
    return { kind: 'refused', code: 'query', message: error.reason, column: error.column };
  const code = error instanceof StoreError && error.code === 'usage' ? 'query' : 'unavailable';
  return { kind: 'refused', code, message: error.message, column: undefined };
}
