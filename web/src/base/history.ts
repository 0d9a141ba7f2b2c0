/** Queries that one asked: the server keeps them for the person and offers them in the query field. */
import type { AskedOf } from '#src/console/api/history.js';
import { send } from './api.ts';

/** Nothing is said when it cannot be kept: the query is answered all the same. */
export function keepQuery(of: AskedOf, q: string): void {
  if (q !== '') send('POST', '/history', { of, q }).catch(() => undefined);
}

export async function forgetQuery(of: AskedOf, q: string): Promise<void> {
  await send('POST', '/history/forget', { query: { of, q } });
}

export async function forgetAllQueries(): Promise<void> {
  await send('POST', '/history/forget', {});
}
