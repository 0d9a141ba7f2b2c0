/** Options of the flow records that go into a store beside the audit records. */
import { type Command, InvalidArgumentError } from 'commander';
import { UserError } from '../base/errors.ts';
import type { TrafficOptions } from '../sensor/traffic.ts';
import type { TrafficLog } from '../traffic/log.ts';
import { checkPattern } from '../traffic/partition.ts';
import { counted, say } from './text.ts';

export interface FlowRecordOptions {
  readonly flowRecords: boolean;
  readonly flowFiles?: string;
}

export function flowRecordOptions(command: Command): Command {
  return command
    .option('--no-flow-records', 'keep no status records of connections in the store')
    .option('--flow-files <pattern>', 'names of their files, by strftime: %Y/%m/%d (default: a file a day)', pattern);
}

/** `undefined` when none are kept. */
export function trafficOptionsOf(
  options: FlowRecordOptions & { readonly store?: string; readonly sensorName: string; readonly retainDays?: number },
): TrafficOptions | undefined {
  const { flowRecords, flowFiles, store, sensorName, retainDays } = options;
  if (!flowRecords || store === undefined) return undefined;
  return { store, sensor: sensorName, pattern: flowFiles, retainDays };
}

/** Says what could not be written. */
export function closeTraffic(log: TrafficLog | undefined): void {
  if (log === undefined) return;
  log.close();
  if (log.failure !== undefined) say(`wiretrail: ${log.failure}; ${counted(log.dropped, 'flow record')} lost`);
}

function pattern(value: string): string {
  try {
    checkPattern(value);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new InvalidArgumentError(error.message);
  }
  return value;
}
