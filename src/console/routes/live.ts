/**
 * The live page: records as they arrive, as server-sent events. Every event's id is the arrival position behind it, so a
 * browser that reconnects goes on without a record lost or doubled. What a stream does not show (too many a second) is
 * counted. A stream whose sign-in ends, or whose owner's rights change, ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Principal, principalOf } from '../access/access.ts';
import { LIVE_COUNTS, LIVE_ROW, type LiveCounts, LiveQuery } from '../api/live.ts';
import { type ConsoleApp, type Context, recordSearch, sightOf } from '../context.ts';
import { ConsoleError } from '../error.ts';

const TICK_MS = 1000;
const STREAMS_MAX = 100;
const STREAMS_OF_ONE_MAX = 6;
const POSITION_CHARS_MAX = 40;

export function liveRoutes(app: ConsoleApp, context: Context): void {
  const streams = new Map<string, number>();
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());
  app.get(
    '/live',
    {
      sse: 'only',
      config: { role: 'viewer', right: 'follow records live' },
      schema: { summary: 'Records as they arrive (text/event-stream)', querystring: LiveQuery },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      await recordSearch(context, request, 'live');
      enter(streams, principal.who);
      try {
        await follow(context, request, reply, request.query, closing.signal);
      } finally {
        leave(streams, principal.who);
      }
    },
  );
}

function enter(streams: Map<string, number>, who: string): void {
  const own = streams.get(who) ?? 0;
  const all = [...streams.values()].reduce((sum, count) => sum + count, 0);
  if (own >= STREAMS_OF_ONE_MAX || all >= STREAMS_MAX)
    throw new ConsoleError('busy', 'too many live pages are open: close one', { retryAfterS: 30 });
  streams.set(who, own + 1);
}

function leave(streams: Map<string, number>, who: string): void {
  const left = (streams.get(who) ?? 1) - 1;
  if (left > 0) streams.set(who, left);
  else streams.delete(who);
}

async function follow(
  { reads, access }: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  { q, db, rate = 100 }: LiveQuery,
  closing: AbortSignal,
): Promise<void> {
  const principal: Principal = principalOf(request);
  if (request.raw.httpVersionMajor === 2) leaveOutConnection(reply);
  const sight = sightOf(principal);
  let after = reply.sse.lastEventId?.slice(0, POSITION_CHARS_MAX);
  const counts = { received: 0, matching: 0, shown: 0, notShown: 0 };
  while (!closing.aborted) {
    const tail = await reads.ask('tail', { q, db, sight, after, limit: rate });
    // Nothing was sent yet when the query makes no sense: then it is answered as any other.
    for (const { position, row } of tail.rows) {
      if (!reply.sse.isConnected) return;
      await reply.sse.send({ id: position, event: LIVE_ROW, data: row });
    }
    after = tail.position;
    counts.received += tail.received;
    counts.matching += tail.matching;
    counts.shown += tail.rows.length;
    counts.notShown += tail.matching - tail.rows.length;
    const data: LiveCounts = { time: new Date().toISOString(), ...counts };
    if (!reply.sse.isConnected) return;
    await reply.sse.send({ id: after, event: LIVE_COUNTS, data });
    await sleep(TICK_MS, undefined, { signal: closing }).catch(() => undefined);
    if (!reply.sse.isConnected || !access.isCurrent(principal)) break;
  }
  reply.sse.close();
}

/** HTTP/2 has no `Connection` header; Node drops it and warns on standard error. */
function leaveOutConnection({ raw }: FastifyReply): void {
  const setHeader = raw.setHeader.bind(raw);
  raw.setHeader = (name, value) => (name.toLowerCase() === 'connection' ? raw : setHeader(name, value));
}
