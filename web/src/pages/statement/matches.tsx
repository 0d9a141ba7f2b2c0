/** Which rules matched, and why, in sentences made from the rule's own conditions. */
import type { JSX } from 'preact';
import type { Match } from '#src/console/api/records.js';
import { term } from '../../base/terms.ts';
import { linkTo } from '../../base/url.ts';
import { SeverityBadge } from '../../ui/badge.tsx';

export function Matches(props: {
  readonly matches: readonly Match[];
  readonly policyVersion: string | undefined;
}): JSX.Element | null {
  if (props.matches.length === 0) return null;
  return (
    <section class="stack tight">
      {props.matches.map((match) => (
        <div key={match.rule} class={`match edge-${match.severity}`}>
          <div class="split">
            <a class="strong" href={linkTo('/search', { q: term('rule', match.rule) })}>
              {match.title ?? match.rule}
            </a>
            <SeverityBadge severity={match.severity} />
          </div>
          {match.reason !== undefined && <p>{match.reason}</p>}
          <ul class="because">
            {match.because.map((because) => (
              <li key={because.sentence}>{because.sentence}</li>
            ))}
          </ul>
          {match.note !== undefined && <p class="small muted">{match.note}</p>}
          <p class="small muted">
            {match.rule}, {match.action}
            {match.references.length > 0 && ` · ${match.references.join(', ')}`}
          </p>
        </div>
      ))}
      {props.policyVersion !== undefined && <p class="small muted">Judged by policy {props.policyVersion}.</p>}
    </section>
  );
}
