/**
 * SQL inside string literals: bodies of DO and of functions, EXECUTE IMMEDIATE, EXEC ('…'), sp_executesql and the text
 * of PREPARE. What is run counts as part of the statement; what is only stored is read for its secrets.
 *
 * Concatenations are joined where their parts are literals or variables that the text sets (`assembled.ts`), with `?` for
 * any other part.
 */
import type { SqlStatement, TextSpan } from '../contracts/sql.ts';
import { type Assignments, expressionText } from './assembled.ts';
import type { EmbeddedCode, Facts } from './facts.ts';
import { namePart } from './names.ts';
import type { Tokens } from './tokens.ts';

/** How deep code in literals in code is followed. */
export const EMBEDDED_DEPTH_MAX = 2;

/** The code, and where it begins in the text when it stands there unchanged (else -1). */
export interface CodeText {
  readonly text: string;
  readonly start: number;
}

/** `undefined` when no part of the code is known. */
export function codeText(tokens: Tokens, code: EmbeddedCode, assignments: Assignments): CodeText | undefined {
  const first = code.tokens[0] ?? 0;
  if (code.tokens.length > 1 || !tokens.isString(first)) {
    const at = tokens.startOf(first);
    const { text } = expressionText(tokens, first, (name) => assignments.valueAt(name, at));
    return text === undefined ? undefined : { text, start: -1 };
  }
  const text = namePart(tokens, first);
  const at = tokens.slice(first).indexOf(text);
  return { text, start: at < 0 ? -1 : tokens.startOf(first) + at };
}

/** Adds what the code does to `facts`, and its secrets to `out`: exact where the code stands unchanged, else all of it. */
export function mergeCode(
  statements: readonly SqlStatement[],
  tokens: Tokens,
  code: EmbeddedCode,
  start: number,
  facts: Facts,
  out: TextSpan[],
): void {
  let hasSecrets = false;
  for (const statement of statements) {
    for (const span of statement.secrets) {
      hasSecrets = true;
      if (start >= 0) out.push({ start: start + span.start, end: start + span.end });
    }
    if (!code.isRun) continue;
    for (const operation of statement.operations) if (operation !== 'BLOCK') facts.addOperation(operation, false);
    const written = new Set(statement.objectsWritten);
    for (const name of statement.objects) facts.addObject(name, written.has(name));
    for (const name of statement.functions) facts.functions.add(name);
    facts.procedure ??= statement.procedure;
  }
  if (!hasSecrets || start >= 0) return;
  for (const i of code.tokens) if (tokens.isString(i)) out.push({ start: tokens.startOf(i), end: tokens.endOf(i) });
}
