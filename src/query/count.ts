/** The end of a query that counts: `user:alice failed:yes count by program, hour`. */

export interface CountQuery {
  /** What is before `count by`. */
  readonly expression: string;
  /** The fields named after it; `undefined` when the query does not count. */
  readonly by: readonly string[] | undefined;
}

/** Quoted text is left alone: only words at the very end count. */
export function splitCount(query: string): CountQuery {
  const parts = /^((?:[^"]|"(?:[^"\\]|\\.)*")*?)(?:^|\s)count\s+by\s+([a-z]+(?:\s*,\s*[a-z]+)*)\s*$/is.exec(query);
  if (parts === null) return { expression: query, by: undefined };
  const fields = (parts[2] ?? '').split(',').map((field) => field.trim().toLowerCase());
  return { expression: (parts[1] ?? '').trim(), by: fields };
}
