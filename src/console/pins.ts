/** Pinned records, by person. */
import { PINS_MAX } from './api/pins.ts';
import { ConsoleError } from './error.ts';
import type { PinnedPlace } from './reads/pinned.ts';
import type { StateDb } from './state.ts';

interface PinRow {
  readonly record: string;
  readonly time_us: number;
  readonly pinned_ms: number;
}

export class PinnedRecords {
  private readonly db: StateDb;

  constructor(db: StateDb) {
    this.db = db;
  }

  /** The newest first. */
  of(who: string): readonly (PinnedPlace & { readonly pinnedMs: number })[] {
    return this.db
      .prepare<[string], PinRow>('SELECT * FROM pin WHERE person = ? ORDER BY pinned_ms DESC, record')
      .all(who)
      .map(({ record, time_us, pinned_ms }) => ({ id: record, timeUs: time_us, pinnedMs: pinned_ms }));
  }

  /** Pinning again changes nothing. Throws `refused` when there are too many. */
  add(who: string, { id, timeUs }: PinnedPlace): void {
    const count = this.db.prepare<[string], number>('SELECT count(*) FROM pin WHERE person = ?').pluck().get(who) ?? 0;
    if (count >= PINS_MAX) throw new ConsoleError('refused', `you have ${PINS_MAX} pinned records: take some away`);
    this.db.prepare('INSERT OR IGNORE INTO pin VALUES (?, ?, ?, ?)').run(who, id, timeUs, Date.now());
  }

  remove(who: string, id: string): void {
    this.db.prepare('DELETE FROM pin WHERE person = ? AND record = ?').run(who, id);
  }

  /** Also of those that are not listed any more. */
  removeAll(who: string): void {
    this.db.prepare('DELETE FROM pin WHERE person = ?').run(who);
  }
}
