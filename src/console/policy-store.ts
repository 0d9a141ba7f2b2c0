/** Policies the console knows: versions kept beside the store (`sensor/policy-archive.ts`) and drafts of its own. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { PolicySource } from '../policy/source.ts';
import { POLICY_FOLDER } from '../sensor/policy-archive.ts';
import type { Draft, PolicyVersion, RuleInfo, SourceFile } from './api/policies.ts';
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

interface ArchivedPolicy {
  readonly version: string;
  readonly sources: readonly PolicySource[];
  readonly rules: readonly RuleInfo[];
}

const DRAFTS_MAX = 200;
const VERSIONS_SHOWN = 200;
const FILE = /^([0-9a-f]{12})\.json$/;

export class PolicyStore {
  private readonly folder: string;
  private readonly db: StateDb;

  constructor(store: string, db: StateDb) {
    this.folder = join(store, POLICY_FOLDER);
    this.db = db;
  }

  /** Newest first; a version is there once it judged a record, or was put in force. */
  versions(inForce: string | undefined): PolicyVersion[] {
    const files = this.files().slice(0, VERSIONS_SHOWN);
    return files.flatMap(({ version, savedMs }) => {
      try {
        const { rules, sources } = this.read(version);
        const counts = { rules: rules.length, files: sources.length };
        return [{ version, savedAt: isoOf(savedMs), ...counts, inForce: version === inForce, judged: true }];
      } catch {
        return []; // a file that cannot be read is no version one could show
      }
    });
  }

  newest(): string | undefined {
    return this.files()[0]?.version;
  }

  /** Throws `not-found`. */
  version(version: string): { sources: SourceFile[]; rules: RuleInfo[] } {
    try {
      const { sources, rules } = this.read(version);
      return { sources: filesOf(sources), rules: rules.map((rule) => ({ ...rule, file: basename(rule.file) })) };
    } catch {
      throw new ConsoleError('not-found', `there is no policy version ${version}`);
    }
  }

  drafts(): Draft[] {
    return this.db.prepare<[], DraftRow>('SELECT * FROM draft ORDER BY saved_ms DESC').all().map(describeDraft);
  }

  /** Throws `not-found`. */
  draft(name: string): { draft: Draft; sources: SourceFile[] } {
    const row = this.db.prepare<[string], DraftRow>('SELECT * FROM draft WHERE name = ?').get(name);
    if (row === undefined) throw new ConsoleError('not-found', `there is no draft named ${name}`);
    return { draft: describeDraft(row), sources: JSON.parse(row.sources) as SourceFile[] };
  }

  /** Throws `conflict` when it was saved by someone since `previous`. */
  saveDraft(
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
    return this.draft(name).draft;
  }

  /** Throws `not-found`. */
  removeDraft(name: string): void {
    if (this.db.prepare('DELETE FROM draft WHERE name = ?').run(name).changes === 0)
      throw new ConsoleError('not-found', `there is no draft named ${name}`);
  }

  /** A version, or a draft as `draft:NAME`. Throws `not-found`. */
  sourcesOf(name: string): SourceFile[] {
    return name.startsWith('draft:') ? this.draft(name.slice('draft:'.length)).sources : this.version(name).sources;
  }

  private read(version: string): ArchivedPolicy {
    if (!FILE.test(`${version}.json`)) throw new Error('no version');
    return JSON.parse(readFileSync(join(this.folder, `${version}.json`), 'utf8')) as ArchivedPolicy;
  }

  private files(): { version: string; savedMs: number }[] {
    let names: string[];
    try {
      names = readdirSync(this.folder);
    } catch {
      return []; // no policy judged a record of this store yet
    }
    const files = names.flatMap((name) => {
      const version = FILE.exec(name)?.[1];
      const stat = statSync(join(this.folder, name), { throwIfNoEntry: false });
      return version === undefined || stat === undefined ? [] : [{ version, savedMs: stat.mtimeMs }];
    });
    return files.sort((a, b) => b.savedMs - a.savedMs);
  }
}

/** Files by their own names: where they lay on the sensor's machine is of no use here. */
function filesOf(sources: readonly PolicySource[]): SourceFile[] {
  return sources.map(({ name, text }) => ({ name: basename(name), text }));
}

function describeDraft({ name, by, saved_ms, base, note }: DraftRow): Draft {
  return { name, by, savedAt: isoOf(saved_ms), ...(base === null ? {} : { base }), note };
}
