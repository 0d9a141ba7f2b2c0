/** Runs of reports and their schedules. A finished run keeps its files as they were made. */
import { createHash } from 'node:crypto';
import { formatTime } from '../../base/time.ts';
import { readDatabases, shownDatabases, writeDatabases } from '../access/databases.ts';
import type { Receiver, ReportKind, ReportRun, Reports, Schedule } from '../api/reports.ts';
import { ConsoleError } from '../error.ts';
import { covers, type Limit } from '../reads/limit.ts';
import type { ReadPool } from '../reads/pool.ts';
import { isoOf, newId, type StateDb } from '../state.ts';
import { CATALOGUE, type ReportRequest } from './model.ts';
import { ReportReceivers } from './receivers.ts';
import { nextRun, type Period, periodBefore } from './schedule.ts';
import { Signatures } from './signatures.ts';

interface RunRow {
  readonly id: string;
  readonly kind: ReportKind;
  readonly q: string;
  readonly from_us: number;
  readonly to_us: number;
  readonly created_ms: number;
  readonly by: string;
  readonly state: ReportRun['state'];
  readonly message: string | null;
  readonly records: number | null;
  readonly pdf_sha256: string | null;
  readonly html_sha256: string | null;
  readonly databases: string | null;
}

interface ScheduleRow {
  readonly id: string;
  readonly kind: ReportKind;
  readonly q: string;
  readonly every: Period;
  readonly hour: number;
  readonly by: string;
  readonly next_ms: number;
  readonly last_ms: number | null;
  readonly databases: string | null;
  readonly receivers: string | null;
}

/** Of older runs the list stays, and their files go: they can be made again from the store. */
const FILES_KEPT = 200;
const RUNS_SHOWN = 200;
const SCHEDULES_MAX = 100;
const TICK_MS = 30_000;
const COLUMNS =
  'id, kind, q, from_us, to_us, created_ms, by, state, message, records, pdf_sha256, html_sha256, databases';

export type NewRun = Pick<ReportRequest, 'kind' | 'q' | 'db' | 'fromUs' | 'toUs' | 'by' | 'sight'> & {
  readonly receivers?: readonly Receiver[];
};

/** Rights as a row keeps them. */
type LimitOf = (row: { readonly databases: string | null }) => Limit | undefined;

export class ReportRuns {
  private readonly db: StateDb;
  private readonly reads: ReadPool;
  private readonly version: string;
  private readonly limitOf: LimitOf;
  readonly signatures: Signatures;
  readonly receivers: ReportReceivers;
  private timer: NodeJS.Timeout | undefined;

  constructor(db: StateDb, reads: ReadPool, version: string, limitOf: LimitOf) {
    this.db = db;
    this.reads = reads;
    this.version = version;
    this.limitOf = limitOf;
    this.signatures = new Signatures(db);
    this.receivers = new ReportReceivers(db, limitOf);
    // Those that an earlier process was making will not be finished.
    db.prepare("UPDATE report SET state = 'failed', message = 'the console ended' WHERE state = 'running'").run();
  }

  /** Makes what is due, from now on. `noted` is called before each run. */
  startSchedules(noted: (run: ReportRun) => void): void {
    this.timer = setInterval(() => this.runDue(Date.now(), noted), TICK_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  runDue(nowMs: number, noted: (run: ReportRun) => void): void {
    const due = this.db.prepare<[number], ScheduleRow>('SELECT * FROM schedule WHERE next_ms <= ?').all(nowMs);
    for (const row of due) {
      const { id, kind, q, every, hour, by, next_ms } = row;
      // With the rights of who planned it. Who has fewer now cannot read it either.
      const sight = { literals: true, limit: this.limitOf(row) };
      const { fromMs, toMs } = periodBefore(every, next_ms);
      this.db
        .prepare('UPDATE schedule SET last_ms = ?, next_ms = ? WHERE id = ?')
        .run(nowMs, nextRun(every, hour, nowMs), id);
      const receivers = receiversOf(row);
      noted(this.start({ kind, q, db: undefined, fromUs: fromMs * 1000, toUs: toMs * 1000, by, sight, receivers }));
    }
  }

  start(run: NewRun): ReportRun {
    const id = newId();
    const createdMs = Date.now();
    const { receivers = [], ...asking } = run;
    const { kind, q, db, fromUs, toUs, by, sight } = asking;
    const asked = [q, db === undefined ? '' : `db:${db}`].join(' ').trim();
    this.db
      .prepare(
        `INSERT INTO report (id, kind, q, from_us, to_us, created_ms, by, databases, state)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'running')`,
      )
      .run(id, kind, asked, fromUs, toUs, createdMs, by, writeDatabases(sight.limit?.databases));
    this.receivers.add(id, receivers);
    void this.make(id, {
      ...asking,
      createdAt: isoOf(createdMs),
      version: this.version,
      decisions: kind === 'alerts' ? this.decisions(fromUs, toUs, sight.limit) : [],
      trail: kind === 'console' ? this.trail(fromUs, toUs) : [],
    });
    return this.get(id, sight.limit);
  }

  /** Throws `not-found`, also for a report with more in it than may be seen. */
  get(id: string, limit: Limit | undefined): ReportRun {
    const row = this.db.prepare<[string], RunRow>(`SELECT ${COLUMNS} FROM report WHERE id = ?`).get(id);
    if (row === undefined || !covers(limit, readDatabases(row.databases)))
      throw new ConsoleError('not-found', 'there is no such report');
    return this.describe(row);
  }

  /** Those with nothing in them that may not be seen, the newest first. */
  list(limit: Limit | undefined): ReportRun[] {
    const runs: ReportRun[] = [];
    const rows = this.db.prepare<[], RunRow>(`SELECT ${COLUMNS} FROM report ORDER BY created_ms DESC`);
    for (const row of rows.iterate()) {
      if (covers(limit, readDatabases(row.databases))) runs.push(this.describe(row));
      if (runs.length >= RUNS_SHOWN) break;
    }
    return runs;
  }

  /** Throws `not-found`. */
  file(id: string, format: 'pdf' | 'html', limit: Limit | undefined): Buffer {
    this.get(id, limit);
    const bytes = this.db.prepare<[string], Buffer | null>(`SELECT ${format} FROM report WHERE id = ?`).pluck().get(id);
    if (bytes === undefined || bytes === null)
      throw new ConsoleError('not-found', 'this report is not ready, or its files were given up: make it again');
    return bytes;
  }

  schedules(limit: Limit | undefined): Schedule[] {
    const rows = this.db.prepare<[], ScheduleRow>('SELECT * FROM schedule ORDER BY next_ms').all();
    const shown = rows.filter(({ databases }) => covers(limit, readDatabases(databases)));
    return shown.map((row) => ({
      id: row.id,
      kind: row.kind,
      q: row.q,
      every: row.every,
      hour: row.hour,
      by: row.by,
      next: isoOf(row.next_ms),
      ...(row.last_ms === null ? {} : { last: isoOf(row.last_ms) }),
      receivers: receiversOf(row),
    }));
  }

  schedule(
    plan: Pick<ScheduleRow, 'kind' | 'q' | 'every' | 'hour' | 'by'> & {
      readonly limit: Limit | undefined;
      readonly receivers?: readonly Receiver[];
    },
  ): string {
    const count = this.db.prepare<[], number>('SELECT count(*) FROM schedule').pluck().get() ?? 0;
    if (count >= SCHEDULES_MAX) throw new ConsoleError('refused', `there are ${SCHEDULES_MAX} schedules already`);
    const id = newId();
    const { kind, q, every, hour, by, limit, receivers = [] } = plan;
    this.db
      .prepare(
        `INSERT INTO schedule (id, kind, q, every, hour, by, next_ms, databases, receivers)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        ...([id, kind, q, every, hour, by, nextRun(every, hour, Date.now())] as const),
        ...([writeDatabases(limit?.databases), JSON.stringify(receivers)] as const),
      );
    return id;
  }

  /** Throws `not-found`. */
  removeSchedule(id: string, limit: Limit | undefined): void {
    if (!this.schedules(limit).some((schedule) => schedule.id === id))
      throw new ConsoleError('not-found', 'there is no such schedule');
    this.db.prepare('DELETE FROM schedule WHERE id = ?').run(id);
  }

  /** What somebody has to read or sign, of what they may read now. */
  todo(who: string, limit: Limit | undefined): Reports['todo'] {
    const own = this.receivers.todo(who).filter(({ databases }) => covers(limit, databases));
    return own.map(({ report, must }) => ({ must, run: this.get(report, limit) }));
  }

  private describe(row: RunRow): ReportRun {
    return { ...describeRun(row), signatures: this.signatures.of(row.id), receivers: this.receivers.of(row.id) };
  }

  private async make(id: string, request: ReportRequest): Promise<void> {
    try {
      for await (const { records, html, pdf } of this.reads.stream('report', request)) {
        this.db
          .prepare(
            "UPDATE report SET state = 'done', records = ?, pdf = ?, html = ?, pdf_sha256 = ?, html_sha256 = ? WHERE id = ?",
          )
          .run(records, pdf, Buffer.from(html), sha256(pdf), sha256(html), id);
      }
      const old = 'SELECT id FROM report ORDER BY created_ms DESC LIMIT -1 OFFSET ?';
      this.db.prepare(`UPDATE report SET pdf = NULL, html = NULL WHERE id IN (${old})`).run(FILES_KEPT);
    } catch (error) {
      // The console may be closing, and its file with it.
      if (this.db.open)
        this.db
          .prepare("UPDATE report SET state = 'failed', message = ? WHERE id = ?")
          .run((error as Error).message, id);
    }
  }

  /** Reasons speak of what who decided could see. */
  private decisions(fromUs: number, toUs: number, limit: Limit | undefined): string[][] {
    const sql = `SELECT time_ms, databases, who, group_id, state, verdict, reason FROM decision
      WHERE time_ms BETWEEN ? AND ? ORDER BY seq`;
    return this.rows(sql, fromUs, toUs)
      .filter(([, databases]) => covers(limit, readDatabases(databases ?? null)))
      .map(([timeMs, , ...texts]) => textsOf(timeMs, texts));
  }

  private trail(fromUs: number, toUs: number): string[][] {
    const sql = `SELECT time_ms, who, address, action, subject, detail FROM trail
      WHERE time_ms BETWEEN ? AND ? ORDER BY seq`;
    return this.rows(sql, fromUs, toUs).map(([timeMs, ...texts]) => textsOf(timeMs, texts));
  }

  /** Rows of a range, by their first column, a time in milliseconds. */
  private rows(sql: string, fromUs: number, toUs: number): TextRow[] {
    return this.db
      .prepare<[number, number], TextRow>(sql)
      .raw()
      .all(Math.ceil(fromUs / 1000), Math.ceil(toUs / 1000) - 1);
  }
}

type TextRow = [timeMs: number, ...texts: (string | null)[]];

function textsOf(timeMs: number, texts: readonly (string | null)[]): string[] {
  return [isoOf(timeMs).slice(0, 19), ...texts.map((text) => text ?? '')];
}

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

function receiversOf({ receivers }: ScheduleRow): Receiver[] {
  return receivers === null ? [] : (JSON.parse(receivers) as Receiver[]);
}

function describeRun(row: RunRow): Omit<ReportRun, 'signatures' | 'receivers'> {
  return {
    id: row.id,
    kind: row.kind,
    title: CATALOGUE[row.kind].title,
    from: formatTime(row.from_us),
    to: formatTime(row.to_us),
    q: row.q,
    createdAt: isoOf(row.created_ms),
    by: row.by,
    databases: shownDatabases(row.databases),
    state: row.state,
    ...(row.message === null ? {} : { message: row.message }),
    ...(row.records === null ? {} : { records: row.records }),
    ...(row.pdf_sha256 === null ? {} : { pdfSha256: row.pdf_sha256 }),
    ...(row.html_sha256 === null ? {} : { htmlSha256: row.html_sha256 }),
  };
}
