/** The row cache: asks only for what is seen, drops what is not, gives the right row for its position. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowCache } from './row-cache.ts';

interface Asked {
  readonly position: number;
  readonly signal: AbortSignal;
  answer(rows: readonly number[]): void;
}

function recorder(): { readonly asked: Asked[]; readonly cache: RowCache<number> } {
  const asked: Asked[] = [];
  const cache = new RowCache<number>(
    (position, _limit, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        asked.push({ position, signal, answer: resolve });
      }),
  );
  return { asked, cache };
}

const rows = (position: number): number[] => Array.from({ length: 100 }, (_, index) => position + index);
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('asks for the blocks on the screen once and gives rows by position', async () => {
  const { asked, cache } = recorder();
  let told = 0;
  cache.listen(() => told++);
  cache.want(150, 210);
  cache.want(151, 211);
  assert.deepEqual(
    asked.map((one) => one.position),
    [100, 200],
  );
  for (const one of asked) one.answer(rows(one.position));
  await settled();
  assert.equal(told, 2);
  assert.equal(cache.at(199), 199);
  assert.equal(cache.at(200), 200);
  assert.equal(cache.at(5), undefined);
});

test('what scrolled away is aborted, and the newest wish is served next', async () => {
  const { asked, cache } = recorder();
  cache.want(0, 150);
  for (let first = 1000; first < 90_000; first += 1000) cache.want(first, first + 50);
  assert.ok(asked.every((one) => one.signal.aborted));
  await settled();
  assert.deepEqual(
    asked.slice(2).map((one) => one.position),
    [89_000],
  );
});

test('a refused block is asked again when it is wanted again, not in a loop', async () => {
  let requests = 0;
  const cache = new RowCache<number>(() => {
    requests++;
    return Promise.reject(new Error('no'));
  });
  cache.want(0, 50);
  await settled();
  assert.equal(requests, 1);
  cache.want(0, 51);
  await settled();
  assert.equal(requests, 2);
});
