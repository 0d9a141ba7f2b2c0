/** What rules would have matched among the records of a store. Nothing is changed there. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { UserError } from '../base/errors.ts';
import type { AuditRecord } from '../contracts/record.ts';
import { createEngine } from '../policy/engine.ts';
import type { Policy } from '../policy/policy.ts';
import { type ExplainedMatch, explainMatches } from '../policy/sentences.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { createColumnValueFinder } from '../sql/column-values.ts';
import { StoreReader } from '../store/reader.ts';
import { statementOf } from './explainer.ts';

export interface TryRequest {
  readonly store: string;
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
  /** Matches explained and given of each rule; all are counted. Without a limit when absent. */
  readonly examples?: number;
}

/** How far a trial is. */
export interface TryProgress {
  readonly kind: 'progress';
  readonly records: number;
  /** Of the time asked for, 0 to 1; never falls. */
  readonly share: number;
  /** Matched records by rule id, of all rules. */
  readonly matches: Readonly<Record<string, number>>;
}

export interface TryMatch {
  readonly kind: 'match';
  /** With the tried rules in `policy`, masked as the tried policy says; its text as it was before is `text`. */
  readonly record: AuditRecord;
  readonly text: string | undefined;
  /** The rules whose examples are not yet used up. */
  readonly explained: readonly ExplainedMatch[];
}

export type TryEvent =
  | TryProgress
  | TryMatch
  /** Part of the store could not be read. */
  | { readonly kind: 'problem'; readonly message: string }
  | (Omit<TryProgress, 'kind'> & { readonly kind: 'done' });

/** Records between two turns of the event loop, and two reports. */
const RECORDS_PER_STEP = 500;

/**
 * Judges the records of the store, oldest first, and gives what matches on the way; ends with `done`. Whoever leaves the
 * loop stops it. Throws a UserError or StoreError when the store or the time range cannot be used.
 */
export async function* tryPolicy(policy: Policy, request: TryRequest): AsyncGenerator<TryEvent, void, undefined> {
  const { fromUs, toUs, examples = Number.POSITIVE_INFINITY } = request;
  if (fromUs !== undefined && toUs !== undefined && toUs <= fromUs)
    throw new UserError('the time range ends before it begins');
  const engine = createEngine(policy, { columnValues: createColumnValueFinder() });
  const analyzer = createAnalyzer();
  const reader = new StoreReader(request.store);
  const { timeMinUs = 0, timeMaxUs = 0 } = reader.summary();
  const firstUs = Math.max(fromUs ?? timeMinUs, timeMinUs);
  const spanUs = Math.max(1, Math.min(toUs ?? timeMaxUs, timeMaxUs) - firstUs);
  let records = 0;
  let share = 0;
  let problems = 0;
  const counts = (): Record<string, number> =>
    Object.fromEntries(policy.rules.map(({ id }) => [id, engine.matches.get(id) ?? 0]));
  try {
    for (const record of reader.query({ fromUs, toUs, filter: undefined, order: 'oldest' })) {
      records++;
      const { text, timeUs } = record;
      share = Math.max(share, Math.min(1, (timeUs - firstUs) / spanUs));
      const statement = statementOf(record, analyzer);
      engine.evaluate(record, statement);
      if (record.policy?.some(({ rule }) => (engine.matches.get(rule) ?? 0) <= examples)) {
        const explained = explainMatches(engine, record, statement);
        yield {
          kind: 'match',
          record,
          text,
          explained: explained.filter(({ rule }) => (engine.matches.get(rule) ?? 0) <= examples),
        };
      }
      if (records % RECORDS_PER_STEP !== 0) continue;
      yield { kind: 'progress', records, share, matches: counts() };
      await nextTurn();
    }
    for (; problems < reader.problems.length; problems++)
      yield { kind: 'problem', message: reader.problems[problems] ?? '' };
    yield { kind: 'done', records, share: 1, matches: counts() };
  } finally {
    reader.close();
  }
}
