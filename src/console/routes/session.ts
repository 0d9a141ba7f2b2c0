/** Signing in and out, first start, one's own password, second factor and sign-ins. */

import { basename, resolve } from 'node:path';
import type { FastifyRequest } from 'fastify';
import { formatTime } from '../../base/time.ts';
import { principalOf } from '../access/access.ts';
import { describeSignIn } from '../access/sign-ins.ts';
import { Done, IdParams } from '../api/common.ts';
import {
  Invitation,
  Login,
  PasswordChange,
  Session,
  Setup,
  SignIns,
  TotpConfirm,
  TotpEnrol,
  TotpRemove,
  TotpSecret,
} from '../api/session.ts';
import type { ConsoleApp, Context } from '../context.ts';
import { note, record, sightOf } from '../context.ts';
import { ConsoleError } from '../error.ts';
import { digestOf, isoOf } from '../state.ts';

/** Of sign-ins, from one address. */
const SIGN_IN_RATE = { rateLimit: { max: 20, timeWindow: '1 minute' } };
const DONE = { done: true as const };

export function sessionRoutes(app: ConsoleApp, context: Context): void {
  signInRoutes(app, context);
  accountRoutes(app, context);
}

async function sessionOf(context: Context, request: FastifyRequest, who?: string): Promise<Session> {
  const { access, settings, reads } = context;
  const signIn = request.principal?.signIn;
  const name = who ?? signIn?.person;
  const person = name === undefined ? undefined : access.people.find(name);
  const session = {
    version: settings.version,
    setupNeeded: access.people.isEmpty(),
    sensor: settings.socket !== undefined,
    twoToPush: settings.twoToPush,
  };
  if (person === undefined) return session;
  const limit = access.limitOf(person);
  const sight = sightOf({ role: person.role, limit });
  const { records, timeMinUs, timeMaxUs } = await reads.ask('extent', { sight });
  const endsMs = signIn?.ends_ms ?? access.signIns.of(person.name)[0]?.ends_ms ?? Date.now();
  return {
    ...session,
    store: {
      name: basename(resolve(settings.store)),
      records,
      ...(timeMinUs === undefined ? {} : { first: formatTime(timeMinUs) }),
      ...(timeMaxUs === undefined ? {} : { last: formatTime(timeMaxUs) }),
    },
    person: {
      name: person.name,
      role: person.role,
      databases: limit === undefined ? 'all' : [...limit.databases],
      totp: person.totp_secret !== null,
      signedInAt: isoOf(signIn?.created_ms ?? Date.now()),
      expiresAt: isoOf(endsMs),
    },
  };
}

function signInRoutes(app: ConsoleApp, context: Context): void {
  const { access } = context;
  app.get(
    '/session',
    { config: { role: 'public' }, schema: { summary: 'Who is signed in', response: { 200: Session } } },
    (request) => sessionOf(context, request),
  );
  app.post(
    '/login',
    {
      config: { role: 'public', ...SIGN_IN_RATE },
      schema: { summary: 'Sign in', body: Login, response: { 200: Session } },
    },
    async (request, reply) => {
      const { name, password, code } = request.body;
      try {
        const person = await access.people.signIn(name, password, code);
        await note(context, { who: person.name, address: request.ip, action: 'login', subject: person.name });
        access.startSignIn(reply, request, person.name);
        return await sessionOf(context, request, person.name);
      } catch (error) {
        if (error instanceof ConsoleError && error.code !== 'code-needed')
          await note(context, {
            who: '-',
            address: request.ip,
            action: 'login-refused',
            subject: name,
            detail: error.code,
          });
        throw error;
      }
    },
  );
  app.post(
    '/logout',
    { config: { role: 'viewer' }, schema: { summary: 'Sign out', response: { 200: Done } } },
    async (request, reply) => {
      const { who, signIn } = principalOf(request);
      if (signIn !== undefined) access.signIns.end(signIn.person, signIn.id);
      access.endSignIn(reply);
      await record(context, request, 'logout', who);
      return DONE;
    },
  );
  app.post(
    '/setup',
    {
      config: { role: 'public', ...SIGN_IN_RATE },
      schema: { summary: 'Make the first administrator', body: Setup, response: { 200: Session } },
    },
    async (request, reply) => {
      const { token, name, password } = request.body;
      // Digests are compared, so that the time taken tells nothing of the secret.
      if (context.setupSecret === undefined || digestOf(token) !== digestOf(context.setupSecret))
        throw new ConsoleError(
          'not-found',
          'this link was used already, or belongs to an earlier start of the console',
        );
      const person = await access.people.createFirst(name, password);
      context.setupSecret = undefined;
      await note(context, { who: person.name, address: request.ip, action: 'setup', subject: person.name });
      access.startSignIn(reply, request, person.name);
      return sessionOf(context, request, person.name);
    },
  );
  app.post(
    '/invitation',
    {
      config: { role: 'public', ...SIGN_IN_RATE },
      schema: {
        summary: 'Set a password by a one-time link, and sign in',
        body: Invitation,
        response: { 200: Session },
      },
    },
    async (request, reply) => {
      const person = await access.people.acceptInvitation(request.body.token, request.body.password);
      await note(context, { who: person.name, address: request.ip, action: 'invitation-used', subject: person.name });
      access.startSignIn(reply, request, person.name);
      return sessionOf(context, request, person.name);
    },
  );
}

/** The name of the person who asks; tokens have no account. */
function ownName(request: FastifyRequest): string {
  const { who, signIn } = principalOf(request);
  if (signIn === undefined) throw new ConsoleError('people-only', 'tokens have no account of their own');
  return who;
}

function accountRoutes(app: ConsoleApp, context: Context): void {
  const { people, signIns } = context.access;
  const config = { role: 'viewer', right: 'change one’s own password and second factor' } as const;
  app.post(
    '/password',
    { config, schema: { summary: 'Change one’s password', body: PasswordChange, response: { 200: Done } } },
    async (request) => {
      const name = ownName(request);
      await people.checkPassword(name, request.body.old);
      await people.setPassword(name, request.body.new);
      signIns.endAll(name, principalOf(request).signIn?.id);
      await record(context, request, 'password-changed', name);
      return DONE;
    },
  );
  app.post(
    '/totp/enrol',
    { config, schema: { summary: 'A new secret for a second factor', body: TotpEnrol, response: { 200: TotpSecret } } },
    async (request) => {
      const name = ownName(request);
      await people.checkPassword(name, request.body.password);
      return people.enrolTotp(name);
    },
  );
  app.post(
    '/totp/confirm',
    { config, schema: { summary: 'Demand the second factor from now on', body: TotpConfirm, response: { 200: Done } } },
    async (request) => {
      const name = ownName(request);
      people.confirmTotp(name, request.body.code);
      await record(context, request, 'totp-enrolled', name);
      return DONE;
    },
  );
  app.post(
    '/totp/remove',
    { config, schema: { summary: 'Give up the second factor', body: TotpRemove, response: { 200: Done } } },
    async (request) => {
      const name = ownName(request);
      await people.checkPassword(name, request.body.password);
      people.useCode(people.get(name), request.body.code);
      people.removeTotp(name);
      await record(context, request, 'totp-removed', name);
      return DONE;
    },
  );
  app.get(
    '/session/sign-ins',
    { config, schema: { summary: 'Where one is signed in', response: { 200: SignIns } } },
    (request) => {
      const name = ownName(request);
      const currentId = principalOf(request).signIn?.id;
      return { signIns: signIns.of(name).map((row) => describeSignIn(row, currentId)) };
    },
  );
  app.delete(
    '/session/sign-ins/:id',
    { config, schema: { summary: 'End one of one’s sign-ins', params: IdParams, response: { 200: Done } } },
    async (request) => {
      const name = ownName(request);
      if (!signIns.end(name, request.params.id)) throw new ConsoleError('not-found', 'there is no such sign-in');
      await record(context, request, 'sign-in-ended', name);
      return DONE;
    },
  );
}
