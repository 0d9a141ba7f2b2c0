/** One's pinned records, the same on every page and in every browser: the server keeps them. */
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Pins } from '#src/console/api/pins.js';
import { problemFrom } from './answer.ts';
import { type ApiProblem, ask, send } from './api.ts';
import { segment } from './url.ts';

const current = signal<Pins | undefined>(undefined);
const trouble = signal<ApiProblem | undefined>(undefined);

/** `undefined` until they were asked for. */
export const pins: ReadonlySignal<Pins | undefined> = current;
/** Why the last change was not made. */
export const pinProblem: ReadonlySignal<ApiProblem | undefined> = trouble;
export const pinnedIds: ReadonlySignal<ReadonlySet<string>> = computed(
  () => new Set(current.value?.pins.map(({ row }) => row.id)),
);

async function change(request: () => Promise<Pins>): Promise<void> {
  try {
    current.value = await request();
    trouble.value = undefined;
  } catch (error) {
    trouble.value = problemFrom(error);
  }
}

export async function loadPins(): Promise<void> {
  // They may be of somebody who was signed in before.
  current.value = undefined;
  await change(() => ask<Pins>('/pins'));
}

/** Pins the record, or takes its pin away. */
export async function togglePin(id: string): Promise<void> {
  const method = pinnedIds.peek().has(id) ? 'DELETE' : 'PUT';
  await change(() => send<Pins>(method, `/pins/${segment(id)}`));
}

export async function removePins(): Promise<void> {
  await change(() => send<Pins>('DELETE', '/pins'));
}
