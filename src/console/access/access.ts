/**
 * Who asks, and whether they may. Every route under `/api/` names the least role that may use it (`config.role`); the
 * server refuses to start when one does not. Requests that change something and carry a cookie must come from the
 * console's own pages (`Origin`), beside the cookie's `SameSite=Strict`.
 */
import '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ROLES, type Role } from '../api/common.ts';
import { ConsoleError } from '../error.ts';
import type { Limit } from '../reads/limit.ts';
import type { StateDb } from '../state.ts';
import { readDatabases, sealKey, writeDatabases } from './databases.ts';
import { People } from './people.ts';
import { type SignInRow, SignIns } from './sign-ins.ts';
import { Tokens } from './tokens.ts';

/** `public`: without a sign-in. */
export type RouteRole = Role | 'public';

export interface Principal {
  /** As in the trail: a person's name, or `token:NAME`. */
  readonly who: string;
  readonly role: Role;
  /** To some databases; `undefined`: all may be seen. */
  readonly limit: Limit | undefined;
  /** Of a person; `undefined` for a token. */
  readonly signIn: SignInRow | undefined;
  /** Of a token; `undefined` for a person. */
  readonly tokenId: string | undefined;
  readonly totp: boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    role?: RouteRole;
    /** What the route lets one do, for the table of rights; routes of one line share it. */
    right?: string;
  }
  interface FastifyRequest {
    principal: Principal | undefined;
  }
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export class Access {
  readonly people: People;
  readonly signIns: SignIns;
  readonly tokens: Tokens;
  /** Least role by right, in the order of the routes. */
  readonly rights: Map<string, Role> = new Map();
  private readonly secure: boolean;
  private readonly sealKey: string;

  constructor(db: StateDb, secure: boolean) {
    this.people = new People(db);
    this.signIns = new SignIns(db);
    this.tokens = new Tokens(db);
    this.secure = secure;
    this.sealKey = sealKey(db);
  }

  /** `__Host-` binds a cookie to this host, path and TLS; browsers take it over TLS only. */
  get cookieName(): string {
    return this.secure ? '__Host-wiretrail' : 'wiretrail';
  }

  install(app: FastifyInstance, prefix: string): void {
    app.decorateRequest('principal', undefined);
    app.addHook('onRoute', ({ url, config, method }) => {
      if (!url.startsWith(prefix)) return;
      if (config?.role === undefined) throw new Error(`${String(method)} ${url} does not say who may use it`);
      if (config.right !== undefined && config.role !== 'public') this.rights.set(config.right, config.role);
    });
    app.addHook('onRequest', async (request) => {
      const role = request.routeOptions.config.role;
      if (role === undefined) return;
      if (!SAFE_METHODS.has(request.method)) checkOrigin(request, this.secure);
      request.principal = this.identify(request);
      if (role !== 'public') demand(request.principal, role);
    });
  }

  startSignIn(reply: FastifyReply, request: FastifyRequest, person: string): void {
    this.people.noteSignIn(person);
    const secret = this.signIns.begin(person, request.ip, request.headers['user-agent'] ?? '');
    void reply.setCookie(this.cookieName, secret, {
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure: this.secure,
    });
  }

  endSignIn(reply: FastifyReply): void {
    void reply.clearCookie(this.cookieName, { path: '/', httpOnly: true, sameSite: 'strict', secure: this.secure });
  }

  /**
   * Before what must not happen by a browser left open: a person with a second factor shows a code once more. Tokens may
   * not do such things at all. Throws `people-only`, `code-needed` or `code-wrong`.
   */
  stepUp(principal: Principal, code: string | undefined): void {
    if (principal.signIn === undefined)
      throw new ConsoleError('people-only', 'this is for people who sign in, not for tokens');
    if (!principal.totp) return;
    if (code === undefined) throw new ConsoleError('code-needed', 'show a code of the authenticator app once more');
    this.people.useCode(this.people.get(principal.who), code);
  }

  /** Whether who asked a while ago may still do so: for answers that go on. */
  isCurrent({ role, limit, signIn, tokenId }: Principal): boolean {
    if (tokenId !== undefined) return this.tokens.isOpen(tokenId);
    const person = signIn && this.signIns.isOpen(signIn.id) ? this.people.find(signIn.person) : undefined;
    if (person === undefined || person.disabled !== 0 || person.role !== role) return false;
    return person.databases === writeDatabases(limit?.databases);
  }

  /** Of a person or token. */
  limitOf({ databases }: { readonly databases: string | null }): Limit | undefined {
    const names = readDatabases(databases);
    return names && { databases: names, key: this.sealKey };
  }

  private identify(request: FastifyRequest): Principal | undefined {
    const header = request.headers.authorization;
    if (header?.startsWith('Bearer ') === true) {
      const token = this.tokens.find(header.slice('Bearer '.length));
      if (token === undefined) throw new ConsoleError('sign-in-needed', 'the token is unknown, too old or revoked');
      const { name, role, id } = token;
      return { who: `token:${name}`, role, limit: this.limitOf(token), signIn: undefined, tokenId: id, totp: false };
    }
    const secret = request.cookies[this.cookieName];
    const signIn = secret === undefined ? undefined : this.signIns.find(secret);
    const person = signIn && this.people.find(signIn.person);
    if (person === undefined || person.disabled !== 0) return undefined;
    const { name, role, totp_secret } = person;
    return { who: name, role, limit: this.limitOf(person), signIn, tokenId: undefined, totp: totp_secret !== null };
  }
}

/** Who asks, on a route that is not public. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new ConsoleError('sign-in-needed', 'sign in first');
  return request.principal;
}

export function hasRole(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}

function demand(principal: Principal | undefined, least: Role): void {
  if (principal === undefined) throw new ConsoleError('sign-in-needed', 'sign in first');
  if (!hasRole(principal.role, least))
    throw new ConsoleError('role-needed', `this needs the role ${least}; yours is ${principal.role}`);
}

/** Browsers name the origin of every request that changes something; scripts with a token may leave it out. */
function checkOrigin(request: FastifyRequest, secure: boolean): void {
  const { origin, authorization, host } = request.headers;
  const isScript = authorization !== undefined || request.headers.cookie === undefined;
  if (origin === undefined && isScript) return;
  // HTTP/2 names the host in a pseudo header.
  const ownHost = host ?? String(request.headers[':authority'] ?? '');
  if (origin !== `${secure ? 'https' : 'http'}://${ownHost}`)
    throw new ConsoleError('origin', 'this request does not come from the console itself');
}
