/** Takes alarms from records; on a capture thread, hands them to the main thread by a queue of bounded length. */
import { type Alarm, alarmsOf } from '../alarm/alarm.ts';
import { recordToJson } from '../audit/json.ts';
import type { AuditRecord, RecordSink } from '../contracts/record.ts';

/** Alarms on their way to the main thread, which may be busy. */
const UNDER_WAY_MAX = 4096;
const WORD_UNDER_WAY = 0;
const WORD_DROPPED = 1;

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

/** Counts what is under way between two threads, in memory they share. */
export class AlarmLane {
  readonly shared: SharedArrayBuffer;
  private readonly words: Int32Array;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.shared = shared;
    this.words = new Int32Array(shared);
  }

  /** False when the lane is full; that is counted. */
  enter(): boolean {
    const hasRoom = Atomics.load(this.words, WORD_UNDER_WAY) < UNDER_WAY_MAX;
    Atomics.add(this.words, hasRoom ? WORD_UNDER_WAY : WORD_DROPPED, 1);
    return hasRoom;
  }

  leave(): void {
    Atomics.sub(this.words, WORD_UNDER_WAY, 1);
  }

  get dropped(): number {
    return Atomics.load(this.words, WORD_DROPPED);
  }
}
