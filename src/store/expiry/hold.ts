/**
 * Legal holds: while a hold exists, no segment expires that has a record which the hold's expression finds (a session,
 * a user, a period: `time:2026-11-20`). Held segments stay whole, do not count against the retention, and expire when
 * the hold is taken away. A hold that cannot be read any more holds everything.
 */
import { existsSync } from 'node:fs';
import { parseFilter } from '../../query/language.ts';
import { StoreError } from '../errors.ts';
import { compileQuery } from '../search/compile.ts';
import { IndexFinder } from '../search/finder.ts';
import { planSearch, searchPlaces } from '../search/search.ts';
import { Catalog, catalogOf, type Hold } from '../segment/catalog.ts';
import { indexPath, PostingIndex } from '../segment/postings.ts';
import { SegmentReader } from '../segment/rows.ts';
import type { SealedSegment } from '../segment/seal.ts';

/** The hold that keeps a sealed segment, `undefined` when it may go. */
export function holdOn(segment: SealedSegment, holds: readonly Hold[]): string | undefined {
  if (holds.length === 0) return undefined;
  return holds.find((hold) => holdsSegment(hold, segment))?.name;
}

function holdsSegment(hold: Hold, segment: SealedSegment): boolean {
  try {
    const reader = new SegmentReader(segment.path);
    try {
      const query = compileQuery({ filter: parseFilter(hold.expression, hold.sinceUs) });
      const index = openIndex(segment);
      try {
        const searched = {
          segment: reader,
          rows: segment.rows,
          firstSeq: segment.firstSeq,
          bounds: undefined,
          seqRange: (fromUs?: number, toUs?: number) => reader.seqRange(fromUs, toUs),
        };
        const plan = planSearch(searched, query, index && new IndexFinder(index));
        const places = searchPlaces(searched, plan, 'oldest');
        const found = places.next().done !== true;
        places.return();
        return found;
      } finally {
        index?.close();
      }
    } finally {
      reader.close();
    }
  } catch {
    return true; // what cannot be judged is kept
  }
}

function openIndex({ path, firstSeq, rows }: SealedSegment): PostingIndex | undefined {
  const file = indexPath(path);
  return existsSync(file) ? new PostingIndex(file, firstSeq, rows) : undefined;
}

/** The holds of a store. Throws `StoreError`. */
export function listHolds(directory: string): Hold[] {
  return withCatalog(directory, 'read', (catalog) => catalog.holds());
}

/**
 * Keeps what the expression finds, from now on, also while a sensor writes to the store. Relative times in it are
 * resolved at `sinceUs`. Throws `StoreError`.
 */
export function addHold(directory: string, hold: Hold): void {
  parseFilter(hold.expression, hold.sinceUs);
  withCatalog(directory, 'write', (catalog) => catalog.addHold(hold));
}

/** Throws `StoreError` (`usage`) when there is no hold of that name. */
export function removeHold(directory: string, name: string): void {
  const removed = withCatalog(directory, 'write', (catalog) => catalog.removeHold(name));
  if (!removed) throw new StoreError('usage', `there is no hold named ${name}`);
}

function withCatalog<T>(directory: string, mode: 'read' | 'write', use: (catalog: Catalog) => T): T {
  const path = catalogOf(directory);
  const catalog = Catalog.open(path, mode);
  try {
    return use(catalog);
  } finally {
    catalog.close();
  }
}
