/** Policies: read, check, try, keep drafts, push to the sensor, compare versions. */

import type { FastifyRequest } from 'fastify';
import { UserError } from '../../base/errors.ts';
import { diffLines, type LineChange } from '../../policy/files/diff.ts';
import type { PolicySource } from '../../policy/files/source.ts';
import { listPolicies } from '../../sensor/policy-archive.ts';
import { pushPolicy } from '../../sensor/remote.ts';
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
  type RuleInfo,
  type SourceFile,
  TryProgress,
  TryStarted,
} from '../api/policies.ts';
import { type ConsoleApp, type Context, record, sightFor } from '../context.ts';
import { Drafts } from '../drafts.ts';
import { ConsoleError } from '../error.ts';
import { isoOf } from '../state.ts';
import { Trials } from '../trials.ts';
import { askSensor } from './sensors.ts';

const READ = { role: 'viewer', right: 'read policies and their history' } as const;
const TRY = { role: 'auditor', right: 'check policies and try them over history' } as const;
const CHANGE = { role: 'administrator', right: 'keep drafts of policies, push them to the sensor' } as const;
const DONE = { done: true as const };

export function policyRoutes(app: ConsoleApp, context: Context): void {
  const drafts = new Drafts(context.db);
  readRoutes(app, context, drafts);
  tryRoutes(app, context);
  draftRoutes(app, context, drafts);
  pushRoute(app, context, drafts);
}

function readRoutes(app: ConsoleApp, context: Context, drafts: Drafts): void {
  app.get(
    '/policies',
    { config: READ, schema: { summary: 'Versions and drafts', response: { 200: Policies } } },
    async () => {
      const status = await askSensor(context.settings.socket);
      const inForce = 'sensor' in status ? status.policy?.version : undefined;
      const versions = listPolicies(context.settings.store).map(({ version, sinceUs, rules, files }) => ({
        version,
        savedAt: isoOf(sinceUs / 1000),
        rules,
        files: files.length,
        inForce: version === inForce,
        judged: true,
      }));
      const current = inForce ?? versions[0]?.version;
      return { ...(current === undefined ? {} : { current }), versions, drafts: drafts.list() };
    },
  );
  app.get(
    '/policies/versions/:id',
    { config: READ, schema: { summary: 'One version', params: IdParams, response: { 200: PolicyView } } },
    async (request) => ({
      version: request.params.id,
      ...(await archivedVersion(context, request.params.id)),
    }),
  );
  app.get(
    '/policies/diff',
    {
      config: READ,
      schema: { summary: 'What differs between two', querystring: PolicyDiffQuery, response: { 200: PolicyDiff } },
    },
    async (request) => {
      const { from, to } = request.query;
      const [before, after] = await Promise.all([from, to].map((name) => sourcesOf(context, drafts, name)));
      const rules = await Promise.all([before, after].map((sources) => ruleIds(context, sources ?? [])));
      const [oldRules = [], newRules = []] = rules;
      return {
        files: compareFiles(before ?? [], after ?? []),
        rulesAdded: newRules.filter((id) => !oldRules.includes(id)),
        rulesRemoved: oldRules.filter((id) => !newRules.includes(id)),
      };
    },
  );
}

/** A version, or a draft as `draft:NAME`. Rejects with `not-found`. */
async function sourcesOf(context: Context, drafts: Drafts, name: string): Promise<SourceFile[]> {
  if (name.startsWith('draft:')) return drafts.get(name.slice('draft:'.length)).sources;
  return (await archivedVersion(context, name)).sources;
}

async function archivedVersion(
  { reads, settings }: Context,
  version: string,
): Promise<{ sources: SourceFile[]; rules: RuleInfo[] }> {
  if (!listPolicies(settings.store).some((one) => one.version === version))
    throw new ConsoleError('not-found', `there is no policy version ${version}`);
  return reads.ask('archived', { version });
}

async function ruleIds({ reads }: Context, sources: readonly SourceFile[]): Promise<string[]> {
  const { rules } = await reads.ask('validate', { sources, tests: false });
  return rules.map(({ id }) => id);
}

type Files = readonly SourceFile[];
type FileDiff = PolicyDiff['files'][number];

function compareFiles(before: Files, after: Files): FileDiff[] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))].sort();
  return names.map((name) => {
    const from = before.find((file) => file.name === name)?.text;
    const to = after.find((file) => file.name === name)?.text;
    const change = from === to ? 'same' : from === undefined ? 'added' : to === undefined ? 'removed' : 'changed';
    return { name, change, hunks: change === 'same' ? [] : hunksOf(diffLines(from ?? '', to ?? '')) };
  });
}

const SIGNS = { same: ' ', removed: '-', added: '+' } as const;

/** Changed lines with those around them, in runs. */
function hunksOf(changes: readonly LineChange[]): FileDiff['hunks'] {
  const hunks: FileDiff['hunks'] = [];
  let fromLine = 1;
  let toLine = 1;
  for (const { kind, text, line } of changes) {
    // Lines are numbered in the new text, removed ones in the old.
    const left = kind === 'removed' ? line - fromLine : line - toLine;
    if (left > 0 || hunks.length === 0) {
      fromLine += left;
      toLine += left;
      hunks.push({ fromLine, toLine, lines: [] });
    }
    hunks.at(-1)?.lines.push({ sign: SIGNS[kind], text });
    if (kind !== 'added') fromLine++;
    if (kind !== 'removed') toLine++;
  }
  return hunks;
}

/** Who a trial belongs to: somebody whose rights have changed since has to begin another one. */
function ownerOf(request: FastifyRequest): string {
  const { who, limit } = principalOf(request);
  return JSON.stringify([who, limit?.databases]);
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
    (request) => reads.ask('validate', { ...request.body, tests: true }, request.gone),
  );
  app.post(
    '/policies/try',
    { config: TRY, schema: { summary: 'Try over history', body: PolicyTry, response: { 200: TryStarted } } },
    async (request) => {
      const { problems } = await reads.ask('validate', { sources: request.body.sources, tests: false });
      const [first] = problems;
      if (first !== undefined)
        throw new ConsoleError('refused', `${first.file}:${first.line}:${first.column}: ${first.reason}`);
      const id = trials.start(ownerOf(request), { ...request.body, sight: sightFor(request) });
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
    (request) => trials.progress(request.params.id, ownerOf(request)),
  );
  app.delete(
    '/policies/try/:id',
    { config: TRY, schema: { summary: 'Give a trial up', params: IdParams, response: { 200: Done } } },
    (request) => {
      trials.cancel(request.params.id, ownerOf(request));
      return DONE;
    },
  );
}

function draftRoutes(app: ConsoleApp, context: Context, drafts: Drafts): void {
  app.get(
    '/policies/drafts/:name',
    { config: READ, schema: { summary: 'One draft', params: NameParams, response: { 200: PolicyView } } },
    async (request) => {
      const { draft, sources } = drafts.get(request.params.name);
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
      const draft = drafts.save(request.params.name, principalOf(request).who, request.body);
      await record(context, request, 'policy-draft-saved', request.params.name);
      return draft;
    },
  );
  app.delete(
    '/policies/drafts/:name',
    { config: CHANGE, schema: { summary: 'Remove a draft', params: NameParams, response: { 200: Done } } },
    async (request) => {
      drafts.remove(request.params.name);
      await record(context, request, 'policy-draft-removed', request.params.name);
      return DONE;
    },
  );
}

function pushRoute(app: ConsoleApp, context: Context, drafts: Drafts): void {
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
      const { who } = principalOf(request);
      if (settings.socket === undefined)
        throw new ConsoleError('unavailable', 'the console knows no sensor: start it with --socket');
      const draft = drafts.ofAnother(who, sources);
      if (settings.twoToPush && draft === undefined)
        throw new ConsoleError('refused', 'two people push a policy: keep it as a draft, for somebody else to push');
      access.stepUp(principalOf(request), code);
      const { version } = await reads.ask('validate', { sources, tests: false });
      // Written down before it happens: a push that fails is in the trail as well.
      const approved = draft === undefined ? reason : `${reason} (draft ${draft.name} by ${draft.by})`;
      await record(context, request, 'policy-push', version ?? '(broken)', approved);
      const inForce = await pushed(
        settings.socket,
        sources.map((source) => ({ ...source, named: true })),
      );
      await record(context, request, 'policy-pushed', inForce.version);
      return inForce;
    },
  );
}

/** A sensor that does not answer and one that refuses are the asker's to know. */
async function pushed(socket: string, sources: readonly PolicySource[]): Promise<PolicyPushed> {
  try {
    return await pushPolicy(socket, sources);
  } catch (error) {
    if (error instanceof UserError) throw new ConsoleError('refused', error.message);
    throw error;
  }
}
