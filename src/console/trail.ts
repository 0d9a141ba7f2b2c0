/**
 * The console's own audit trail: sign-ins, views of sensitive data, exports, changes. Entries are chained by SHA-256, so
 * that one changed or taken out of the file by other means shows; a tail cut off shows against a hash kept elsewhere.
 */
import { createHash } from 'node:crypto';
import type { StateDb } from './state.ts';

export interface TrailFacts {
  /** Person, `token:NAME`, or `console`. */
  readonly who: string;
  readonly address: string;
  /** What was done: `login`, `reveal`, `export`, … */
  readonly action: string;
  readonly subject: string;
  readonly detail?: string;
}

/** An entry as the file has it. */
export interface TrailRow {
  readonly seq: number;
  readonly time_ms: number;
  readonly who: string;
  readonly address: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
  readonly hash: string;
}

const FIELD_CHARS_MAX = 4000;
const GENESIS = '0'.repeat(64);

export class Trail {
  private readonly db: StateDb;
  /** Entries found unbroken so far, and the hash of the last of them. */
  private verifiedSeq = 0;
  private verifiedHash = GENESIS;
  private broken = false;

  constructor(db: StateDb) {
    this.db = db;
  }

  /** On disk when it returns; throws when it cannot be written, and then nothing may be done. */
  write({ who, address, action, subject, detail = '' }: TrailFacts): void {
    const last = this.db
      .prepare<[], Pick<TrailRow, 'seq' | 'hash'>>('SELECT seq, hash FROM trail ORDER BY seq DESC LIMIT 1')
      .get();
    const seq = (last?.seq ?? 0) + 1;
    const timeMs = Date.now();
    const texts = [who, address, action, subject, detail].map((text) => text.slice(0, FIELD_CHARS_MAX));
    const hash = hashOf(last?.hash ?? GENESIS, seq, timeMs, texts);
    this.db.prepare('INSERT INTO trail VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(seq, timeMs, ...texts, hash);
  }

  /** Whether every entry is as it was written and in its place; looks at those that came since it was asked last. */
  isIntact(): boolean {
    if (this.broken) return false;
    const rows = this.db.prepare<[number], TrailRow>('SELECT * FROM trail WHERE seq > ? ORDER BY seq');
    for (const row of rows.iterate(this.verifiedSeq)) {
      const { seq, time_ms, who, address, action, subject, detail, hash } = row;
      const expected = hashOf(this.verifiedHash, seq, time_ms, [who, address, action, subject, detail]);
      if (seq !== this.verifiedSeq + 1 || hash !== expected) {
        this.broken = true;
        return false;
      }
      this.verifiedSeq = seq;
      this.verifiedHash = hash;
    }
    return true;
  }
}

function hashOf(before: string, seq: number, timeMs: number, texts: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([before, seq, timeMs, ...texts]))
    .digest('hex');
}
