/** Rights by database, as the state file keeps them: a list of names, or nothing for all of them. */
import type { Databases, Role } from '../api/common.ts';
import { ConsoleError } from '../error.ts';
import { newKey, type StateDb } from '../state.ts';

/** `undefined`: all. Throws when the file was tampered with: rights that cannot be read are not rights to everything. */
export function readDatabases(text: string | null): readonly string[] | undefined {
  if (text === null) return undefined;
  const names: unknown = JSON.parse(text);
  if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === 'string'))
    throw new Error('the console’s state has rights that are no list of databases');
  return names;
}

export function writeDatabases(databases: readonly string[] | undefined): string | null {
  return databases === undefined ? null : JSON.stringify(databases);
}

/** As the API takes them. Throws `bad-request` where a role goes with all databases only. */
export function checkedDatabases(role: Role, databases: Databases | undefined): readonly string[] | undefined {
  if (databases === undefined || databases === 'all') return undefined;
  if (role === 'administrator')
    throw new ConsoleError(
      'bad-request',
      'administrators see all databases, as they could give themselves the right: take the limit away first',
    );
  return [...new Set(databases)];
}

/** As the API gives them. */
export function shownDatabases(text: string | null): Databases {
  const databases = readDatabases(text);
  return databases === undefined ? 'all' : [...databases];
}

/** The key by which positions are sealed (`reads/limit.ts`), made when there is none. */
export function sealKey(db: StateDb): string {
  db.prepare("INSERT OR IGNORE INTO secret (name, value) VALUES ('seal', ?)").run(newKey());
  const key = db.prepare<[], string>("SELECT value FROM secret WHERE name = 'seal'").pluck().get();
  if (key === undefined) throw new Error('a kept key is not there');
  return key;
}
