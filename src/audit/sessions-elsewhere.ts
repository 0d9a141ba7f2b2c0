/**
 * Who speaks in sessions that other threads read, by the keys under which requests on other connections mean them
 * (`protocols/sdk/cancel.ts`). Kept where the records of all threads come together.
 */
import { createHash } from 'node:crypto';
import type { Identity } from '../contracts/event.ts';
import type { AuditRecord } from '../contracts/record.ts';
import { endUserOfProgram } from './end-user.ts';

/** What a thread says of a session. */
export interface SessionNotice {
  readonly key: string;
  /** As in `audit.session`. */
  readonly session: string;
  /** The key was given to it now. Of another that had it before, nothing more is believed. */
  readonly isNew: boolean;
  /** Who speaks in it; `undefined`: it is over. */
  readonly identity: Identity | undefined;
}

/** The keys that sessions give out are secrets: what leaves the thread is a hash. */
export function noticeKey(key: string): string {
  return createHash('sha256').update(key).digest('base64');
}

const SESSIONS_MAX = 131_072;

export class SessionsElsewhere {
  private readonly sessions = new Map<string, SessionNotice>();

  /** When `SESSIONS_MAX` are known the oldest is forgotten for a new one. */
  hear(notice: SessionNotice): void {
    const { sessions } = this;
    const { key, session, isNew, identity } = notice;
    if (!isNew && sessions.get(key)?.session !== session) return;
    if (isNew || identity === undefined) sessions.delete(key);
    if (identity === undefined) return;
    if (sessions.size >= SESSIONS_MAX && isNew) {
      const [oldest] = sessions.keys();
      if (oldest !== undefined) sessions.delete(oldest);
    }
    sessions.set(key, notice);
  }

  /** Writes down the one whom a request meant by `key` as its speaker. False when nobody is known by it. */
  describe(record: AuditRecord, key: string): boolean {
    const identity = this.sessions.get(key)?.identity;
    if (identity === undefined) return false;
    record.user = identity.user;
    record.effectiveUser = identity.effectiveUser === identity.user ? undefined : identity.effectiveUser;
    record.osUser = identity.osUser;
    record.clientHost = identity.clientHost;
    record.program = identity.program;
    record.endUser = identity.endUser ?? endUserOfProgram(identity.program);
    record.namespace = identity.database;
    record.system = identity.system;
    return true;
  }
}
