/** Times and spans. Inside, a time is microseconds since 1970 as an integral number; as text it is RFC 3339 in UTC. */

export const SECOND_US = 1_000_000;
export const MINUTE_US = 60_000_000;
export const HOUR_US = 3_600_000_000;
export const DAY_US = 86_400_000_000;

/** For what follows the system's clock, which counts milliseconds. */
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** RFC 3339 in UTC with microseconds. */
export function formatTime(timeUs: number): string {
  const ms = Math.floor(timeUs / 1000);
  const us = timeUs - ms * 1000;
  return `${new Date(ms).toISOString().slice(0, -1)}${String(us).padStart(3, '0')}Z`;
}

/** The last multiple of `stepUs` since 1970 that is not after `timeUs`. */
export function floorTo(timeUs: number, stepUs: number): number {
  return Math.floor(timeUs / stepUs) * stepUs;
}
