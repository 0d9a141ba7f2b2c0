/** Who is signed in, and what that person may do. */
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Role } from '#src/console/api/common.js';
import type { Session } from '#src/console/api/session.js';
import { problemFrom } from './answer.ts';
import { AGAIN_MS, type ApiProblem, ask, send, whenSignedOut } from './api.ts';
import { place, setParams } from './url.ts';

const current = signal<Session | undefined>(undefined);
const trouble = signal<ApiProblem | undefined>(undefined);

/** `undefined` until the console answered. */
export const session: ReadonlySignal<Session | undefined> = current;
export const sessionProblem: ReadonlySignal<ApiProblem | undefined> = trouble;
export const role: ReadonlySignal<Role> = computed(() => current.value?.person?.role ?? 'viewer');

/** Databases whose records the person may see, when they are not all. */
export const ownDatabases: ReadonlySignal<readonly string[] | undefined> = computed(() => {
  const databases = current.value?.person?.databases;
  return databases === 'all' ? undefined : databases;
});

const RANK: Readonly<Record<Role, number>> = { viewer: 0, auditor: 1, administrator: 2 };

/** Whether the person's role includes `least`. The server decides; this only keeps what would be refused off the page. */
export function may(least: Role): boolean {
  return RANK[role.value] >= RANK[least];
}

export async function loadSession(): Promise<void> {
  whenSignedOut(() => {
    const before = current.peek();
    if (before?.person === undefined) return;
    const { person: _person, store: _store, ...rest } = before;
    current.value = rest;
  });
  try {
    current.value = withDefaultRange(await ask<Session>('/session'));
    trouble.value = undefined;
  } catch (error) {
    trouble.value = problemFrom(error);
    if (trouble.value.code === 'unreachable') setTimeout(() => void loadSession(), AGAIN_MS);
  }
}

export async function signOut(): Promise<void> {
  await send('POST', '/logout');
  await loadSession();
}

const DAY_MS = 86_400_000;

/** Who comes in by the front door sees the last day that has records; every other address says what it wants. */
function withDefaultRange(found: Session): Session {
  const last = found.store?.last;
  if (last === undefined || place.value.path !== '/' || place.value.params.size > 0) return found;
  const lastMs = Date.parse(last);
  const isRecent = Date.now() - lastMs < DAY_MS;
  // Half open: the range ends a little behind the last record.
  const t = isRecent
    ? '-24h'
    : `${new Date(lastMs + 1000 - DAY_MS).toISOString()}/${new Date(lastMs + 1000).toISOString()}`;
  setParams({ t }, { replace: true });
  return found;
}
