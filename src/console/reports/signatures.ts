/** Signatures under finished reports: who read one and stands by it, or sends it back, in the order in which they came. */
import type { ReportSign, Signature } from '../api/reports.ts';
import { ConsoleError } from '../error.ts';
import { isoOf, type StateDb } from '../state.ts';

interface SignatureRow {
  readonly report: string;
  readonly who: string;
  readonly time_ms: number;
  readonly verdict: Signature['verdict'];
  readonly comment: string;
}

export class Signatures {
  private readonly db: StateDb;

  constructor(db: StateDb) {
    this.db = db;
  }

  of(report: string): Signature[] {
    return this.db
      .prepare<[string], SignatureRow>('SELECT * FROM signature WHERE report = ? ORDER BY seq')
      .all(report)
      .map(({ who, time_ms, verdict, comment }) => ({ who, time: isoOf(time_ms), verdict, comment }));
  }

  /** Of the files with these hashes. Throws `conflict` when the person's last word was the same. */
  add(report: string, who: string, pdfSha256: string, { verdict, comment = '' }: Omit<ReportSign, 'code'>): void {
    const last = this.of(report).findLast((one) => one.who === who);
    if (last?.verdict === verdict) throw new ConsoleError('conflict', 'you have said so already');
    this.db
      .prepare('INSERT INTO signature (report, who, time_ms, verdict, comment, pdf_sha256) VALUES (?, ?, ?, ?, ?, ?)')
      .run(report, who, Date.now(), verdict, comment, pdfSha256);
  }
}
