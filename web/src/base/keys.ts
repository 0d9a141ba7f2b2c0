/**
 * The keyboard map. Pages and parts register what a key does while they are shown; the latest registration wins. Keys are
 * ignored while something is typed, and single letters can be switched off (WCAG 2.1.4).
 */
import { type ReadonlySignal, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { readSetting, writeSetting } from './settings.ts';

export interface KeyBinding {
  /** `KeyboardEvent.key`, or two with a space between: `g s`. */
  readonly keys: string;
  readonly label: string;
  readonly run: () => void;
}

const SEQUENCE_TIMEOUT_MS = 1200;
const SETTING = 'letterKeys';

const layers = signal<readonly (readonly KeyBinding[])[]>([]);
const letters = signal(readSetting(SETTING) !== 'off');

export const letterKeysOn: ReadonlySignal<boolean> = letters;

export function setLetterKeys(on: boolean): void {
  letters.value = on;
  writeSetting(SETTING, on ? undefined : 'off');
}

/** Keys that do something here and now, innermost first, each key once. */
export function activeKeys(): readonly KeyBinding[] {
  const seen = new Set<string>();
  return [...layers.value]
    .reverse()
    .flat()
    .filter((binding) => !seen.has(binding.keys) && seen.add(binding.keys));
}

/** Binds keys as long as the component is shown. */
export function useKeys(bindings: readonly KeyBinding[], deps: readonly unknown[]): void {
  useEffect(() => {
    layers.value = [...layers.value, bindings];
    return () => {
      layers.value = layers.value.filter((layer) => layer !== bindings);
    };
  }, [...deps]);
}

let pending: { readonly key: string; readonly atMs: number } | undefined;

export function startKeys(): void {
  addEventListener('keydown', onKey);
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event) && event.key !== 'Escape') return;
  if (/^[a-z]$/i.test(event.key) && !letters.value) return;
  const first = pending !== undefined && event.timeStamp - pending.atMs < SEQUENCE_TIMEOUT_MS ? pending.key : undefined;
  pending = undefined;
  const bindings = activeKeys();
  const sequence = first === undefined ? undefined : `${first} ${event.key}`;
  const found = bindings.find((binding) => binding.keys === (sequence ?? event.key));
  if (found !== undefined) {
    event.preventDefault();
    found.run();
  } else if (bindings.some((binding) => binding.keys.startsWith(`${event.key} `))) {
    pending = { key: event.key, atMs: event.timeStamp };
  }
}

/** Whether the key belongs to what has the focus: fields take all, buttons and links take Enter and Space. */
function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches('textarea, select')) return true;
  if (target instanceof HTMLInputElement) return !/^(checkbox|radio|button)$/.test(target.type) || event.key === ' ';
  return (event.key === 'Enter' || event.key === ' ') && target.matches('a[href], button, summary, [role=option]');
}
