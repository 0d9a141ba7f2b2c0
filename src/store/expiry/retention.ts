/**
 * What a store keeps. Expiry takes whole segments, the oldest first, by unlinking their files: it never rewrites
 * anything and never stalls ingest.
 *
 * With `recordsMin` = N and segments of at most S rows, a store that has seen N records holds at least the N newest and
 * at most N + S at every moment: a segment goes only when N records are left without it, and it goes then at once.
 */
import { rmSync } from 'node:fs';
import type { SignedFacts } from '../proof/sign.ts';
import { columnsPath } from '../segment/columns.ts';
import { indexPath } from '../segment/postings.ts';
import { rollupPath } from '../segment/rollup.ts';
import { sizeOf } from '../segment/segment.ts';

export interface Retention {
  /** Always kept: this many newest records. Without another limit, what is older goes as soon as it can. */
  readonly recordsMin?: number | undefined;
  /** Goes when its newest record is older than this, measured from the newest record in the store. */
  readonly ageMaxUs?: number | undefined;
  /** Bytes on disk that sealed segments may take. */
  readonly bytesMax?: number | undefined;
}

export interface SealedFacts extends SignedFacts {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Whether the oldest of the sealed segments is to go. `records`: all in the store, the open segment's included.
 * `bytes`: of the sealed segments.
 */
export function isExpired(
  oldest: SealedFacts,
  retention: Retention,
  records: number,
  bytes: number,
  newestUs: number,
): boolean {
  const { recordsMin, ageMaxUs, bytesMax } = retention;
  if (recordsMin !== undefined && records - oldest.rows < recordsMin) return false;
  if (ageMaxUs !== undefined && (oldest.timeMaxUs ?? 0) < newestUs - ageMaxUs) return true;
  if (bytesMax !== undefined && bytes > bytesMax) return true;
  return recordsMin !== undefined && ageMaxUs === undefined && bytesMax === undefined;
}

/** Removes the files of a segment, whichever of them exist. */
export function removeSegmentFiles(path: string): void {
  for (const file of filesOf(path)) rmSync(file, { force: true });
}

/** What the files of a segment take on disk, those beside it included. */
export function segmentBytes(path: string): number {
  return filesOf(path).reduce((sum, file) => sum + sizeOf(file), 0);
}

function filesOf(path: string): string[] {
  return [path, `${path}-wal`, `${path}-shm`, indexPath(path), columnsPath(path), rollupPath(path)];
}
