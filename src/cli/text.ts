/** Text for people: always on standard error, so that standard output carries data alone. */

import { printable } from '../store/format/table.ts';

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** 1234567 → 1,234,567. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function byteSize(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit]}`;
}

/** `3 sessions`, `1 session`, `2 accesses`. */
export function counted(count: number, noun: string): string {
  const ending = noun.endsWith('s') ? 'es' : 's';
  return `${grouped(count)} ${noun}${count === 1 ? '' : ending}`;
}

/** Largest first: `SELECT 12, INSERT 3, … 4 more`. Names come from the wire: none moves the cursor. */
export function ranking(counts: ReadonlyMap<string, number>, shown: number): string {
  const ranked = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const parts = ranked.slice(0, shown).map(([name, count]) => `${printable(name)} ${grouped(count)}`);
  if (ranked.length > shown) parts.push(`… ${ranked.length - shown} more`);
  return parts.join(', ');
}

/** One line that is rewritten in place on a terminal, and not printed at all elsewhere. */
export class ProgressLine {
  private readonly enabled: boolean;
  private nextMs = 0;
  private drawn = false;

  constructor(enabled: boolean = process.stderr.isTTY === true) {
    this.enabled = enabled;
  }

  /** Draws at most five times a second. */
  update(text: () => string): void {
    const now = this.enabled ? Date.now() : 0;
    if (!this.enabled || now < this.nextMs) return;
    this.nextMs = now + 200;
    this.drawn = true;
    process.stderr.write(`\r\x1b[2K${text()}`);
  }

  end(): void {
    if (this.drawn) process.stderr.write('\r\x1b[2K');
    this.drawn = false;
  }
}
