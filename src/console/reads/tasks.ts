/** The tasks of a reading thread, by name, and the store as each one gets it. */

import { report } from '../reports/report.ts';
import { alert, alerts } from './alerts.ts';
import { overviewBefore } from './before.ts';
import { complete } from './complete.ts';
import { coverage, sensorRecords } from './coverage.ts';
import { entities, entity } from './entities.ts';
import { exportRecords } from './export.ts';
import { kept } from './kept.ts';
import { count, explain, facets, histogram, records, recordsAt } from './lists.ts';
import { recordMarks } from './marks.ts';
import type { OpenStore } from './open-store.ts';
import { overview, overviewFigures } from './overview.ts';
import { packets } from './packets.ts';
import { pinned, placeOf } from './pinned.ts';
import { record, reveal } from './record.ts';
import type { Sight } from './row.ts';
import { session, sessions } from './sessions.ts';
import { Source } from './source.ts';
import { tail } from './tail.ts';
import type { StreamName, StreamTable, TaskName, TaskTable } from './task.ts';
import { tryPolicy } from './trial.ts';
import { archived, validate } from './validate.ts';
import { warm, warmTogether } from './warm.ts';

/** Tasks that show no records. All others say who asks (`sight`). */
const BLIND: ReadonlySet<TaskName | StreamName> = new Set(['warm', 'warmTogether', 'validate', 'archived'] as const);

/** What the asker may see of the store. Throws for a question that does not say who asks: nothing is shown to nobody. */
export function sourceFor(store: OpenStore, name: TaskName | StreamName, args: unknown): Source {
  if (BLIND.has(name)) return new Source(store, undefined);
  const { sight } = (args ?? {}) as { readonly sight?: Sight };
  if (sight === undefined) throw new Error(`${name} was asked without saying who asks`);
  return new Source(store, sight.limit);
}

export const TASKS: TaskTable = {
  extent: (source) => source.extent(),
  warm,
  warmTogether,
  records,
  recordsAt,
  recordMarks,
  count,
  histogram,
  facets,
  complete,
  explain,
  record,
  packets,
  pinned,
  placeOf,
  reveal,
  sessions,
  session,
  overview,
  overviewFigures,
  overviewBefore,
  entities,
  entity,
  coverage,
  sensors: sensorRecords,
  kept,
  alerts,
  alert,
  tail,
  range: (source, scope) => source.question(scope).range,
  validate,
  archived,
};

export const STREAMS: StreamTable = { export: exportRecords, report, tryPolicy };
