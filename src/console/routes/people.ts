/** People and rights, and tokens. */
import { principalOf } from '../access/access.ts';
import { checkedDatabases } from '../access/databases.ts';
import type { Invitation } from '../access/people.ts';
import { Done, IdParams, NameParams, type Role } from '../api/common.ts';
import {
  ApiTokens,
  InvitationLink,
  People,
  PersonChange,
  PersonCreate,
  PersonReset,
  TokenCreate,
  TokenSecret,
} from '../api/people.ts';
import type { ConsoleApp, Context } from '../context.ts';
import { record } from '../context.ts';
import { ConsoleError } from '../error.ts';

const DONE = { done: true as const };

export function peopleRoutes(app: ConsoleApp, context: Context): void {
  personRoutes(app, context);
  tokenRoutes(app, context);
}

/** The secret stands behind `#`: browsers do not send that part, so no log has it. */
function linkOf({ secret, expiresAt }: Invitation): InvitationLink {
  return { link: `/invitation#${secret}`, expiresAt };
}

function rightsText(role: Role, databases: readonly string[] | undefined): string {
  return databases === undefined ? role : `${role} of ${databases.join(', ')}`;
}

function personRoutes(app: ConsoleApp, context: Context): void {
  const { access } = context;
  const { people, signIns } = access;
  const config = { role: 'administrator', right: 'make people, change their roles and databases, reset them' } as const;
  app.get(
    '/people',
    { config, schema: { summary: 'People and the table of rights', response: { 200: People } } },
    () => ({
      people: people.list(),
      rights: [...access.rights].map(([action, role]) => ({ action, role })),
    }),
  );
  app.post(
    '/people',
    { config, schema: { summary: 'Make a person', body: PersonCreate, response: { 200: InvitationLink } } },
    async (request) => {
      const { name, role, code } = request.body;
      const databases = checkedDatabases(role, request.body.databases);
      access.stepUp(principalOf(request), code);
      const link = linkOf(people.create(name, role, databases));
      await record(context, request, 'person-created', name, rightsText(role, databases));
      return link;
    },
  );
  app.patch(
    '/people/:name',
    {
      config,
      schema: {
        summary: 'Change role or databases, or disable',
        params: NameParams,
        body: PersonChange,
        response: { 200: Done },
      },
    },
    async (request) => {
      const { role, databases, disabled, code } = request.body;
      const { name } = people.get(request.params.name);
      access.stepUp(principalOf(request), code);
      people.change(name, {
        ...(role === undefined ? {} : { role }),
        ...(databases === undefined ? {} : { databases }),
        ...(disabled === undefined ? {} : { disabled }),
      });
      // What a sign-in may do is asked of the person each time; one that is disabled ends.
      if (disabled === true) signIns.endAll(name);
      await record(context, request, 'person-changed', name, JSON.stringify({ role, databases, disabled }));
      return DONE;
    },
  );
  app.post(
    '/people/:name/reset',
    {
      config,
      schema: {
        summary: 'Void password and second factor; gives a new link',
        params: NameParams,
        body: PersonReset,
        response: { 200: InvitationLink },
      },
    },
    async (request) => {
      const { name } = people.get(request.params.name);
      const principal = principalOf(request);
      if (name === principal.who)
        throw new ConsoleError('conflict', 'one’s own account is changed on the account page');
      access.stepUp(principal, request.body.code);
      const link = linkOf(people.reset(name));
      signIns.endAll(name);
      await record(context, request, 'person-reset', name);
      return link;
    },
  );
}

function tokenRoutes(app: ConsoleApp, context: Context): void {
  const { access } = context;
  const config = { role: 'administrator', right: 'make and revoke tokens for scripts' } as const;
  app.get('/tokens', { config, schema: { summary: 'Tokens for scripts', response: { 200: ApiTokens } } }, () => ({
    tokens: access.tokens.list(),
  }));
  app.post(
    '/tokens',
    {
      config,
      schema: { summary: 'Make a token; it is shown once', body: TokenCreate, response: { 200: TokenSecret } },
    },
    async (request) => {
      const { name, role, days, code } = request.body;
      const principal = principalOf(request);
      access.stepUp(principal, code);
      const databases = checkedDatabases(role, request.body.databases);
      const token = access.tokens.create({ name, role, databases }, principal.who, days);
      await record(context, request, 'token-created', name, rightsText(role, databases));
      return token;
    },
  );
  app.delete(
    '/tokens/:id',
    { config, schema: { summary: 'Revoke a token', params: IdParams, response: { 200: Done } } },
    async (request) => {
      access.stepUp(principalOf(request), undefined);
      const name = access.tokens.revoke(request.params.id);
      await record(context, request, 'token-revoked', name);
      return DONE;
    },
  );
}
