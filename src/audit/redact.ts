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

/** Servers quote statements in errors, of the whole request, literals as they stand or as they are meant. */
export function redactError(errorText: string, text: string, statements: readonly SqlStatement[]): string {
  let clean = errorText;
  for (const { secrets } of statements) {
    for (const { start, end } of secrets) {
      const literal = text.slice(start, end);
      const inner = /^(['"])(.*)\1$/s.exec(literal)?.[2] ?? literal;
      const meant = inner.replaceAll("''", "'").replaceAll('""', '"');
      for (const spelling of [literal, inner, meant]) if (spelling !== '') clean = clean.replaceAll(spelling, REDACTED);
    }
  }
  return clean;
}
