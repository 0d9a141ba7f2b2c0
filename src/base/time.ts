/** Times for people and exports. Inside, a time is microseconds since 1970 as an integral number. */

/** RFC 3339 in UTC with microseconds. */
export function formatTime(timeUs: number): string {
  const ms = Math.floor(timeUs / 1000);
  const us = timeUs - ms * 1000;
  return `${new Date(ms).toISOString().slice(0, -1)}${String(us).padStart(3, '0')}Z`;
}
