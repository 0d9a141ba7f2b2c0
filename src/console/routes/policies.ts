/** Policies: read, check, try, keep drafts, push to the sensor, compare versions. */

import { UserError } from '../../base/errors.ts';
import { requestControl } from '../../control/client.ts';
import { CODE_PUSH, RESULT_DONE } from '../../control/frame.ts';
import { principalOf } from '../access/access.ts';
import { Done, IdParams, NameParams } from '../api/common.ts';
import {
  Draft,
  DraftSave,
  Policies,
  PolicyDiff,
  PolicyDiffQuery,
  PolicyPush,
  PolicyPushed,
  PolicyTry,
  PolicyValidate,
  PolicyValidated,
  PolicyView,
  TryProgress,
  TryStarted,
} from '../api/policies.ts';
import { abandoned, type ConsoleApp, type Context, record, sightFor } from '../context.ts';
import { diffLines } from '../diff.ts';
import { ConsoleError } from '../error.ts';
import { PolicyStore } from '../policy-store.ts';
import { Trials } from '../trials.ts';
import { askSensor } from './sensors.ts';

const READ = { role: 'viewer', right: 'read policies and their history' } as const;
const TRY = { role: 'auditor', right: 'check policies and try them over history' } as const;
const CHANGE = { role: 'administrator', right: 'keep drafts of policies, push them to the sensor' } as const;
const DONE = { done: true as const };

export function policyRoutes(app: ConsoleApp, context: Context): void {
  const policies = new PolicyStore(context.settings.store, context.db);
  readRoutes(app, context, policies);
  tryRoutes(app, context);
  draftRoutes(app, context, policies);
  pushRoute(app, context);
}

function readRoutes(app: ConsoleApp, context: Context, policies: PolicyStore): void {
  app.get(
    '/policies',
    { config: READ, schema: { summary: 'Versions and drafts', response: { 200: Policies } } },
    async () => {
      const status = await askSensor(context.settings.socket);
      const inForce = 'sensor' in status ? status.policy?.version : undefined;
      const current = inForce ?? policies.newest();
      const versions = policies.versions(inForce);
      return { ...(current === undefined ? {} : { current }), versions, drafts: policies.drafts() };
    },
  );
  app.get(
    '/policies/versions/:id',
    { config: READ, schema: { summary: 'One version', params: IdParams, response: { 200: PolicyView } } },
    (request) => ({ version: request.params.id, ...policies.version(request.params.id) }),
  );
  app.get(
    '/policies/diff',
    {
      config: READ,
      schema: { summary: 'What differs between two', querystring: PolicyDiffQuery, response: { 200: PolicyDiff } },
    },
    async (request) => {
      const { from, to } = request.query;
      const before = policies.sourcesOf(from);
      const after = policies.sourcesOf(to);
      const [oldRules, newRules] = await Promise.all(
        [before, after].map(async (sources) => {
          const { rules } = await context.reads.ask('validate', { sources, tests: false });
          return rules.map(({ id }) => id);
        }),
      );
      return {
        files: compareFiles(before, after),
        rulesAdded: (newRules ?? []).filter((id) => !(oldRules ?? []).includes(id)),
        rulesRemoved: (oldRules ?? []).filter((id) => !(newRules ?? []).includes(id)),
      };
    },
  );
}

type Files = readonly { readonly name: string; readonly text: string }[];

function compareFiles(before: Files, after: Files): PolicyDiff['files'] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))].sort();
  return names.map((name) => {
    const from = before.find((file) => file.name === name)?.text;
    const to = after.find((file) => file.name === name)?.text;
    const change = from === to ? 'same' : from === undefined ? 'added' : to === undefined ? 'removed' : 'changed';
    const hunks = diffLines(from ?? '', to ?? '').map((hunk) => ({ ...hunk, lines: [...hunk.lines] }));
    return { name, change, hunks };
  });
}

function tryRoutes(app: ConsoleApp, context: Context): void {
  const { reads } = context;
  const trials = new Trials(reads);
  app.post(
    '/policies/validate',
    {
      config: TRY,
      schema: { summary: 'Problems, rules and their tests', body: PolicyValidate, response: { 200: PolicyValidated } },
    },
    (request) => reads.ask('validate', { ...request.body, tests: true }, abandoned(request)),
  );
  app.post(
    '/policies/try',
    { config: TRY, schema: { summary: 'Try over history', body: PolicyTry, response: { 200: TryStarted } } },
    async (request) => {
      const { problems } = await reads.ask('validate', { sources: request.body.sources, tests: false });
      const [first] = problems;
      if (first !== undefined)
        throw new ConsoleError('refused', `${first.file}:${first.line}:${first.column}: ${first.reason}`);
      const id = trials.start(principalOf(request).who, { ...request.body, sight: sightFor(request) });
      await record(
        context,
        request,
        'policy-try',
        request.body.sources.map(({ name }) => name).join(', '),
        request.body.t,
      );
      return { id };
    },
  );
  app.get(
    '/policies/try/:id',
    { config: TRY, schema: { summary: 'How a trial goes', params: IdParams, response: { 200: TryProgress } } },
    (request) => trials.progress(request.params.id, principalOf(request).who),
  );
  app.delete(
    '/policies/try/:id',
    { config: TRY, schema: { summary: 'Give a trial up', params: IdParams, response: { 200: Done } } },
    (request) => {
      trials.cancel(request.params.id, principalOf(request).who);
      return DONE;
    },
  );
}

function draftRoutes(app: ConsoleApp, context: Context, policies: PolicyStore): void {
  app.get(
    '/policies/drafts/:name',
    { config: READ, schema: { summary: 'One draft', params: NameParams, response: { 200: PolicyView } } },
    async (request) => {
      const { draft, sources } = policies.draft(request.params.name);
      const { rules } = await context.reads.ask('validate', { sources, tests: false });
      return { draft, sources, rules };
    },
  );
  app.put(
    '/policies/drafts/:name',
    {
      config: CHANGE,
      schema: { summary: 'Save a draft', params: NameParams, body: DraftSave, response: { 200: Draft } },
    },
    async (request) => {
      const draft = policies.saveDraft(request.params.name, principalOf(request).who, request.body);
      await record(context, request, 'policy-draft-saved', request.params.name);
      return draft;
    },
  );
  app.delete(
    '/policies/drafts/:name',
    { config: CHANGE, schema: { summary: 'Remove a draft', params: NameParams, response: { 200: Done } } },
    async (request) => {
      policies.removeDraft(request.params.name);
      await record(context, request, 'policy-draft-removed', request.params.name);
      return DONE;
    },
  );
}

function pushRoute(app: ConsoleApp, context: Context): void {
  const { access, settings, reads } = context;
  app.post(
    '/policies/push',
    {
      config: CHANGE,
      schema: {
        summary: 'Put a policy in force in the running sensor',
        body: PolicyPush,
        response: { 200: PolicyPushed },
      },
    },
    async (request) => {
      const { sources, reason, code } = request.body;
      if (settings.socket === undefined)
        throw new ConsoleError('unavailable', 'the console knows no sensor: start it with --socket');
      access.stepUp(principalOf(request), code);
      const { version } = await reads.ask('validate', { sources, tests: false });
      const named = { sources: sources.map((source) => ({ ...source, named: true })) };
      // Written down before it happens: a push that fails is in the trail as well.
      await record(context, request, 'policy-push', version ?? '(broken)', reason);
      const { result, content } = await pushed(settings.socket, JSON.stringify(named));
      if (result !== RESULT_DONE) throw new ConsoleError('refused', content);
      await record(context, request, 'policy-pushed', version ?? '');
      return JSON.parse(content) as PolicyPushed;
    },
  );
}

async function pushed(socket: string, content: string): Promise<{ result: number; content: string }> {
  try {
    return await requestControl(socket, CODE_PUSH, content);
  } catch (error) {
    if (error instanceof UserError) throw new ConsoleError('unavailable', error.message);
    throw error;
  }
}
