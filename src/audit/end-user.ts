/**
 * Whom an application says that it acts for, where the database only knows the application: in sqlcommenter comments,
 * MySQL query attributes, or its own name. Only a value under a key that says so counts; a name alone is never guessed
 * to be a person's.
 */

/** Keys under which applications name their user, best first; compared in lower case. */
const KEYS: readonly string[] = ['enduser.id', 'enduser', 'end_user', 'user_id', 'username', 'user'];

export function endUserOfTags(tags: ReadonlyMap<string, string> | undefined): string | undefined {
  if (tags === undefined || tags.size === 0) return undefined;
  let best = KEYS.length;
  let found: string | undefined;
  for (const [key, value] of tags) {
    const rank = KEYS.indexOf(key.toLowerCase());
    if (value === '' || rank < 0 || rank >= best) continue;
    best = rank;
    found = value;
  }
  return found;
}

/** Pairs are set apart by what separates list items; key and value by an equals sign or a colon. */
const PAIR = /(?:^|[\s;,|&/([])([\w.]{1,32})\s*[=:]\s*([^\s;,|&/()[\]]{1,256})/g;
/** Names are short; hostile ones are not searched to their end. */
const PROGRAM_LENGTH_MAX = 512;

/** From a program name such as `billing;user=ann` or `reports (enduser: ann)`, as set in `application_name`. */
export function endUserOfProgram(program: string | undefined): string | undefined {
  if (program === undefined || !/[=:]/.test(program)) return undefined;
  const tags = new Map<string, string>();
  for (const [, key, value] of program.slice(0, PROGRAM_LENGTH_MAX).matchAll(PAIR)) {
    if (key !== undefined && value !== undefined && !tags.has(key)) tags.set(key, value);
  }
  return endUserOfTags(tags);
}
