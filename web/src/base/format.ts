/** Numbers, lengths of time and moments as the console writes them. Never rounds in silence: shortened figures say so by their unit. */

const GROUPED = new Intl.NumberFormat('en-US');

/** All digits, in groups: `41,203,118`. */
export function formatCount(value: number): string {
  return GROUPED.format(value);
}

/** Below this a count is written in full even where room is short. */
const FULL_BELOW = 1_000_000;

/** For tiles, legends and axes: in full, or at most four figures and a unit: `12,480`, `41.2 M`. */
export function formatShort(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < FULL_BELOW) return formatCount(value);
  return scaled(value, 1000, ['', ' k', ' M', ' G', ' T']);
}

export function formatBytes(bytes: number): string {
  return scaled(bytes, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB']);
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let amount = value;
  let unit = 0;
  while (Math.abs(amount) >= base && unit < units.length - 1) {
    amount /= base;
    unit++;
  }
  const digits =
    unit === 0 && Number.isInteger(amount) ? 0 : Math.abs(amount) < 10 ? 2 : Math.abs(amount) < 100 ? 1 : 0;
  return `${trimZeros(amount.toFixed(digits))}${units[unit] ?? ''}`;
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** `part` of `whole` in per cent; small shares keep a digit, none is shown as nought that is not. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '–';
  const percent = (100 * part) / whole;
  if (percent === 0 || percent === 100) return `${percent} %`;
  if (percent < 0.1) return '< 0.1 %';
  if (percent > 99.9) return '> 99.9 %';
  return `${trimZeros(percent.toFixed(1))} %`;
}

/** Microseconds: `412 µs`, `2.1 ms`, `3.4 s`, `2 min 5 s`, `3 h 2 min`, `4 d 1 h`. */
export function formatDuration(us: number): string {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${trimZeros((us / 1000).toFixed(us < 1e4 ? 2 : 1))} ms`;
  if (us < 60e6) return `${trimZeros((us / 1e6).toFixed(us < 1e7 ? 2 : 1))} s`;
  const seconds = Math.round(us / 1e6);
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  if (seconds < 86_400) return pair(Math.floor(seconds / 3600), 'h', Math.floor((seconds % 3600) / 60), 'min');
  return pair(Math.floor(seconds / 86_400), 'd', Math.floor((seconds % 86_400) / 3600), 'h');
}

function pair(major: number, majorUnit: string, minor: number, minorUnit: string): string {
  return minor === 0 ? `${major} ${majorUnit}` : `${major} ${majorUnit} ${minor} ${minorUnit}`;
}

/** Since 1970, of an ISO text with up to six digits behind the second. */
export function microseconds(iso: string): number {
  const fraction = /\.(\d{1,6})/.exec(iso)?.[1] ?? '';
  return Math.floor(Date.parse(iso) / 1000) * 1_000_000 + Number(fraction.padEnd(6, '0'));
}

export type Zone = 'UTC' | 'local';

/** `2026-11-21 10:00:00.123` and its offset, from milliseconds since 1970. */
export function formatMoment(ms: number, zone: Zone, precision: 'day' | 'minute' | 'second' | 'ms' = 'ms'): string {
  const text = shifted(ms, zone).toISOString();
  if (precision === 'day') return text.slice(0, 10);
  const length = precision === 'minute' ? 16 : precision === 'second' ? 19 : 23;
  return `${text.slice(0, 10)} ${text.slice(11, length)}${offset(ms, zone)}`;
}

/** `10:00:00.123456Z`: the time of day of an ISO text with as many digits as it has, or at most `digits`. */
export function formatClock(iso: string, zone: Zone, digits: number = 9): string {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) return iso;
  const fraction = (/\.(\d+)/.exec(iso)?.[1] ?? '').slice(0, digits);
  return `${shifted(ms, zone).toISOString().slice(11, 19)}${fraction === '' ? '' : `.${fraction}`}${offset(ms, zone)}`;
}

export function formatDay(iso: string, zone: Zone): string {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? '' : formatMoment(ms, zone, 'day');
}

/** A date whose UTC fields read as the clock in the zone. */
function shifted(ms: number, zone: Zone): Date {
  return new Date(zone === 'UTC' ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000);
}

function offset(ms: number, zone: Zone): string {
  if (zone === 'UTC') return 'Z';
  const minutes = -new Date(ms).getTimezoneOffset();
  const sign = minutes < 0 ? '-' : '+';
  const hours = Math.floor(Math.abs(minutes) / 60);
  return `${sign}${String(hours).padStart(2, '0')}:${String(Math.abs(minutes) % 60).padStart(2, '0')}`;
}

/** How long ago, in one unit: `9 min ago`. */
export function formatAgo(ms: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
