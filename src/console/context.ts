/** What the routes work with. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import { setNewest } from '../base/bounded-map.ts';
import { type Access, hasRole, type Principal, principalOf } from './access/access.ts';
import type { AccessLog } from './access-log.ts';
import type { ReadPool } from './reads/pool.ts';
import type { Sight } from './reads/row.ts';
import type { StateDb } from './state.ts';
import type { Trail, TrailFacts } from './trail.ts';

export type ConsoleApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface ConsoleSettings {
  /** Directory of the store. */
  readonly store: string;
  /** Control socket of a sensor; `undefined`: there is none to ask. */
  readonly socket: string | undefined;
  /** Folder of a sensor's evidence; `undefined`: no packets are kept. */
  readonly evidence: string | undefined;
  /** A policy is pushed only from a draft that somebody else kept. */
  readonly twoToPush: boolean;
  readonly version: string;
}

export interface Context {
  readonly settings: ConsoleSettings;
  readonly db: StateDb;
  readonly access: Access;
  readonly trail: Trail;
  readonly accessLog: AccessLog;
  readonly reads: ReadPool;
  /** When a question was last written down, by asker and question. */
  readonly searches: Map<string, number>;
  /** Secret of the link that makes the first administrator; `undefined` once it was used. */
  setupSecret: string | undefined;
}

/** What the reader may see: of some databases only, perhaps; viewers see statements with literals as `?`. */
export function sightOf(principal: Pick<Principal, 'role' | 'limit'>): Sight {
  return { literals: hasRole(principal.role, 'auditor'), limit: principal.limit };
}

export function sightFor(request: FastifyRequest): Sight {
  return sightOf(principalOf(request));
}

/** Writes down what was done, or is about to be. Rejects when it cannot, and then it must not happen. */
export function record(
  context: Context,
  request: FastifyRequest,
  action: string,
  subject: string,
  detail = '',
): Promise<void> {
  return note(context, { who: request.principal?.who ?? '-', address: request.ip, action, subject, detail });
}

/** As `record`, for what happens before one knows who asks. */
export async function note(context: Context, facts: TrailFacts): Promise<void> {
  context.trail.write(facts);
  await context.accessLog.write(facts);
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Fires when the asker goes away before the answer. */
    gone: AbortSignal | undefined;
  }
}

/** Lets requests know when nobody waits for their answer any more. */
export function watchAskers(app: FastifyInstance): void {
  app.decorateRequest('gone', undefined);
  app.addHook('onRequest', async (request, reply) => {
    const controller = new AbortController();
    request.gone = controller.signal;
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) controller.abort();
    });
  });
}

/** The same question by the same asker within this time is written down once: scrolling and zooming ask it often. */
const SAME_QUESTION_MS = 10 * 60_000;
const QUESTIONS_MAX = 10_000;

/** Writes down which records were looked at, for those whose sight includes literals. */
export async function recordSearch(context: Context, request: FastifyRequest, page: string): Promise<void> {
  const { who, role } = principalOf(request);
  if (!hasRole(role, 'auditor')) return;
  const { q = '', t = '', db = '' } = request.query as Readonly<Record<string, string | undefined>>;
  const asked = [page, t && `time ${t}`, db && `databases ${db}`, q && `query ${q}`]
    .filter((part) => part !== '')
    .join(', ');
  const key = `${who}\n${asked}`;
  const now = Date.now();
  if (now - (context.searches.get(key) ?? 0) < SAME_QUESTION_MS) return;
  setNewest(context.searches, key, now, QUESTIONS_MAX);
  await record(context, request, 'search', asked);
}

/**
 * What `ask` gives, as soon as it is written down who looks at it. The disk and the reading threads take their time at
 * once; rejects when either cannot do its part, and then nothing is shown.
 */
export async function askRecorded<T>(
  context: Context,
  request: FastifyRequest,
  page: string,
  ask: () => Promise<T>,
): Promise<T> {
  const [answer] = await Promise.all([ask(), recordSearch(context, request, page)]);
  return answer;
}
