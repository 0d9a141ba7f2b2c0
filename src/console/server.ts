/**
 * The console's server: one Fastify application that serves the API under `/api/v1` and the built browser application.
 * Requests are answered by one loop; what reads the store runs in threads (`reads/pool.ts`).
 */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import fastifyCookie from '@fastify/cookie';
import fastifyHelmet from '@fastify/helmet';
import fastifyRateLimit from '@fastify/rate-limit';
import { fastifySSE } from '@fastify/sse';
import fastifySwagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyInstance, type FastifyReply, type FastifySchemaValidationError } from 'fastify';
import Type from 'typebox';
import { QueryError } from '../query/errors.ts';
import { StoreReader } from '../store/reader.ts';
import { Access } from './access/access.ts';
import { AccessLog } from './access-log.ts';
import { API_PREFIX, Problem } from './api/common.ts';
import { type ConsoleApp, type ConsoleSettings, type Context, watchAskers } from './context.ts';
import { ConsoleError, queryRefusal } from './error.ts';
import { ReadPool } from './reads/pool.ts';
import { alertRoutes } from './routes/alerts.ts';
import { historyRoutes } from './routes/history.ts';
import { liveRoutes } from './routes/live.ts';
import { noteRoutes } from './routes/notes.ts';
import { peopleRoutes } from './routes/people.ts';
import { pinRoutes } from './routes/pins.ts';
import { policyRoutes } from './routes/policies.ts';
import { recordRoutes } from './routes/records.ts';
import { reportRoutes } from './routes/reports.ts';
import { searchRoutes } from './routes/searches.ts';
import { sensorRoutes } from './routes/sensors.ts';
import { sessionRoutes } from './routes/session.ts';
import { trailRoutes } from './routes/trail.ts';
import { newId, newSecret, openState, STATE_FILE } from './state.ts';
import { Trail } from './trail.ts';
import { serveWeb } from './web.ts';

export interface ConsoleOptions extends ConsoleSettings {
  /** File of the console's own state; beside the store when not given. */
  readonly state?: string | undefined;
  /** Certificate and key, PEM. `undefined`: plain HTTP. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Folder of the built browser application. */
  readonly web: string;
  /** Threads that read the store. */
  readonly threads?: number;
  /** Called with every unexpected error, under the id that the asker was given. */
  readonly onError: (id: string, error: Error) => void;
}

export interface ConsoleServer {
  readonly app: ConsoleApp;
  /** Path of the link that makes the first administrator; `undefined` when there is one. */
  readonly setupPath: string | undefined;
  /** Has each reading thread do what first questions would wait for (`reads/warm.ts`). Never rejects. */
  warm(): Promise<void>;
  close(): Promise<void>;
}

/** Reading threads: as many as there are processors, but two in any case, and not so many that each one's memory counts. */
const THREADS = Math.min(4, Math.max(2, availableParallelism()));
const BODY_BYTES_MAX = 4 * 1024 * 1024;
const PARAM_CHARS_MAX = 1000;
/** Of one address, everything together. */
const REQUESTS_A_MINUTE = 1200;

/** Rejects with a UserError when state or store cannot be used. The server does not listen yet. */
export async function createConsole(options: ConsoleOptions): Promise<ConsoleServer> {
  const { store, tls, web } = options;
  // Before anything is made beside it: a folder without a store would let nobody in, as nothing can be recorded there.
  new StoreReader(store).close();
  const db = openState(options.state ?? join(store, STATE_FILE));
  const access = new Access(db, tls !== undefined);
  const threads = options.threads ?? THREADS;
  const reads = new ReadPool(store, threads);
  const setupSecret = access.people.isEmpty() ? newSecret() : undefined;
  const accessLog = new AccessLog(store);
  const context: Context = {
    settings: options,
    db,
    access,
    trail: new Trail(db),
    accessLog,
    reads,
    searches: new Map(),
    setupSecret,
  };
  const app = newApp(tls);
  await install(app, context, options);
  await serveWeb(app, web);
  await app.ready();
  // Who closes the console meanwhile need not wait for it.
  const helped = (step: number): Promise<boolean> => reads.ask('warmTogether', { step }).catch(() => false);
  return {
    app,
    setupPath: setupSecret === undefined ? undefined : `/setup#${setupSecret}`,
    warm: async () => {
      for (let step = 0, more = true; more; step++) more = (await reads.askEach('warm', { step })).includes(true);
      for (let step = 0, more = true; more; step++) more = await helped(step);
    },
    close: async () => {
      await app.close();
      await Promise.all([reads.close(), accessLog.close()]);
      db.close();
    },
  };
}

function newApp(tls: ConsoleOptions['tls']): ConsoleApp {
  const common = {
    bodyLimit: BODY_BYTES_MAX,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    forceCloseConnections: true,
    // Properties that a schema does not name are refused, not dropped.
    schemaErrorFormatter: (errors: readonly FastifySchemaValidationError[], where: string) =>
      describeRefusal(errors, where),
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, useDefaults: true, allErrors: false } },
  } as const;
  // Over TLS browsers speak HTTP/2, where any number of live pages share one connection: of HTTP/1.1 they open six at most.
  const app =
    tls === undefined
      ? fastify(common)
      : fastify({ ...common, http2: true, https: { ...tls, minVersion: 'TLSv1.2', allowHTTP1: true } });
  return (app as unknown as FastifyInstance).withTypeProvider<TypeBoxTypeProvider>() as ConsoleApp;
}

/** The first thing that does not fit, by name. */
function describeRefusal([error]: readonly FastifySchemaValidationError[], where: string): Error {
  const { instancePath = '', message = 'does not fit', params } = error ?? {};
  const unknown = params?.['additionalProperty'];
  if (unknown !== undefined) return new Error(`${where}${instancePath}: there is no ${String(unknown)}`);
  return new Error(`${where}${instancePath} ${message}`);
}

async function install(app: ConsoleApp, context: Context, options: ConsoleOptions): Promise<void> {
  await app.register(fastifyHelmet, securityHeaders(options.tls !== undefined));
  await app.register(fastifyCookie);
  await app.register(fastifyRateLimit, {
    max: REQUESTS_A_MINUTE,
    timeWindow: '1 minute',
    errorResponseBuilder: (_request, { ttl }) =>
      new ConsoleError('too-many', 'too many requests; slow down', { retryAfterS: Math.ceil(ttl / 1000) }),
  });
  await app.register(fastifySSE);
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Wiretrail console', version: options.version },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
  });
  watchAskers(app);
  context.access.install(app, API_PREFIX);
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (request.url.startsWith(API_PREFIX)) void reply.header('cache-control', 'no-store');
    done();
  });
  app.setErrorHandler((error: Error, _request, reply) => answerError(error, reply, options.onError));
  await app.register(
    async (api: FastifyInstance) => routes(api.withTypeProvider<TypeBoxTypeProvider>() as ConsoleApp, context),
    { prefix: API_PREFIX },
  );
}

function routes(api: ConsoleApp, context: Context): void {
  api.addHook('onRoute', (route) => {
    // Every route may answer with a problem, and says so in its description.
    const schema = route.schema ?? {};
    route.schema = {
      ...schema,
      response: { ...(schema.response as object | undefined), '4xx': Problem, '5xx': Problem },
    };
  });
  sessionRoutes(api, context);
  peopleRoutes(api, context);
  trailRoutes(api, context);
  recordRoutes(api, context);
  noteRoutes(api, context);
  pinRoutes(api, context);
  alertRoutes(api, context);
  sensorRoutes(api, context);
  searchRoutes(api, context);
  historyRoutes(api, context);
  policyRoutes(api, context);
  liveRoutes(api, context);
  reportRoutes(api, context);
  api.get(
    '/openapi.json',
    { config: { role: 'viewer' }, schema: { hide: true, response: { 200: Type.Unknown() } } },
    () => api.swagger(),
  );
}

/** Nothing but what the console itself serves; no inline script or style; no HTML from text (Trusted Types). */
function securityHeaders(secure: boolean): object {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        connectSrc: ["'self'"],
        fontSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: ["'none'"],
      },
    },
    crossOriginEmbedderPolicy: true,
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: secure ? { maxAge: 31_536_000, includeSubDomains: false } : false,
  };
}

function answerError(error: Error, reply: FastifyReply, onError: ConsoleOptions['onError']): FastifyReply {
  const refusal = error instanceof QueryError ? queryRefusal(error) : error;
  if (refusal instanceof ConsoleError) {
    const { code, message, column, retryAfterS } = refusal;
    if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS);
    return reply.code(refusal.statusCode).send({ code, message, ...(column === undefined ? {} : { column }) });
  }
  const { statusCode, validation } = error as Error & { statusCode?: number; validation?: unknown };
  // What Fastify itself refuses: a body or query that does not fit the schema, a type it does not read.
  if (validation !== undefined || (statusCode !== undefined && statusCode >= 400 && statusCode < 500))
    return reply.code(statusCode ?? 400).send({ code: 'bad-request', message: error.message });
  const id = newId();
  onError(id, error);
  return reply.code(500).send({ code: 'internal', message: 'something went wrong in the console', id });
}
