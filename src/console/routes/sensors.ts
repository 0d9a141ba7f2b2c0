/** Sensors and coverage. */

import { UserError } from '../../base/errors.ts';
import { formatTime, HOUR_US } from '../../base/time.ts';
import { sensorStatus } from '../../sensor/remote.ts';
import type { SensorStatus } from '../../sensor/steering.ts';
import { CoverageQuery, CoverageView, Kept, type SensorInfo, Sensors } from '../api/sensors.ts';
import { type ConsoleApp, type Context, sightFor } from '../context.ts';
import type { SensorRecords } from '../reads/coverage.ts';

const READ = { role: 'viewer', right: 'read sensors and coverage' } as const;
/** A sensor whose last record is older is called silent. */
const SILENT_US = HOUR_US;
/** Sensor name on records of a replay, unless another was given. */
const REPLAYED = 'replay';

export function sensorRoutes(app: ConsoleApp, context: Context): void {
  const { reads } = context;
  app.get('/sensors', { config: READ, schema: { summary: 'Sensors', response: { 200: Sensors } } }, async (request) => {
    const sight = sightFor(request);
    const records = await reads.ask('sensors', { sight }, request.gone);
    const status = await askSensor(context.settings.socket);
    const known = records.map((sensor) => seenSensor(sensor));
    if (!('sensor' in status))
      return { sensors: known, ...(status.problem === undefined ? {} : { problem: status.problem }) };
    const own = known.find(({ name }) => name === status.sensor);
    const running = runningSensor(status, own);
    // What it counts is traffic of all databases together.
    const { packets: _packets, ...facts } = running;
    const shown = sight.limit === undefined ? running : { ...facts, alarms: [], counters: {} };
    return { sensors: [shown, ...known.filter((sensor) => sensor !== own)] };
  });
  app.get(
    '/store',
    { config: READ, schema: { summary: 'What is kept, what has gone, legal holds', response: { 200: Kept } } },
    (request) => reads.ask('kept', { sight: sightFor(request) }, request.gone),
  );
  app.get(
    '/coverage',
    {
      config: READ,
      schema: {
        summary: 'What was seen and what was not',
        querystring: CoverageQuery,
        response: { 200: CoverageView },
      },
    },
    (request) => reads.ask('coverage', { ...request.query, sight: sightFor(request) }, request.gone),
  );
}

/** What a sensor behind the control socket says of itself, or why it does not. */
export async function askSensor(socket: string | undefined): Promise<SensorStatus | { problem: string | undefined }> {
  if (socket === undefined) return { problem: undefined };
  try {
    return await sensorStatus(socket);
  } catch (error) {
    if (error instanceof UserError) return { problem: error.message };
    throw error;
  }
}

function seenSensor({ name, records, lossRecords, lastUs }: SensorRecords): SensorInfo {
  // Replayed captures are as old as they are; nobody waits for more of them.
  const silent = name !== REPLAYED && Date.now() * 1000 - lastUs > SILENT_US;
  return {
    name: name === '' ? '(unnamed)' : name,
    state: silent ? 'silent' : 'seen',
    interfaces: [],
    records,
    lossRecords,
    last: formatTime(lastUs),
    alarms: [],
    counters: {},
  };
}

function runningSensor(status: SensorStatus, seen: SensorInfo | undefined): SensorInfo {
  const { sensor, pid, interfaces, started, policy, alarms, counters } = status;
  const flat = flattened(counters, '');
  return {
    name: sensor,
    state: 'running',
    pid,
    interfaces: [...interfaces],
    started,
    ...(policy === undefined ? {} : { policy: { ...policy } }),
    ...(flat['packets'] === undefined ? {} : { packets: flat['packets'] }),
    ...(flat['drops'] === undefined ? {} : { drops: flat['drops'] }),
    records: seen?.records ?? 0,
    lossRecords: seen?.lossRecords ?? 0,
    ...(seen?.last === undefined ? {} : { last: seen.last }),
    alarms: alarms.map(({ name, sent, failed, dropped }) => ({ name, sent, failed, dropped })),
    counters: flat,
  };
}

/** Numbers of nested counters by dotted name. */
function flattened(counters: Readonly<Record<string, unknown>>, prefix: string): Record<string, number> {
  const flat: Record<string, number> = {};
  for (const [name, value] of Object.entries(counters)) {
    if (typeof value === 'number') flat[`${prefix}${name}`] = value;
    else if (typeof value === 'object' && value !== null)
      Object.assign(flat, flattened(value as Readonly<Record<string, unknown>>, `${prefix}${name}.`));
  }
  return flat;
}
