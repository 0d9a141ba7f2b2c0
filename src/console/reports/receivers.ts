/** Receivers of reports: who has to read one, or to sign it, and whether they did. */
import { hasRole } from '../access/access.ts';
import { readDatabases } from '../access/databases.ts';
import type { PersonRow } from '../access/people.ts';
import type { Receiver, ReportKind, ReportRun, ReportTask } from '../api/reports.ts';
import { ConsoleError } from '../error.ts';
import { covers, type Limit } from '../reads/limit.ts';
import { isoOf, type StateDb } from '../state.ts';
import { isFor } from './model.ts';

interface ReceiverRow {
  readonly report: string;
  readonly person: string;
  readonly must: ReportTask;
  readonly done_ms: number | null;
}

const TODO_MAX = 200;

type LimitOf = (row: { readonly databases: string | null }) => Limit | undefined;

export class ReportReceivers {
  private readonly db: StateDb;
  private readonly limitOf: LimitOf;

  constructor(db: StateDb, limitOf: LimitOf) {
    this.db = db;
    this.limitOf = limitOf;
  }

  /** Names of those who can be one. */
  candidates(): string[] {
    const people = this.db.prepare<[], PersonRow>('SELECT * FROM person WHERE disabled = 0 ORDER BY name').all();
    return people.filter(({ role }) => hasRole(role, 'auditor')).map(({ name }) => name);
  }

  /**
   * With the names as they are kept. Throws `bad-request` for somebody who is named twice, or who cannot read a report of this
   * kind with the records of these databases.
   */
  checked(receivers: readonly Receiver[], kind: ReportKind, made: Limit | undefined): Receiver[] {
    const known = new Set<string>();
    return receivers.map(({ who, must }) => {
      const person = this.db.prepare<[string], PersonRow>('SELECT * FROM person WHERE name = ?').get(who);
      const limit = person && this.limitOf(person);
      if (person === undefined || person.disabled !== 0 || !hasRole(person.role, 'auditor'))
        throw new ConsoleError(
          'bad-request',
          `${who} cannot be a receiver: only auditors and administrators read reports`,
        );
      if (!isFor(kind, limit) || !covers(limit, made?.databases))
        throw new ConsoleError('bad-request', `${who} may not see all that is in this report`);
      if (known.has(person.name)) throw new ConsoleError('bad-request', `${who} is named twice`);
      known.add(person.name);
      return { who: person.name, must };
    });
  }

  add(report: string, receivers: readonly Receiver[]): void {
    const insert = this.db.prepare('INSERT INTO receiver (report, person, must) VALUES (?, ?, ?)');
    for (const { who, must } of receivers) insert.run(report, who, must);
  }

  of(report: string): ReportRun['receivers'] {
    return this.db
      .prepare<[string], ReceiverRow>('SELECT * FROM receiver WHERE report = ? ORDER BY rowid')
      .all(report)
      .map(({ person, must, done_ms }) => ({
        who: person,
        must,
        ...(done_ms === null ? {} : { doneAt: isoOf(done_ms) }),
      }));
  }

  /** Who signs has read it; who reads it has not signed. */
  done(report: string, who: string, task: ReportTask): void {
    this.db
      .prepare(
        `UPDATE receiver SET done_ms = @now WHERE report = @report AND person = @who AND done_ms IS NULL
           AND (must = @task OR @task = 'sign')`,
      )
      .run({ report, who, task, now: Date.now() });
  }

  /** Finished reports, as long as their files are kept, with what somebody has to do with them; the oldest first. */
  todo(
    who: string,
  ): { readonly report: string; readonly must: ReportTask; readonly databases: readonly string[] | undefined }[] {
    return this.db
      .prepare<[string, number], ReceiverRow & { readonly databases: string | null }>(
        `SELECT receiver.*, databases FROM receiver JOIN report ON id = report
         WHERE person = ? AND done_ms IS NULL AND state = 'done' AND pdf IS NOT NULL ORDER BY created_ms LIMIT ?`,
      )
      .all(who, TODO_MAX)
      .map(({ report, must, databases }) => ({ report, must, databases: readDatabases(databases) }));
  }
}
