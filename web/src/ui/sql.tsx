/** SQL text in colours: the kinds come from the server's lexer, marked parts from the rules that matched. */
import type { JSX } from 'preact';
import type { Span } from '#src/console/api/records.js';

export interface Mark {
  readonly start: number;
  readonly end: number;
}

interface Piece {
  readonly text: string;
  readonly kind: string;
  readonly marked: boolean;
}

export function Sql(props: {
  readonly text: string;
  readonly spans: readonly Span[];
  readonly marks?: readonly Mark[];
}): JSX.Element {
  return (
    <pre class="sql">
      <code>
        {pieces(props.text, props.spans, props.marks ?? []).map((piece, index) =>
          piece.marked ? (
            <mark key={index} class={piece.kind}>
              {piece.text}
            </mark>
          ) : (
            <span key={index} class={piece.kind}>
              {piece.text}
            </span>
          ),
        )}
      </code>
    </pre>
  );
}

/** Cuts the text wherever a token or a mark begins or ends. */
export function pieces(text: string, spans: readonly Span[], marks: readonly Mark[]): readonly Piece[] {
  const edges = new Set([0, text.length]);
  for (const { start, end } of [...spans, ...marks]) {
    if (start < text.length) edges.add(Math.max(0, start));
    edges.add(Math.min(end, text.length));
  }
  const cuts = [...edges].sort((a, b) => a - b);
  const sorted = [...spans].sort((a, b) => a.start - b.start);
  const found: Piece[] = [];
  let at = 0;
  for (let index = 0; index + 1 < cuts.length; index++) {
    const start = cuts[index] as number;
    const end = cuts[index + 1] as number;
    while (at < sorted.length && (sorted[at] as Span).end <= start) at++;
    const span = sorted[at];
    const kind = span !== undefined && span.start <= start ? `t-${span.kind}` : '';
    found.push({
      text: text.slice(start, end),
      kind,
      marked: marks.some((mark) => mark.start < end && mark.end > start),
    });
  }
  return found;
}
