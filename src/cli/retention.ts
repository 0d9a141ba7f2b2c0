/** Options of what a store keeps and how it is sealed, for every command that writes to one. */

import type { Command } from 'commander';
import { DAY_US } from '../base/time.ts';
import type { Retention } from '../store/expiry/retention.ts';
import type { StoreOptions } from '../store/store.ts';
import { byteCount, positiveInteger } from './options.ts';

export interface RetentionOptions {
  readonly retainCount?: number;
  readonly retainDays?: number;
  readonly retainBytes?: number;
  readonly signKey?: string;
}

/** A segment of a store that keeps N records has at most N / 10: more than 1.1 N are never there. */
const SEGMENTS_KEPT = 10;
const SEGMENT_ROWS_MIN = 1000;
const SEGMENT_ROWS_MAX = 1_000_000;

export function retentionOptions(command: Command): Command {
  return command
    .option(
      '--retain-count <records>',
      'keep at least this many newest records, and drop what is older',
      positiveInteger,
    )
    .option('--retain-days <days>', 'drop what is older, beyond --retain-count', positiveInteger)
    .option('--retain-bytes <size>', 'drop the oldest when segments take more: 500M, 20G, …', byteCount)
    .option('--sign-key <file>', 'Ed25519 key (PEM) that signs complete segments; outside the store');
}

/** `undefined`: everything is kept. */
export function retentionOf({ retainCount, retainDays, retainBytes }: RetentionOptions): Retention | undefined {
  if (retainCount === undefined && retainDays === undefined && retainBytes === undefined) return undefined;
  const ageMaxUs = retainDays === undefined ? undefined : retainDays * DAY_US;
  return { recordsMin: retainCount, ageMaxUs, bytesMax: retainBytes };
}

/** How a store is to be opened for writing. A segment is at most a tenth of what is kept. */
export function storeOptionsOf(options: RetentionOptions): StoreOptions {
  const { retainCount, signKey } = options;
  const tenth = Math.floor((retainCount ?? Number.POSITIVE_INFINITY) / SEGMENTS_KEPT);
  const segmentRowsMax = Math.min(SEGMENT_ROWS_MAX, Math.max(SEGMENT_ROWS_MIN, tenth));
  return { segmentRowsMax, retention: retentionOf(options) ?? {}, signKeyFile: signKey };
}
