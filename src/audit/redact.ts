/** Takes secrets out of what is written down: by the statement's grammar, never by guessing at values. */
import type { BindValue } from '../contracts/event.ts';
import { SECRET_PROCEDURES, type SqlStatement } from '../contracts/sql.ts';

export const REDACTED = '***';

/** Operations whose bind values may be a password. */
const SECRET_OPERATIONS: ReadonlySet<string> = new Set([
  'CREATE USER',
  'ALTER USER',
  'CREATE ROLE',
  'ALTER ROLE',
  'CREATE LOGIN',
  'ALTER LOGIN',
  'SET PASSWORD',
  'GRANT',
  'CHANGE MASTER',
  'CHANGE REPLICATION',
  'CREATE SERVER',
  'ALTER SERVER',
  'CREATE USER MAPPING',
  'ALTER USER MAPPING',
  'CREATE CREDENTIAL',
  'ALTER CREDENTIAL',
  'CREATE DATABASE LINK',
  'ALTER DATABASE LINK',
  'CREATE SUBSCRIPTION',
  'ALTER SUBSCRIPTION',
]);

export interface Redaction {
  readonly text: string;
  readonly parameters: readonly BindValue[] | undefined;
  readonly redacted: boolean;
}

/** `text[from, to)` and the bind values without the secrets of the statements in it. */
export function redact(
  text: string,
  from: number,
  to: number,
  statements: readonly SqlStatement[],
  parameters: readonly BindValue[] | undefined,
): Redaction {
  let clean = '';
  let at = from;
  for (const { secrets } of statements) {
    for (const { start, end } of secrets) {
      if (start < at || end > to) continue;
      // A secret may also be a bare word, or a part of a literal.
      clean += text.slice(at, start) + (text[start] === "'" ? `'${REDACTED}'` : REDACTED);
      at = end;
    }
  }
  const isCut = at > from;
  const isBound = parameters !== undefined && parameters.length > 0 && statements.some(takesSecret);
  return {
    text: isCut ? clean + text.slice(at, to) : text.slice(from, to),
    parameters: isBound ? parameters.map((value) => (value === null ? null : REDACTED)) : parameters,
    redacted: isCut || isBound,
  };
}

function takesSecret({ operation, procedure }: SqlStatement): boolean {
  if (operation !== undefined && SECRET_OPERATIONS.has(operation)) return true;
  return (
    procedure !== undefined && SECRET_PROCEDURES.has(procedure.slice(procedure.lastIndexOf('.') + 1).toLowerCase())
  );
}

/** Different secrets looked for in one error; of a statement with more, the error is withheld whole. */
const SPELLINGS_MAX = 1024;

/**
 * Servers quote statements in errors, of the whole request, literals as they stand or as they are meant. All are looked
 * for in the error as it came: what stands for one secret is never searched for the next, which may be a part of it.
 */
export function redactError(errorText: string, text: string, statements: readonly SqlStatement[]): string {
  const spellings = new Set<string>();
  for (const { secrets } of statements) {
    for (const { start, end } of secrets) {
      const literal = text.slice(start, end);
      const inner = /^(['"])(.*)\1$/s.exec(literal)?.[2] ?? literal;
      spellings.add(literal).add(inner).add(inner.replaceAll("''", "'").replaceAll('""', '"'));
      if (spellings.size > SPELLINGS_MAX) return REDACTED;
    }
  }
  spellings.delete('');
  return spellings.size === 0 ? errorText : withoutAll(errorText, spellings);
}

/** `text` with `REDACTED` for each run of characters that belong to one of the `spellings`. */
function withoutAll(text: string, spellings: ReadonlySet<string>): string {
  const isSecret = new Uint8Array(text.length);
  for (const spelling of spellings) {
    for (let at = text.indexOf(spelling); at >= 0; at = text.indexOf(spelling, at + spelling.length)) {
      isSecret.fill(1, at, at + spelling.length);
    }
  }
  let clean = '';
  let at = 0;
  while (at < text.length) {
    const secret = isSecret[at];
    let end = at + 1;
    while (end < text.length && isSecret[end] === secret) end++;
    clean += secret === 1 ? REDACTED : text.slice(at, end);
    at = end;
  }
  return clean;
}
