import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Query } from '../../query/filter.ts';
import { parseFilter } from '../../query/language.ts';
import { statement, TEST_TIME_US } from '../../store/fixture.ts';
import { openStore } from '../../store/store.ts';
import type { GroupBy } from '../../store/totals/aggregate.ts';
import { unpackGroups } from '../../store/totals/packed-groups.ts';
import { OpenStore } from './open-store.ts';
import { Peer } from './peers.ts';
import { Source } from './source.ts';
import type { ToReader } from './task.ts';

const RECORDS = 400;
const SEGMENT_ROWS = 50;
const ATTEMPTS_MAX = 1000;

let directory = '';
let worker: Worker;
let port: MessagePort;
let own: OpenStore;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wiretrail-peers-'));
  const store = await openStore(directory, { segmentRowsMax: SEGMENT_ROWS });
  const writer = store.writer('wait');
  for (let n = 0; n < RECORDS; n++) {
    writer.write(
      statement(n, {
        timeUs: TEST_TIME_US + n * 60e6,
        user: `user${n % 7}`,
        operation: n % 3 === 0 ? 'DELETE' : 'SELECT',
        durationUs: (n * 7919) % 1000,
        returnedRows: n % 11,
      }),
    );
  }
  await writer.close();
  await store.close();
  own = new OpenStore(directory);
  worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: { directory, place: { own: 1, threads: 2 } },
  });
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ kind: 'peer', thread: 0, port: port2 } satisfies ToReader, [port2]);
  port = port1;
});

after(async () => {
  port.close();
  await worker.terminate();
  own.reader.close();
  rmSync(directory, { recursive: true });
});

/** Something else that the thread does meanwhile: when it answers, it has had the time to see an offer. */
async function otherQuestion(): Promise<void> {
  worker.postMessage({
    kind: 'task',
    task: 'extent',
    args: { sight: { literals: true, limit: undefined } },
  } satisfies ToReader);
  await once(worker, 'message');
}

/** What an offer comes to when the other thread has the time. */
async function taken<T>(offer: () => () => T | undefined): Promise<T> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const fetch = offer();
    await otherQuestion();
    const answer = fetch();
    if (answer !== undefined) return answer;
  }
  throw new Error('the other thread took no offer');
}

const filter = parseFilter('op:DELETE', TEST_TIME_US);
const by: GroupBy = { fields: ['user'] };

function sealedPaths(): string[] {
  return own.reader.candidates({}).flatMap(({ sealed, path }) => (sealed ? [path] : []));
}

test('a thread with nothing to do makes groups and peaks of the segments it is offered', async () => {
  const nothingToDo = (): never => {
    throw new Error('nobody asks this thread');
  };
  const peer = new Peer(port, nothingToDo, () => false);
  const paths = sealedPaths();
  assert.ok(paths.length >= 3);
  const { groups: packed, problems } = await taken(() => peer.offerGroups({ filter }, by, paths));
  const groups = unpackGroups(packed);
  assert.deepEqual(problems, []);
  assert.equal(groups.length, 7);
  assert.deepEqual(sorted(groups), sorted(unpackGroups(own.reader.grouping.of({ filter }, by, paths))));

  const question = { query: { filter }, only: undefined, by: 'duration' as const, limit: 5 };
  const { peaks } = await taken(() => peer.offerPeaks({ ...question, paths }));
  assert.deepEqual(peaks, own.peaks.among(question, paths));
  assert.ok(peaks.every((each) => each?.length === 5));
});

test('a segment that cannot be read is said by whoever looked at it', async () => {
  const peer = new Peer(
    port,
    () => ({ peaks: [], problems: [] }),
    () => false,
  );
  const question = { query: {}, only: undefined, by: 'rows' as const, limit: 3, paths: ['no such segment'] };
  assert.deepEqual((await taken(() => peer.offerPeaks(question))).peaks, [undefined]);
});

test('answers are the same whether others help or not', () => {
  const helped = new OpenStore(directory, { own: 0, threads: 2 });
  helped.meet(1, port, () => false);
  for (const text of ['', 'op:DELETE', 'user:user1', 'rows>3', 'op:SELECT rows<9', 'user:nobody']) {
    const asked: Query = { filter: parseFilter(text, TEST_TIME_US) };
    for (const fields of [['user'], ['op'], ['user', 'op'], []] as const) {
      const wanted = sorted([...all(own).aggregate(asked, { fields })]);
      assert.deepEqual(sorted([...all(helped).aggregate(asked, { fields })]), wanted, `${text} by ${fields.join()}`);
    }
    for (const amount of ['duration', 'rows', 'time'] as const) {
      const ids = (store: OpenStore): string[] => store.peaks.greatest(asked, undefined, amount, 4).map(({ id }) => id);
      assert.deepEqual(ids(helped), ids(own), `${text}: ${amount}`);
    }
  }
  helped.reader.close();
});

test('the share of a thread with a question of its own is done by the asker', () => {
  const { port1, port2 } = new MessageChannel();
  const alone = new OpenStore(directory, { own: 0, threads: 2 });
  alone.meet(1, port1, () => true);
  const total = [...all(alone).aggregate({}, { fields: [] })].reduce((sum, { records }) => sum + records, 0);
  assert.equal(total, RECORDS);
  assert.equal(alone.reader.summary().records, RECORDS);
  port2.close();
  alone.reader.close();
});

/** As somebody sees it who may see everything. */
function all(store: OpenStore): Source {
  return new Source(store, undefined);
}

function sorted(groups: ReturnType<Source['aggregate']>): ReturnType<Source['aggregate']> {
  return [...groups].sort((a, b) => (a.labels.join() < b.labels.join() ? -1 : 1));
}
