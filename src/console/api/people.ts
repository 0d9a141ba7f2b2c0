/** People and rights, and API tokens. */
import Type, { type Static } from 'typebox';
import { closed, Databases, ROLES, word } from './common.ts';
import { PersonName, TotpCode } from './session.ts';

export const Person = closed({
  name: Type.String(),
  role: word(ROLES),
  databases: Databases,
  totp: Type.Boolean(),
  disabled: Type.Boolean(),
  /** Until then nobody signs in under this name: too many wrong passwords. */
  lockedUntil: Type.Optional(Type.String()),
  /** Made or reset, the one-time link not used yet. */
  invited: Type.Boolean(),
  createdAt: Type.String(),
  lastSignIn: Type.Optional(Type.String()),
  signIns: Type.Integer(),
});
export type Person = Static<typeof Person>;

/** `GET /people`. */
export const People = closed({
  people: Type.Array(Person),
  rights: Type.Array(
    closed({
      /** What may be done, in words. */
      action: Type.String(),
      /** The least role that may do it. */
      role: word(ROLES),
    }),
  ),
});
export type People = Static<typeof People>;

/** Administrators with a second factor show a code for everything that changes rights. */
const step = { code: Type.Optional(TotpCode) };

/** `POST /people`. */
export const PersonCreate = closed({
  name: PersonName,
  role: word(ROLES),
  /** Absent: all. Administrators see all. */
  databases: Type.Optional(Databases),
  ...step,
});
export type PersonCreate = Static<typeof PersonCreate>;
/** Answer to creating and resetting: the link to hand over, shown once. Relative to the console's address. */
export const InvitationLink = closed({ link: Type.String(), expiresAt: Type.String() });
export type InvitationLink = Static<typeof InvitationLink>;
/** `PATCH /people/:name`. */
export const PersonChange = closed({
  role: Type.Optional(word(ROLES)),
  databases: Type.Optional(Databases),
  disabled: Type.Optional(Type.Boolean()),
  ...step,
});
export type PersonChange = Static<typeof PersonChange>;
/** `POST /people/:name/reset`: password and second factor are void, sign-ins end, a new link is made. */
export const PersonReset = closed(step);
export type PersonReset = Static<typeof PersonReset>;

export const ApiToken = closed({
  id: Type.String(),
  name: Type.String(),
  role: word(ROLES),
  databases: Databases,
  createdBy: Type.String(),
  createdAt: Type.String(),
  expiresAt: Type.Optional(Type.String()),
  lastUsed: Type.Optional(Type.String()),
  revoked: Type.Boolean(),
});
export type ApiToken = Static<typeof ApiToken>;
/** `GET /tokens`. `DELETE /tokens/:id` revokes. */
export const ApiTokens = closed({ tokens: Type.Array(ApiToken) });
export type ApiTokens = Static<typeof ApiTokens>;
/** `POST /tokens`. Tokens of an administrator's role are not made. */
export const TokenCreate = closed({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  role: word(['viewer', 'auditor'] as const),
  /** Absent: all. */
  databases: Type.Optional(Databases),
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
  ...step,
});
export type TokenCreate = Static<typeof TokenCreate>;
/** The token itself, shown once. */
export const TokenSecret = closed({ id: Type.String(), token: Type.String() });
export type TokenSecret = Static<typeof TokenSecret>;
