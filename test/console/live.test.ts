/** The live page: records in order of arrival, once each, also over a cut connection. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { LIVE_COUNTS, LIVE_ROW, type LiveCounts } from '#src/console/api/live.js';
import type { Row } from '#src/console/api/records.js';
import { statement } from '#src/store/fixture.js';
import { type AuditStore, openStore } from '#src/store/store.js';
import { API, someRecords, type TestConsole, withConsole } from './console.js';

interface LiveEvent {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

/** Follows the stream until `enough` says so, then cuts it. */
function follow(
  port: number,
  console: TestConsole,
  path: string,
  lastEventId: string | undefined,
  enough: (events: readonly LiveEvent[]) => boolean,
): Promise<LiveEvent[]> {
  return new Promise((resolve, reject) => {
    const headers = { cookie: console.cookies.viewer, accept: 'text/event-stream' };
    const resume = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const asked = request({ port, path: `${API}${path}`, headers: { ...headers, ...resume } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        const events = parse(text);
        if (!enough(events)) return;
        asked.destroy();
        resolve(events);
      });
      response.on('end', () => resolve(parse(text)));
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function listen({ server }: TestConsole): Promise<number> {
  await server.app.listen({ port: 0, host: '127.0.0.1' });
  const address = server.app.server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

function parse(text: string): LiveEvent[] {
  const blocks = text.split('\n\n').slice(0, -1);
  return blocks.flatMap((block) => {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
    return field('event') === '' ? [] : [{ id: field('id'), event: field('event'), data: JSON.parse(field('data')) }];
  });
}

const rowsOf = (events: readonly LiveEvent[]): string[] =>
  events.filter(({ event }) => event === LIVE_ROW).map(({ data }) => (data as Row).id.slice(-4));

async function write(store: AuditStore, from: number, count: number): Promise<void> {
  const writer = store.writer('wait');
  for (let n = from; n < from + count; n++)
    writer.write(statement(n, { user: n % 2 === 0 ? 'alice' : 'bob', namespace: n % 4 === 0 ? 'hr' : 'pay' }));
  await writer.flush();
  await writer.close();
}

function ids(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => (from + i).toString(16).padStart(4, '0'));
}

test('a stream that is cut and taken up again shows each record once, in order', () =>
  withConsole(someRecords(3), async (console) => {
    const port = await listen(console);
    const store = await openStore(console.directory, { durability: 'fast', commitMs: 20 });
    try {
      // The first counts tell that the stream has begun; from then on everything is seen.
      const begun = await follow(port, console, '/live', undefined, (events) => events.length > 0);
      assert.equal(begun[0]?.event, LIVE_COUNTS);
      await write(store, 100, 10);
      const first = await follow(port, console, '/live', begun[0]?.id, (events) => rowsOf(events).length >= 4);
      const cut = first.findIndex(({ data }) => (data as Row).id?.endsWith('0067'));
      assert.deepEqual(rowsOf(first.slice(0, cut + 1)), ids(100, 4));
      await write(store, 110, 10);
      const rest = await follow(
        port,
        console,
        '/live',
        first[cut]?.id,
        (events) => rowsOf(events).length >= 16 && events.at(-1)?.event === LIVE_COUNTS,
      );
      assert.deepEqual(rowsOf(rest), ids(104, 16));
      const last: unknown = rest.at(-1)?.data;
      const counts = last as LiveCounts;
      assert.deepEqual([counts.received, counts.matching, counts.shown, counts.notShown], [16, 16, 16, 0]);
    } finally {
      await store.close();
    }
  }));

test('a filter chooses, a rate bounds, and what is not shown is counted', () =>
  withConsole(someRecords(3), async (console) => {
    const port = await listen(console);
    const store = await openStore(console.directory, { durability: 'fast', commitMs: 20 });
    try {
      await write(store, 100, 20);
      const url = '/live?q=user:alice&rate=4';
      const events = await follow(port, console, url, '3', (seen) => seen.at(-1)?.event === LIVE_COUNTS);
      assert.deepEqual(rowsOf(events), ['0064', '0066', '0068', '006a']);
      const last: unknown = events.at(-1)?.data;
      const { received, matching, shown, notShown } = last as LiveCounts;
      assert.deepEqual([received, matching, shown, notShown], [20, 10, 4, 6]);
    } finally {
      await store.close();
    }
  }));

test('a stream ends with the sign-in, and a query that makes no sense is answered as one', () =>
  withConsole(someRecords(3), async (console) => {
    const port = await listen(console);
    const refused = await console.as('viewer', {
      method: 'GET',
      url: `${API}/live?q=foo:1`,
      headers: { accept: 'text/event-stream' },
    });
    assert.equal(refused.statusCode, 400, refused.body);
    const ended = follow(port, console, '/live', undefined, () => false);
    const disable = { method: 'PATCH' as const, url: `${API}/people/viewer`, payload: { disabled: true } };
    assert.equal((await console.as('administrator', disable)).statusCode, 200);
    await ended;
  }));

test('who may see some databases is told of no record of others, and the stream ends when rights change', () =>
  withConsole(someRecords(3), async (console) => {
    const port = await listen(console);
    const limit = (databases: readonly string[]): Promise<unknown> =>
      console.as('administrator', { method: 'PATCH', url: `${API}/people/viewer`, payload: { databases } });
    await limit(['hr']);
    const store = await openStore(console.directory, { durability: 'fast', commitMs: 20 });
    try {
      const begun = await follow(port, console, '/live', undefined, (events) => events.length > 0);
      assert.match(begun[0]?.id ?? '', /^[\w-]{22}$/, 'the position is sealed');
      await write(store, 100, 20);
      const after = begun[0]?.id;
      const some = await follow(port, console, '/live?q=user:alice', after, (events) => rowsOf(events).length >= 5);
      assert.deepEqual(rowsOf(some), ['0064', '0068', '006c', '0070', '0074']);
      const all = await follow(port, console, '/live?q=user:bob', after, (seen) => seen.at(-1)?.event === LIVE_COUNTS);
      const last: unknown = all.at(-1)?.data;
      const { received, matching } = last as LiveCounts;
      assert.deepEqual([received, matching], [5, 0], 'twenty arrived, five of them in hr');
      // Changed while the stream goes on: from its first event until it ends by itself.
      let changed: Promise<unknown> | undefined;
      await follow(port, console, '/live', undefined, (events) => {
        if (events.length > 0) changed ??= limit(['hr', 'pay']);
        return false;
      });
      assert.ok(changed !== undefined);
    } finally {
      await store.close();
    }
  }));
