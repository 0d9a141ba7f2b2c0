/** Takes alarms from records; a capture thread hands them to the main thread through a `ThreadQueue`. */
import { type Alarm, alarmsOf } from '../alarm/alarm.ts';
import { recordToJson } from '../audit/json.ts';
import type { AuditRecord, RecordSink } from '../contracts/record.ts';

/** Alarms on their way to the main thread, which may be busy. */
export const ALARMS_UNDER_WAY_MAX = 4096;

export class AlarmSink implements RecordSink {
  private readonly raise: (alarm: Alarm) => void;

  constructor(raise: (alarm: Alarm) => void) {
    this.raise = raise;
  }

  /** Alarms that find no room are counted elsewhere; the record is not lost with them. */
  write(record: AuditRecord): boolean {
    if (record.policy !== undefined) for (const alarm of alarmsOf(record, recordToJson)) this.raise(alarm);
    return true;
  }
}
