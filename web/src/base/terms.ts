/**
 * The query text as coloured tokens and as chips. Follows the grammar of `src/query/language.ts` (the server's parser
 * decides what is right; this only needs to see where tokens and top-level conditions begin and end, also in text that is
 * not finished yet).
 */

export type TokenKind = 'field' | 'operator' | 'value' | 'text' | 'keyword' | 'time' | 'paren' | 'space';

export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

const TIME_FIELDS = new Set(['time', 'since', 'until']);
const KEYWORD = /^(?:and|or|not)(?=[\s()"]|$)/i;
const HEAD = /^([A-Za-z_]+)(!=|<=|>=|:=|[:=<>])/;

/** Tokens that cover `text` without a hole. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let pos = 0;
  const push = (kind: TokenKind, length: number): void => {
    if (length > 0) tokens.push({ kind, start: pos, end: pos + length });
    pos += length;
  };
  while (pos < text.length) {
    const rest = text.slice(pos);
    const space = /^\s+/.exec(rest);
    if (space !== null) {
      push('space', space[0].length);
      continue;
    }
    if (rest.startsWith('(') || rest.startsWith(')')) {
      push('paren', 1);
      continue;
    }
    const keyword = KEYWORD.exec(rest);
    if (keyword !== null) {
      push('keyword', keyword[0].length);
      continue;
    }
    const head = HEAD.exec(rest);
    if (head === null) {
      push('text', Math.max(1, valueLength(rest)));
      continue;
    }
    const field = head[1] ?? '';
    push('field', field.length);
    push('operator', (head[2] ?? '').length);
    const kind = TIME_FIELDS.has(field.toLowerCase()) ? 'time' : 'value';
    push(kind, valuesLength(text.slice(pos)));
  }
  return tokens;
}

/** Length of `value {"," value}`. */
function valuesLength(text: string): number {
  let length = valueLength(text);
  while (text[length] === ',') length += 1 + valueLength(text.slice(length + 1));
  return length;
}

/** Length of a quoted text, closed or not, or of an unquoted value. */
function valueLength(text: string): number {
  if (!text.startsWith('"')) return /^[^\s()",]*/.exec(text)?.[0].length ?? 0;
  let pos = 1;
  while (pos < text.length && text[pos] !== '"') pos += text[pos] === '\\' ? 2 : 1;
  return Math.min(pos + 1, text.length);
}

/**
 * The conditions that must all hold, in order, `not` included: the chips. A query with `or` outside parentheses is one
 * condition.
 */
export function topTerms(text: string): readonly Span[] {
  const terms: Span[] = [];
  const tokens = tokenize(text).filter((token) => token.kind !== 'space');
  let depth = 0;
  let start: number | undefined;
  for (const [index, token] of tokens.entries()) {
    const word = text.slice(token.start, token.end).toLowerCase();
    if (depth === 0 && token.kind === 'keyword' && word === 'or') return [trimmed(text)];
    if (depth === 0 && token.kind === 'keyword' && word === 'and') continue;
    start ??= token.start;
    if (token.kind === 'paren') depth = word === '(' ? depth + 1 : Math.max(0, depth - 1);
    const next = tokens[index + 1];
    const joined = next !== undefined && next.start === token.end && isHead(token) && !isHead(next, 'field');
    if (depth > 0 || token.kind === 'keyword' || joined) continue;
    terms.push({ start, end: token.end });
    start = undefined;
  }
  if (start !== undefined) terms.push({ start, end: text.trimEnd().length });
  return terms;
}

function isHead(token: Token, only?: TokenKind): boolean {
  return only === undefined ? token.kind === 'field' || token.kind === 'operator' : token.kind === only;
}

function trimmed(text: string): Span {
  return { start: text.length - text.trimStart().length, end: text.trimEnd().length };
}

/**
 * `field:value`, quoted where the grammar needs it; `not` as `!=`. Also for values that came off the wire. The empty value
 * stands for records that do not name the field at all.
 */
export function term(field: string, value: string, relation: 'is' | 'not' = 'is'): string {
  if (value === '') return relation === 'is' ? `not ${field}:*` : `${field}:*`;
  return `${field}${relation === 'is' ? ':' : '!='}${quoted(value)}`;
}

export function quoted(value: string): string {
  return value !== '' && !/^=|[\s()",*?\\]/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** The query narrowed by one more condition; as it was when it has that one already. */
export function withTerm(query: string, added: string): string {
  const text = query.trim();
  if (text === '') return added;
  const terms = topTerms(text);
  if (terms.some((span) => text.slice(span.start, span.end) === added)) return text;
  const [only] = terms;
  const isOr = terms.length === 1 && only !== undefined && hasTopOr(text);
  return isOr ? `(${text}) ${added}` : `${text} ${added}`;
}

function hasTopOr(text: string): boolean {
  let depth = 0;
  for (const token of tokenize(text)) {
    const word = text.slice(token.start, token.end).toLowerCase();
    if (token.kind === 'paren') depth += word === '(' ? 1 : -1;
    if (depth === 0 && token.kind === 'keyword' && word === 'or') return true;
  }
  return false;
}

/** The query without one of its top-level conditions. */
export function withoutTerm(query: string, index: number): string {
  return joined(query, (text, at) => (at === index ? undefined : text));
}

/** The query with one of its top-level conditions turned round. */
export function negated(query: string, index: number): string {
  return joined(query, (text, at) => (at === index ? opposite(text) : text));
}

function joined(query: string, change: (text: string, index: number) => string | undefined): string {
  return topTerms(query)
    .map((span, index) => change(query.slice(span.start, span.end), index))
    .filter((text) => text !== undefined)
    .join(' ');
}

function opposite(text: string): string {
  if (/^not\s/i.test(text)) return text.slice(3).trimStart();
  const head = HEAD.exec(text);
  if (head !== null && (head[2] === ':' || head[2] === '=')) {
    return `${head[1]}!=${text.slice(head[0].length)}`;
  }
  if (head !== null && head[2] === '!=') return `${head[1]}:${text.slice(head[0].length)}`;
  return hasTopOr(text) ? `not (${text})` : `not ${text}`;
}
