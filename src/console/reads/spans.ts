/** A statement's text in parts to be coloured, by the product's own SQL lexer: what is shown is what was understood. */
import { SQL_DIALECTS } from '../../contracts/sql.ts';
import { rulesOf } from '../../sql/dialects.ts';
import { Lexer } from '../../sql/lexer.ts';
import {
  KIND_COMMA,
  KIND_DOT,
  KIND_DOUBLE_STRING,
  KIND_LEFT,
  KIND_NUMBER,
  KIND_OPERATOR,
  KIND_PARAMETER,
  KIND_QUOTED,
  KIND_RIGHT,
  KIND_SEMICOLON,
  KIND_STRING,
  KIND_SYSTEM_VARIABLE,
  KIND_WORD,
} from '../../sql/tokens.ts';
import type { Span, SQL_TOKENS } from '../api/records.ts';

type SpanKind = (typeof SQL_TOKENS)[number];

const KINDS: ReadonlyMap<number, SpanKind> = new Map<number, SpanKind>([
  [KIND_STRING, 'string'],
  [KIND_DOUBLE_STRING, 'string'],
  [KIND_NUMBER, 'number'],
  [KIND_PARAMETER, 'parameter'],
  [KIND_SYSTEM_VARIABLE, 'name'],
  [KIND_QUOTED, 'name'],
  [KIND_OPERATOR, 'operator'],
  [KIND_DOT, 'punctuation'],
  [KIND_COMMA, 'punctuation'],
  [KIND_LEFT, 'punctuation'],
  [KIND_RIGHT, 'punctuation'],
  [KIND_SEMICOLON, 'punctuation'],
]);

const SPANS_MAX = 20_000;

/** In order, not overlapping; text between them is space. A text of very many tokens is coloured in its first part. */
export function sqlSpans(text: string, system: string | undefined): Span[] {
  const rules = rulesOf(SQL_DIALECTS[system ?? ''] ?? 'generic');
  const lexer = new Lexer(rules);
  const spans: Span[] = [];
  lexer.open(text, rules);
  while (!lexer.atEnd() && spans.length < SPANS_MAX) {
    const before = lexer.position();
    lexer.next();
    const { tokens, comments } = lexer;
    for (let i = 0; i < tokens.count; i++) {
      const kind = tokens.kindAt(i);
      // Words with a number of their own are keywords; words behind a dot never have one.
      const name = kind === KIND_WORD ? (tokens.fact[i] === 0 ? 'name' : 'keyword') : KINDS.get(kind);
      if (name !== undefined) spans.push({ kind: name, start: tokens.start[i] ?? 0, end: tokens.end[i] ?? 0 });
    }
    for (const { start, end } of comments.list(undefined)) spans.push({ kind: 'comment', start, end });
    if (lexer.position() <= before) break;
  }
  lexer.close();
  return spans.sort((a, b) => a.start - b.start).slice(0, SPANS_MAX);
}
