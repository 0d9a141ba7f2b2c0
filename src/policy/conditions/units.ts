/** Numbers with units as policies write them. Each parser returns the value, or `undefined` when the text is not one. */

const DURATION_US: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1e3,
  s: 1e6,
  m: 60e6,
  h: 3600e6,
  d: 86_400e6,
};

/** `250ms`, `1.5s`, `10m`, `2h`, `1d` in microseconds. */
export function parseDurationUs(text: string): number | undefined {
  const match = /^([0-9]{1,9}(?:\.[0-9]{1,6})?)\s?(us|ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * (DURATION_US[match[2] ?? ''] ?? Number.NaN));
}

const COUNT_FACTOR: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** `5000`, `10k`, `2M`, `64MiB`. */
export function parseCount(text: string): number | undefined {
  const match = /^([0-9]{1,15})\s?(k|M|G|KiB|MiB|GiB|)$/.exec(text);
  if (match === null) return undefined;
  const value = Number(match[1]) * (COUNT_FACTOR[match[2] ?? ''] ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : undefined;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `5432` or `1521-1530`. */
export function parsePorts(text: string): PortRange | undefined {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return first >= 1 && first <= last && last <= 65_535 ? { first, last } : undefined;
}

/** `08:30` in minutes since midnight; `24:00` is the end of the day. */
export function parseMinutes(text: string): number | undefined {
  const match = /^([01]?[0-9]|2[0-4]):([0-5][0-9])$/.exec(text);
  if (match === null) return undefined;
  const minutes = Number(match[1]) * 60 + Number(match[2]);
  return minutes <= 1440 ? minutes : undefined;
}
