/** The scope that all pages share, as the address says it: time range, databases, zone. */
import type { Zone } from './format.ts';
import type { Params } from './api.ts';
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
