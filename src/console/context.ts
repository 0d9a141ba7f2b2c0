/** What the routes work with. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import { type Access, hasRole, type Principal, principalOf } from './access/access.ts';
import type { ReadPool } from './reads/pool.ts';
import type { Sight } from './reads/row.ts';
import type { StateDb } from './state.ts';
import type { Trail } from './trail.ts';

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
  readonly version: string;
}

export interface Context {
  readonly settings: ConsoleSettings;
  readonly db: StateDb;
  readonly access: Access;
  readonly trail: Trail;
  readonly reads: ReadPool;
  /** Secret of the link that makes the first administrator; `undefined` once it was used. */
  setupSecret: string | undefined;
}

/** What the reader may see of statements: viewers see them with literals as `?`. */
export function sightOf(principal: Principal): Sight {
  return { literals: hasRole(principal.role, 'auditor') };
}

export function sightFor(request: FastifyRequest): Sight {
  return sightOf(principalOf(request));
}

/** Writes down what was done. Throws when it cannot, and then it must not happen. */
export function record(context: Context, request: FastifyRequest, action: string, subject: string, detail = ''): void {
  const who = request.principal?.who ?? '-';
  context.trail.write({ who, address: request.ip, action, subject, detail });
}

/** A signal that fires when the asker goes away before the answer. */
export function abandoned(request: FastifyRequest): AbortSignal {
  const controller = new AbortController();
  request.raw.once('close', () => {
    if (request.raw.destroyed && !request.raw.complete) controller.abort();
  });
  return controller.signal;
}
