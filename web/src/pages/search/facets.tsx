/** Top values of the fields, counted over all that matches; each can be asked for or left out. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Facets } from '#src/console/api/records.js';
import { useAnswer } from '../../base/answer.ts';
import type { Params } from '../../base/api.ts';
import { formatCount, formatShort, plural } from '../../base/format.ts';
import { query } from '../../base/scope.ts';
import { term, withTerm } from '../../base/terms.ts';
import { patched } from '../../base/url.ts';
import { Meter } from '../../ui/badge.tsx';
import { ProblemNote, Skeleton } from '../../ui/states.tsx';

const FIELDS = ['user', 'op', 'object', 'db', 'program', 'client', 'rule', 'error', 'kind'] as const;
const TITLES: Readonly<Record<string, string>> = {
  user: 'User',
  op: 'Operation',
  object: 'Object',
  db: 'Database',
  program: 'Program',
  client: 'Client',
  rule: 'Rule',
  error: 'Error',
  kind: 'Kind',
};

export function FacetList({ question }: { readonly question: Params | undefined }): JSX.Element {
  const [kept, setKept] = useState<Params>(question ?? {});
  useEffect(() => {
    if (question !== undefined) setKept(question);
  }, [JSON.stringify(question)]);
  const { dir: _dir, ...counted } = question ?? kept;
  const answer = useAnswer<Facets>('/facets', { ...counted, field: FIELDS.join(','), limit: 6 });
  if (answer.data === undefined) {
    return answer.problem === undefined ? (
      <Skeleton lines={12} />
    ) : (
      <ProblemNote problem={answer.problem} retry={answer.reload} />
    );
  }
  const { total } = answer.data;
  return (
    <section class="facets" aria-label="Values found" tabIndex={0}>
      <p class="small muted">counted over {plural(total, 'record')}</p>
      {answer.data.facets
        .filter((facet) => facet.values.some((one) => one.value !== ''))
        .map((facet) => (
          <div key={facet.field} class="facet">
            <h3>{TITLES[facet.field] ?? facet.field}</h3>
            <ul>
              {facet.values
                .filter((one) => one.value !== '')
                .map((one) => (
                  <li key={one.value}>
                    <a
                      class="facet-value"
                      href={patched({ q: withTerm(query(), term(facet.field, one.value)), w: undefined })}
                      title={`${one.value}: ${formatCount(one.count)}`}
                    >
                      <span class="clip">{one.value}</span>
                      <span class="num muted small">{formatShort(one.count)}</span>
                      <Meter share={total === 0 ? 0 : one.count / total} />
                    </a>
                    <a
                      class="facet-not"
                      href={patched({ q: withTerm(query(), term(facet.field, one.value, 'not')), w: undefined })}
                      aria-label={`Leave out ${one.value}`}
                      title="Leave out"
                    >
                      ≠
                    </a>
                  </li>
                ))}
              {facet.others > 0 && <li class="small muted">{formatCount(facet.others)} with other values</li>}
            </ul>
          </div>
        ))}
    </section>
  );
}
