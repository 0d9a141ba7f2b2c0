/** Records in the order in which they arrived, by sequence number: what the live page follows. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditRecord } from '../../contracts/record.ts';
import type { Filter } from '../../query/filter.ts';
import { Catalog } from '../../store/catalog.ts';
import { compileQuery, conjunction } from '../../store/compile.ts';
import { SegmentReader } from '../../store/rows.ts';
import { CATALOG_FILE } from '../../store/schema.ts';

export interface Arrival {
  /** Sequence number behind the record. */
  readonly position: number;
  readonly record: AuditRecord;
}

export class Arrivals {
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Sequence number behind the last record; 0 for an empty store. */
  end(): number {
    const last = this.segments().at(-1);
    if (last === undefined) return 0;
    const segment = new SegmentReader(last.path);
    try {
      return last.firstSeq + segment.facts.rows;
    } finally {
      segment.close();
    }
  }

  /** Those from `from` on and before `to` that meet the filter. */
  *between(filter: Filter | undefined, from: number, to: number): Generator<Arrival, void, undefined> {
    const condition = conjunction(compileQuery({ filter }).terms);
    const segments = this.segments();
    for (let i = 0; i < segments.length; i++) {
      const { path, firstSeq } = segments[i] as { path: string; firstSeq: number };
      const endSeq = segments[i + 1]?.firstSeq ?? to;
      if (endSeq <= from || firstSeq >= to) continue;
      const segment = new SegmentReader(path);
      try {
        for (const { seq } of segment.scan(condition, Math.max(from, firstSeq), Math.min(to, endSeq) - 1, 'oldest'))
          yield { position: seq + 1, record: segment.record(seq) };
      } finally {
        segment.close();
      }
    }
  }

  private segments(): { path: string; firstSeq: number }[] {
    const catalog = Catalog.open(join(this.directory, CATALOG_FILE), 'read');
    try {
      return catalog
        .segments()
        .filter(({ state }) => state === 'open' || state === 'sealed')
        .map(({ file, firstSeq }) => ({ path: join(this.directory, file), firstSeq }))
        .filter(({ path }) => existsSync(path));
    } finally {
      catalog.close();
    }
  }
}
