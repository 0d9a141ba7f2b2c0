/** Takes secrets out of what is written down: by the statement's grammar, never by guessing at values. */
import type { BindValue } from '../contracts/event.ts';
import type { SqlStatement } from '../contracts/sql.ts';

export const REDACTED = '***';

/** Operations whose bind values may be a password. */
const SECRET_OPERATIONS = new Set([
  'CREATE USER',
  'ALTER USER',
  'CREATE ROLE',
  'ALTER ROLE',
  'CREATE LOGIN',
  'ALTER LOGIN',
  'SET PASSWORD',
  'GRANT',
  'CHANGE MASTER',
]);

export interface Redaction {
  readonly text: string;
  readonly errorText: string | undefined;
  readonly parameters: readonly BindValue[] | undefined;
  readonly redacted: boolean;
}

/** `text[from, to)` without its secrets; servers quote statements in errors, so those lose them too. */
export function redact(
  text: string,
  from: number,
  to: number,
  statements: readonly SqlStatement[],
  errorText: string | undefined,
  parameters: readonly BindValue[] | undefined,
): Redaction {
  let clean = '';
  let at = from;
  let error = errorText;
  for (const { secrets } of statements) {
    for (const { start, end } of secrets) {
      if (start < at || end > to) continue;
      const secret = text.slice(start, end);
      // A secret may also be a bare word, or a part of a literal.
      clean += text.slice(at, start) + (secret.startsWith("'") ? `'${REDACTED}'` : REDACTED);
      at = end;
      error = error?.replaceAll(secret, REDACTED);
      const bare = secret.replace(/^'|'$/g, '');
      if (bare.length > 0) error = error?.replaceAll(bare, REDACTED);
    }
  }
  const found = at > from;
  const bound = parameters?.length && statements.some((s) => SECRET_OPERATIONS.has(s.operation ?? ''));
  return {
    text: found ? clean + text.slice(at, to) : text.slice(from, to),
    errorText: error,
    parameters: bound ? parameters?.map((value) => (value === null ? null : REDACTED)) : parameters,
    redacted: found || Boolean(bound),
  };
}
