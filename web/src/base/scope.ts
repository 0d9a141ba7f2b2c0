/** The scope that all pages share, as the address says it: time range, databases, zone. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Asked } from '#src/console/api/common.js';
import type { Params } from './api.ts';
import type { Zone } from './format.ts';
import { place } from './url.ts';

export function zone(): Zone {
  return place.value.params.get('tz') === 'local' ? 'local' : 'UTC';
}

/** Time range and databases, for every question about records. */
export function scopeParams(): Params {
  const { params } = place.value;
  return { t: params.get('t') ?? undefined, db: params.get('db') ?? undefined };
}

/** The query as it runs: conditions switched off stand in `off` and are not part of it. */
export function query(): string {
  return place.value.params.get('q') ?? '';
}

interface Echo {
  readonly t: string | undefined;
  readonly asked: Asked;
}

const latest: Signal<Echo | undefined> = signal(undefined);

/** What the page's main answer was made from: the range in absolute time, how far the store was read. */
export const echo: ReadonlySignal<Asked | undefined> = computed(() =>
  latest.value?.t === scopeParams()['t'] ? latest.value?.asked : undefined,
);

/** Shows in the bar what the main answer of the page was made from, once there is one. */
export function useEcho(asked: Asked | undefined): void {
  useEffect(() => {
    if (asked !== undefined) latest.value = { t: timeNow(), asked };
  }, [asked]);
}

function timeNow(): string | undefined {
  return place.peek().params.get('t') ?? undefined;
}

/** A range of time as the `t` of the address, from milliseconds since 1970. */
export function rangeParam(fromMs: number, toMs: number): string {
  return `${new Date(fromMs).toISOString()}/${new Date(toMs).toISOString()}`;
}
