/** Policies: what is in force, drafts, trying them over history, pushing them, and every version there was. */
import Type, { type Static } from 'typebox';
import { Asked, closed, SEVERITY_NAMES, scopeProperties, word } from './common.ts';
import { Row } from './records.ts';
import { TotpCode } from './session.ts';

export const SourceFile = closed({
  name: Type.String({ minLength: 1, maxLength: 255, pattern: '^[A-Za-z0-9._-]+\\.ya?ml$' }),
  text: Type.String({ maxLength: 1_000_000 }),
});
export type SourceFile = Static<typeof SourceFile>;

export const RuleInfo = closed({
  id: Type.String(),
  title: Type.String(),
  reason: Type.String(),
  references: Type.Array(Type.String()),
  severity: word(SEVERITY_NAMES),
  tags: Type.Array(Type.String()),
  action: Type.String(),
  mode: Type.String(),
  file: Type.String(),
  line: Type.Integer(),
});
export type RuleInfo = Static<typeof RuleInfo>;

export const PolicyVersion = closed({
  version: Type.String(),
  savedAt: Type.String(),
  rules: Type.Integer(),
  files: Type.Integer(),
  /** In force in the sensor that was asked. */
  inForce: Type.Boolean(),
  /** Judged records of the store. */
  judged: Type.Boolean(),
});
export type PolicyVersion = Static<typeof PolicyVersion>;

export const Draft = closed({
  name: Type.String(),
  by: Type.String(),
  savedAt: Type.String(),
  /** Version it started from. */
  base: Type.Optional(Type.String()),
  note: Type.String(),
});
export type Draft = Static<typeof Draft>;

/** `GET /policies`. */
export const Policies = closed({
  /** Version in force, when a sensor can be asked; else the newest that judged records. */
  current: Type.Optional(Type.String()),
  versions: Type.Array(PolicyVersion),
  drafts: Type.Array(Draft),
});
export type Policies = Static<typeof Policies>;

/** `GET /policies/versions/:id`, `GET /policies/drafts/:name`. */
export const PolicyView = closed({
  version: Type.Optional(Type.String()),
  draft: Type.Optional(Draft),
  sources: Type.Array(SourceFile),
  rules: Type.Array(RuleInfo),
});
export type PolicyView = Static<typeof PolicyView>;

export const PolicyProblemItem = closed({
  file: Type.String(),
  line: Type.Integer(),
  column: Type.Integer(),
  reason: Type.String(),
});
/** `POST /policies/validate`; also runs the rules' own tests. */
export const PolicyValidate = closed({ sources: Type.Array(SourceFile, { minItems: 1, maxItems: 100 }) });
export type PolicyValidate = Static<typeof PolicyValidate>;
export const PolicyValidated = closed({
  version: Type.Optional(Type.String()),
  problems: Type.Array(PolicyProblemItem),
  rules: Type.Array(RuleInfo),
  tests: closed({
    passed: Type.Integer(),
    failed: Type.Array(
      closed({
        rule: Type.String(),
        file: Type.String(),
        line: Type.Integer(),
        expected: Type.String(),
        subject: Type.String(),
      }),
    ),
    untested: Type.Array(Type.String()),
  }),
});
export type PolicyValidated = Static<typeof PolicyValidated>;

/** `PUT /policies/drafts/:name`. `previous` is the `savedAt` that was read; 409 when another person saved since. */
export const DraftSave = closed({
  sources: Type.Array(SourceFile, { minItems: 1, maxItems: 100 }),
  base: Type.Optional(Type.String({ maxLength: 64 })),
  note: Type.Optional(Type.String({ maxLength: 2000 })),
  previous: Type.Optional(Type.String({ maxLength: 40 })),
});
export type DraftSave = Static<typeof DraftSave>;

/** `POST /policies/try`: starts the real engine over the store's history; ask `GET /policies/try/:id` how it goes. */
export const PolicyTry = closed({
  sources: Type.Array(SourceFile, { minItems: 1, maxItems: 100 }),
  q: scopeProperties.q,
  t: scopeProperties.t,
  db: scopeProperties.db,
});
export type PolicyTry = Static<typeof PolicyTry>;
export const TryStarted = closed({ id: Type.String() });
export type TryStarted = Static<typeof TryStarted>;
/** `GET /policies/try/:id`; `DELETE` cancels. */
export const TryProgress = closed({
  id: Type.String(),
  state: word(['running', 'done', 'cancelled', 'failed'] as const),
  asked: Type.Optional(Asked),
  read: Type.Integer(),
  total: Type.Integer(),
  /** Of the history, 0 to 1. */
  share: Type.Number(),
  matched: Type.Integer(),
  rules: Type.Array(
    closed({
      id: Type.String(),
      title: Type.String(),
      severity: word(SEVERITY_NAMES),
      action: Type.String(),
      /** With these sources, and as the store's records say they were judged. */
      matches: Type.Integer(),
      before: Type.Integer(),
      /** A day, over the days read so far. */
      perDay: Type.Number(),
      examples: Type.Array(Row),
    }),
  ),
  /** Would-be alerts by day. */
  days: Type.Array(closed({ day: Type.String(), matches: Type.Integer(), before: Type.Integer() })),
  message: Type.Optional(Type.String()),
});
export type TryProgress = Static<typeof TryProgress>;

/** `POST /policies/push`: into the running sensor by its control socket; recorded. */
export const PolicyPush = closed({
  sources: Type.Array(SourceFile, { minItems: 1, maxItems: 100 }),
  reason: Type.String({ minLength: 3, maxLength: 2000 }),
  code: Type.Optional(TotpCode),
});
export type PolicyPush = Static<typeof PolicyPush>;
export const PolicyPushed = closed({ version: Type.String(), rules: Type.Integer(), since: Type.String() });
export type PolicyPushed = Static<typeof PolicyPushed>;

/** `GET /policies/diff?from&to`: versions, or `draft:NAME`. */
export const PolicyDiffQuery = closed({
  from: Type.String({ maxLength: 100 }),
  to: Type.String({ maxLength: 100 }),
});
export type PolicyDiffQuery = Static<typeof PolicyDiffQuery>;
export const PolicyDiff = closed({
  files: Type.Array(
    closed({
      name: Type.String(),
      change: word(['same', 'changed', 'added', 'removed'] as const),
      /** Runs of lines: kept, removed (`-`) or added (`+`); line numbers count from 1. */
      hunks: Type.Array(
        closed({
          fromLine: Type.Integer(),
          toLine: Type.Integer(),
          lines: Type.Array(closed({ sign: word([' ', '-', '+'] as const), text: Type.String() })),
        }),
      ),
    }),
  ),
  rulesAdded: Type.Array(Type.String()),
  rulesRemoved: Type.Array(Type.String()),
});
export type PolicyDiff = Static<typeof PolicyDiff>;
