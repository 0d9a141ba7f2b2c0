/** Tries a policy over the store's history with the engine that sensors run, a piece at a time, telling how far it is. */

import { DAY_US, floorTo, formatTime } from '../../base/time.ts';
import { createEngine } from '../../policy/engine.ts';
import { statementOf } from '../../sensor/explainer.ts';
import { createAnalyzer } from '../../sql/analyzer.ts';
import { createColumnValueFinder } from '../../sql/column-values.ts';
import type { PolicyTry, SourceFile, TryProgress } from '../api/policies.ts';
import type { Row } from '../api/records.ts';
import { questionOf } from './lists.ts';
import { rowOf } from './row.ts';
import type { Source } from './source.ts';
import type { Seen } from './task.ts';
import { parseSources } from './validate.ts';

const PIECE_MS = 250;
const EXAMPLES = 5;
const DAYS_MAX = 400;

type Progress = Omit<TryProgress, 'id' | 'state'>;

interface RuleCount {
  matches: number;
  before: number;
  examples: Row[];
}

/** Stored texts have lost secrets and masked values, so rules that look for those find less than they would live. */
export function* tryPolicy(
  source: Source,
  args: Seen<Omit<PolicyTry, 'sources'> & { sources: readonly SourceFile[] }>,
): Generator<Progress> {
  const { sources, ...scope } = args;
  const policy = parseSources(sources);
  const question = questionOf(source, scope);
  const total = source.count(question.query);
  const engine = createEngine(policy, { columnValues: createColumnValueFinder() });
  const analyzer = createAnalyzer();
  const rules = new Map<string, RuleCount>(policy.rules.map(({ id }) => [id, { matches: 0, before: 0, examples: [] }]));
  const days = new Map<number, { matches: number; before: number }>();
  let read = 0;
  let matched = 0;
  let pieceEndsMs = performance.now() + PIECE_MS;
  const progress = (): Progress => ({
    asked: source.asked(question),
    read,
    total,
    share: total === 0 ? 1 : Math.min(1, read / total),
    matched,
    rules: policy.rules.map(({ id, title, severity, action }) => {
      const count = rules.get(id) ?? { matches: 0, before: 0, examples: [] };
      return { id, title, severity, action, ...count, perDay: count.matches / Math.max(1, days.size) };
    }),
    days: [...days].map(([dayUs, counts]) => ({ day: formatTime(dayUs).slice(0, 10), ...counts })),
  });
  for (const record of source.query({ ...question.query, order: 'oldest' })) {
    read++;
    const dayUs = floorTo(record.timeUs, DAY_US);
    const day = days.get(dayUs) ?? { matches: 0, before: 0 };
    if (days.size < DAYS_MAX) days.set(dayUs, day);
    for (const { rule, action } of record.policy ?? []) {
      const count = rules.get(rule);
      if (count !== undefined) count.before++;
      if (action === 'alert') day.before++;
    }
    const row = rowOf(record, args.sight);
    engine.evaluate(record, statementOf(record, analyzer));
    if (record.policy !== undefined) matched++;
    for (const { rule, action } of record.policy ?? []) {
      const count = rules.get(rule);
      if (action === 'alert') day.matches++;
      if (count === undefined) continue;
      count.matches++;
      if (count.examples.length < EXAMPLES) count.examples.push(row);
    }
    if (performance.now() < pieceEndsMs) continue;
    yield progress();
    pieceEndsMs = performance.now() + PIECE_MS;
  }
  yield progress();
}
