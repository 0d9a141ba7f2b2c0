/** Light or dark: the system's choice until the reader makes one, which is kept in this browser. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { readSetting, writeSetting } from './settings.ts';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'theme';
const chosen = signal<Theme>('system');
/** Counts up whenever colours changed, for what is painted on a canvas. */
const repaint = signal(0);

export const theme: ReadonlySignal<Theme> = chosen;
export const paletteVersion: ReadonlySignal<number> = repaint;

export function startTheme(): void {
  const stored = readSetting(KEY);
  apply(stored === 'light' || stored === 'dark' ? stored : 'system');
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', bump);
  matchMedia('print').addEventListener('change', bump);
}

export function setTheme(next: Theme): void {
  writeSetting(KEY, next === 'system' ? undefined : next);
  apply(next);
}

function apply(next: Theme): void {
  chosen.value = next;
  if (next === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = next;
  bump();
}

function bump(): void {
  repaint.value++;
}

/** A colour of the style sheet as it is now, for a canvas: `light-dark()` is resolved by a probe element. */
export function colour(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
