/** Time of day and weekday in a time zone (IANA name), for "outside working hours". */

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export interface HoursSpec {
  /** Minutes since midnight, `from` included, `to` not; `to` below `from` passes midnight. */
  readonly from: number;
  readonly to: number;
  /** Weekday numbers, 0 is Monday: of the moment itself, also after midnight. */
  readonly days: ReadonlySet<number>;
  readonly zone: string;
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: zone });
    return true;
  } catch {
    return false; // RangeError: no such zone
  }
}

const MINUTE_US = 60e6;
const WEEKDAY_NAMES: readonly string[] = WEEKDAYS;

/** Not pure: it keeps the last minute's answer, for the calendar is slow and packets come in order of time. */
export class Hours {
  private readonly spec: HoursSpec;
  private readonly format: Intl.DateTimeFormat;
  private minute = -1;
  private answer = false;

  constructor(spec: HoursSpec) {
    this.spec = spec;
    this.format = new Intl.DateTimeFormat('en-GB', {
      timeZone: spec.zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  }

  test(timeUs: number): boolean {
    const minute = Math.floor(timeUs / MINUTE_US);
    if (minute !== this.minute) {
      this.minute = minute;
      this.answer = this.judge(minute * 60_000);
    }
    return this.answer;
  }

  /** Local weekday and time as people write it: `Mon 08:30`. */
  describe(timeUs: number): string {
    const { day, minutes } = this.local(timeUs / 1000);
    const clock = [Math.floor(minutes / 60), minutes % 60].map((part) => `${part}`.padStart(2, '0')).join(':');
    return `${WEEKDAYS[day] ?? ''} ${clock} ${this.spec.zone}`;
  }

  private judge(timeMs: number): boolean {
    const { day, minutes } = this.local(timeMs);
    if (!this.spec.days.has(day)) return false;
    const { from, to } = this.spec;
    return from < to ? minutes >= from && minutes < to : minutes >= from || minutes < to;
  }

  private local(timeMs: number): { day: number; minutes: number } {
    let day = -1;
    let hour = 0;
    let minute = 0;
    // A hostile capture may carry any 64-bit time; the calendar ends at 8.64e15 ms.
    for (const part of this.format.formatToParts(Math.min(timeMs, 8.64e15))) {
      if (part.type === 'weekday') day = WEEKDAY_NAMES.indexOf(part.value.toLowerCase());
      else if (part.type === 'hour') hour = Number(part.value);
      else if (part.type === 'minute') minute = Number(part.value);
    }
    return { day, minutes: hour * 60 + minute };
  }
}
