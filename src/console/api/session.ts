/** Signing in and out, first start, and a person's own password and second factor. */
import Type, { type Static } from 'typebox';
import { closed, Databases, ROLES, word } from './common.ts';

export const PASSWORD_CHARS_MIN = 12;
const PASSWORD_CHARS_MAX = 1024;

const Name = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9._@-]+$' });
const NewPassword = Type.String({ minLength: PASSWORD_CHARS_MIN, maxLength: PASSWORD_CHARS_MAX });
const GivenPassword = Type.String({ minLength: 1, maxLength: PASSWORD_CHARS_MAX });
export const TotpCode = Type.String({ pattern: '^[0-9]{6}$' });

/** `GET /session`. Without a sign-in, `person` is absent. */
export const Session = closed({
  version: Type.String(),
  /** Nobody exists yet: only `POST /setup` is possible. */
  setupNeeded: Type.Boolean(),
  /** The store's directory name and extent, for the frame of the page; only when signed in. */
  store: Type.Optional(
    closed({
      name: Type.String(),
      records: Type.Integer(),
      first: Type.Optional(Type.String()),
      last: Type.Optional(Type.String()),
    }),
  ),
  person: Type.Optional(
    closed({
      name: Type.String(),
      role: word(ROLES),
      databases: Databases,
      totp: Type.Boolean(),
      signedInAt: Type.String(),
      expiresAt: Type.String(),
    }),
  ),
  /** Whether a sensor can be asked (a control socket was given). */
  sensor: Type.Boolean(),
  /** Whether a policy is pushed only from a draft that somebody else kept. */
  twoToPush: Type.Boolean(),
});
export type Session = Static<typeof Session>;

/** `POST /login`; sets the cookie. 401 `code-needed` when the person has a second factor and `code` is absent. */
export const Login = closed({ name: Name, password: GivenPassword, code: Type.Optional(TotpCode) });
export type Login = Static<typeof Login>;

/** `POST /setup`: makes the first administrator by the link printed at the first start, and signs in. */
export const Setup = closed({
  token: Type.String({ minLength: 1, maxLength: 100 }),
  name: Name,
  password: NewPassword,
});
export type Setup = Static<typeof Setup>;

/** `POST /invitation`: takes the one-time link of a new or reset person, sets the password and signs in. */
export const Invitation = closed({ token: Type.String({ minLength: 1, maxLength: 100 }), password: NewPassword });
export type Invitation = Static<typeof Invitation>;

/** `POST /password`; ends the person's other sign-ins. */
export const PasswordChange = closed({ old: GivenPassword, new: NewPassword });
export type PasswordChange = Static<typeof PasswordChange>;

/** `POST /totp/enrol`. Nothing changes until `POST /totp/confirm` shows a code. */
export const TotpEnrol = closed({ password: GivenPassword });
export type TotpEnrol = Static<typeof TotpEnrol>;
export const TotpSecret = closed({
  secret: Type.String(),
  /** `otpauth://totp/…`, to be drawn as a QR code. */
  uri: Type.String(),
});
export type TotpSecret = Static<typeof TotpSecret>;
export const TotpConfirm = closed({ code: TotpCode });
export type TotpConfirm = Static<typeof TotpConfirm>;
/** `POST /totp/remove`. */
export const TotpRemove = closed({ password: GivenPassword, code: TotpCode });
export type TotpRemove = Static<typeof TotpRemove>;

/** `GET /session/sign-ins`: where this person is signed in. `DELETE /session/sign-ins/:id` ends one. */
export const SignIns = closed({
  signIns: Type.Array(
    closed({
      id: Type.String(),
      current: Type.Boolean(),
      since: Type.String(),
      lastSeen: Type.String(),
      address: Type.String(),
      agent: Type.String(),
    }),
  ),
});
export type SignIns = Static<typeof SignIns>;

export { Name as PersonName, NewPassword };
