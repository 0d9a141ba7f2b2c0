/** Drafts of policies: kept by name, and never overwritten unseen. */
import type { Draft, SourceFile } from './api/policies.ts';
import { ConsoleError } from './error.ts';
import { isoOf, type StateDb } from './state.ts';

interface DraftRow {
  readonly name: string;
  readonly by: string;
  readonly saved_ms: number;
  readonly base: string | null;
  readonly note: string;
  readonly sources: string;
}

const DRAFTS_MAX = 200;

export class Drafts {
  private readonly db: StateDb;

  constructor(db: StateDb) {
    this.db = db;
  }

  list(): Draft[] {
    return this.db.prepare<[], DraftRow>('SELECT * FROM draft ORDER BY saved_ms DESC').all().map(describeDraft);
  }

  /** Throws `not-found`. */
  get(name: string): { draft: Draft; sources: SourceFile[] } {
    const row = this.db.prepare<[string], DraftRow>('SELECT * FROM draft WHERE name = ?').get(name);
    if (row === undefined) throw new ConsoleError('not-found', `there is no draft named ${name}`);
    return { draft: describeDraft(row), sources: JSON.parse(row.sources) as SourceFile[] };
  }

  /** The draft of exactly these files that somebody other than `who` saved last; `undefined` when there is none. */
  ofAnother(who: string, sources: readonly SourceFile[]): Draft | undefined {
    const wanted = JSON.stringify(filesByName(sources));
    return this.list().find(
      ({ name, by }) => by !== who && JSON.stringify(filesByName(this.get(name).sources)) === wanted,
    );
  }

  /** Throws `conflict` when it was saved by someone since `previous`. */
  save(
    name: string,
    by: string,
    {
      sources,
      base,
      note = '',
      previous,
    }: {
      readonly sources: readonly SourceFile[];
      readonly base?: string;
      readonly note?: string;
      readonly previous?: string;
    },
  ): Draft {
    const row = this.db.prepare<[string], DraftRow>('SELECT * FROM draft WHERE name = ?').get(name);
    if (row !== undefined && isoOf(row.saved_ms) !== previous)
      throw new ConsoleError(
        'conflict',
        `${row.by} saved this draft at ${isoOf(row.saved_ms)}: look at the difference first`,
      );
    const count = this.db.prepare<[], number>('SELECT count(*) FROM draft').pluck().get() ?? 0;
    if (row === undefined && count >= DRAFTS_MAX)
      throw new ConsoleError('refused', `there are ${DRAFTS_MAX} drafts: remove some`);
    this.db
      .prepare('INSERT OR REPLACE INTO draft (name, by, saved_ms, base, note, sources) VALUES (?, ?, ?, ?, ?, ?)')
      .run(name, by, Date.now(), base ?? null, note, JSON.stringify(sources));
    return this.get(name).draft;
  }

  /** Throws `not-found`. */
  remove(name: string): void {
    if (this.db.prepare('DELETE FROM draft WHERE name = ?').run(name).changes === 0)
      throw new ConsoleError('not-found', `there is no draft named ${name}`);
  }
}

function filesByName(sources: readonly SourceFile[]): readonly (readonly [string, string])[] {
  return sources.map(({ name, text }) => [name, text] as const).sort(([a], [b]) => (a < b ? -1 : 1));
}

function describeDraft({ name, by, saved_ms, base, note }: DraftRow): Draft {
  return { name, by, savedAt: isoOf(saved_ms), ...(base === null ? {} : { base }), note };
}
