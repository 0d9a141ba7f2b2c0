/** The tasks of a reading thread, by name. */

import { report } from '../reports/report.ts';
import { alert, alerts } from './alerts.ts';
import { overviewBefore } from './before.ts';
import { complete } from './complete.ts';
import { coverage, sensorRecords } from './coverage.ts';
import { entities, entity } from './entities.ts';
import { exportRecords } from './export.ts';
import { kept } from './kept.ts';
import { count, explain, facets, histogram, records, recordsAt } from './lists.ts';
import { overview } from './overview.ts';
import { packets } from './packets.ts';
import { record, reveal } from './record.ts';
import { session, sessions } from './sessions.ts';
import { tail } from './tail.ts';
import type { StreamTable, TaskTable } from './task.ts';
import { tryPolicy } from './trial.ts';
import { archived, validate } from './validate.ts';
import { warm, warmTogether } from './warm.ts';

export const TASKS: TaskTable = {
  summary: (source) => source.reader.summary(),
  warm,
  warmTogether,
  records,
  recordsAt,
  count,
  histogram,
  facets,
  complete,
  explain,
  record,
  packets,
  reveal,
  sessions,
  session,
  overview,
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
