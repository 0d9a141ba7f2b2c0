/** People who may use the console: their roles, passwords, second factors, and the links by which they first come in. */

import type { Static } from 'typebox';
import { DAY_MS } from '../../base/time.ts';
import type { Databases, Role } from '../api/common.ts';
import type { Person as PersonView } from '../api/people.ts';
import { ConsoleError } from '../error.ts';
import { digestOf, isoOf, newSecret, type StateDb } from '../state.ts';
import { Attempts } from './attempts.ts';
import { checkedDatabases, shownDatabases, writeDatabases } from './databases.ts';
import { checkStrength, hashPassword, verifyPassword } from './password.ts';
import { fromBase32, newTotpSecret, totpStep, totpUri } from './totp.ts';

export interface PersonRow {
  readonly name: string;
  readonly role: Role;
  readonly databases: string | null;
  readonly password: string | null;
  readonly totp_secret: string | null;
  readonly totp_pending: string | null;
  readonly totp_step: number;
  readonly disabled: number;
  readonly created_ms: number;
  readonly signed_in_ms: number | null;
  readonly invitation: string | null;
  readonly invitation_ms: number | null;
}

const INVITATION_MS = 3 * DAY_MS;
const PEOPLE_MAX = 1000;
const REFUSED = 'name, password or code is wrong';

export class People {
  readonly attempts: Attempts;
  private readonly db: StateDb;

  constructor(db: StateDb) {
    this.db = db;
    this.attempts = new Attempts(db);
  }

  isEmpty(): boolean {
    return this.db.prepare<[], number>('SELECT count(*) FROM person').pluck().get() === 0;
  }

  find(name: string): PersonRow | undefined {
    return this.db.prepare<[string], PersonRow>('SELECT * FROM person WHERE name = ?').get(name);
  }

  /** Throws `not-found`. */
  get(name: string): PersonRow {
    const person = this.find(name);
    if (person === undefined) throw new ConsoleError('not-found', `there is nobody named ${name}`);
    return person;
  }

  list(): Static<typeof PersonView>[] {
    const rows = this.db
      .prepare<[number], PersonRow & { sign_ins: number }>(
        `SELECT p.*, (SELECT count(*) FROM sign_in s WHERE s.person = p.name AND s.ends_ms > ?) AS sign_ins
         FROM person p ORDER BY p.name`,
      )
      .all(Date.now());
    return rows.map((row) => {
      const lockedMs = this.attempts.lockedUntil(row.name);
      return {
        name: row.name,
        role: row.role,
        databases: shownDatabases(row.databases),
        totp: row.totp_secret !== null,
        disabled: row.disabled !== 0,
        ...(lockedMs > Date.now() ? { lockedUntil: isoOf(lockedMs) } : {}),
        invited: row.password === null,
        createdAt: isoOf(row.created_ms),
        ...(row.signed_in_ms === null ? {} : { lastSignIn: isoOf(row.signed_in_ms) }),
        signIns: row.sign_ins,
      };
    });
  }

  /** The first administrator; only while there is nobody. */
  async createFirst(name: string, password: string): Promise<PersonRow> {
    checkStrength(password, name);
    const hashed = await hashPassword(password);
    // Looked at again: hashing took a while.
    if (!this.isEmpty()) throw new ConsoleError('conflict', 'the first administrator exists already: sign in');
    this.db
      .prepare("INSERT INTO person (name, role, password, created_ms) VALUES (?, 'administrator', ?, ?)")
      .run(name, hashed, Date.now());
    return this.get(name);
  }

  /** A person without a password; gives the secret of the link by which they set one. */
  create(name: string, role: Role, databases: readonly string[] | undefined): Invitation {
    if (this.find(name) !== undefined) throw new ConsoleError('conflict', `${name} exists already`);
    const count = this.db.prepare<[], number>('SELECT count(*) FROM person').pluck().get() ?? 0;
    if (count >= PEOPLE_MAX) throw new ConsoleError('refused', `there are ${PEOPLE_MAX} people already`);
    this.db
      .prepare('INSERT INTO person (name, role, databases, created_ms) VALUES (?, ?, ?, ?)')
      .run(name, role, writeDatabases(databases), Date.now());
    return this.invite(name);
  }

  /** Password and second factor are void from now on. */
  reset(name: string): Invitation {
    const person = this.get(name);
    this.db
      .prepare('UPDATE person SET password = NULL, totp_secret = NULL, totp_pending = NULL WHERE name = ?')
      .run(person.name);
    this.attempts.forget(person.name);
    return this.invite(person.name);
  }

  /** Throws `conflict` when nobody could administer any more, `bad-request` for rights that do not go together. */
  change(
    name: string,
    change: { readonly role?: Role; readonly databases?: Databases; readonly disabled?: boolean },
  ): void {
    const person = this.get(name);
    const role = change.role ?? person.role;
    const disabled = change.disabled ?? person.disabled !== 0;
    const administers = person.role === 'administrator' && person.disabled === 0;
    if (administers && (role !== 'administrator' || disabled) && this.administrators() === 1)
      throw new ConsoleError('conflict', 'this is the last administrator: make another one first');
    const databases = checkedDatabases(role, change.databases ?? shownDatabases(person.databases));
    this.db
      .prepare('UPDATE person SET role = ?, databases = ?, disabled = ? WHERE name = ?')
      .run(role, writeDatabases(databases), disabled ? 1 : 0, person.name);
  }

  /** The person whose link this is, with the password set. Throws `not-found`. */
  async acceptInvitation(secret: string, password: string): Promise<PersonRow> {
    const find = (): PersonRow => {
      const person = this.db
        .prepare<[string, number], PersonRow>('SELECT * FROM person WHERE invitation = ? AND invitation_ms > ?')
        .get(digestOf(secret), Date.now());
      if (person === undefined || person.disabled !== 0)
        throw new ConsoleError('not-found', 'this link was used already, or is too old: ask for another one');
      return person;
    };
    const { name } = find();
    await this.setPassword(name, password, find);
    return this.get(name);
  }

  /** `check` throws when, after the time that hashing took, the change is no longer right. */
  async setPassword(name: string, password: string, check: () => void = () => undefined): Promise<void> {
    checkStrength(password, name);
    const hashed = await hashPassword(password);
    check();
    this.db.prepare('UPDATE person SET password = ?, invitation = NULL WHERE name = ?').run(hashed, name);
  }

  /** Throws `locked`, `sign-in-refused`, `code-needed` or `code-wrong`; who asks learns nothing of names. */
  async signIn(name: string, password: string, code: string | undefined): Promise<PersonRow> {
    this.attempts.check(name);
    const person = this.find(name);
    const isRight = await verifyPassword(person?.password, password);
    if (!isRight || person === undefined || person.disabled !== 0) {
      this.attempts.failed(name);
      throw new ConsoleError('sign-in-refused', REFUSED);
    }
    if (person.totp_secret !== null) {
      if (code === undefined) throw new ConsoleError('code-needed', 'a code of the authenticator app is needed');
      this.useCode(person, code);
    }
    this.attempts.forget(person.name);
    return person;
  }

  /** By password or by a link: the person is in. */
  noteSignIn(name: string): void {
    this.db.prepare('UPDATE person SET signed_in_ms = ? WHERE name = ?').run(Date.now(), name);
  }

  /** Throws `sign-in-refused` when the password is not theirs; counts as an attempt. */
  async checkPassword(name: string, password: string): Promise<void> {
    this.attempts.check(name);
    if (await verifyPassword(this.find(name)?.password, password)) return;
    this.attempts.failed(name);
    throw new ConsoleError('sign-in-refused', 'the password is wrong');
  }

  /** Takes a code, once. Throws `code-wrong`. */
  useCode(person: PersonRow, code: string): void {
    this.attempts.check(person.name);
    const step = totpStep(fromBase32(person.totp_secret ?? ''), code, Date.now(), this.get(person.name).totp_step);
    if (step === undefined) {
      this.attempts.failed(person.name);
      throw new ConsoleError('code-wrong', 'the code is wrong, or was used already: wait for the next one');
    }
    this.db.prepare('UPDATE person SET totp_step = ? WHERE name = ?').run(step, person.name);
  }

  enrolTotp(name: string): { secret: string; uri: string } {
    const secret = newTotpSecret();
    this.db.prepare('UPDATE person SET totp_pending = ? WHERE name = ?').run(secret, name);
    return { secret, uri: totpUri(secret, name) };
  }

  /** From now on a code is asked for. Throws `code-wrong`. */
  confirmTotp(name: string, code: string): void {
    const { totp_pending } = this.get(name);
    if (totp_pending === null) throw new ConsoleError('conflict', 'nothing to confirm: begin with a new secret');
    const step = totpStep(fromBase32(totp_pending), code, Date.now(), 0);
    if (step === undefined)
      throw new ConsoleError('code-wrong', 'the code is wrong: is the clock of the device right?');
    this.db
      .prepare('UPDATE person SET totp_secret = totp_pending, totp_pending = NULL, totp_step = ? WHERE name = ?')
      .run(step, name);
  }

  removeTotp(name: string): void {
    this.db.prepare('UPDATE person SET totp_secret = NULL, totp_pending = NULL WHERE name = ?').run(name);
  }

  private administrators(): number {
    const sql = "SELECT count(*) FROM person WHERE role = 'administrator' AND disabled = 0 AND password IS NOT NULL";
    return this.db.prepare<[], number>(sql).pluck().get() ?? 0;
  }

  private invite(name: string): Invitation {
    const secret = newSecret();
    const untilMs = Date.now() + INVITATION_MS;
    this.db
      .prepare('UPDATE person SET invitation = ?, invitation_ms = ? WHERE name = ?')
      .run(digestOf(secret), untilMs, name);
    return { secret, expiresAt: isoOf(untilMs) };
  }
}

export interface Invitation {
  readonly secret: string;
  readonly expiresAt: string;
}
