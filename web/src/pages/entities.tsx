/** Users, objects and databases of the range, most active first, each with its page. */
import type { JSX } from 'preact';
import type { Entities as EntitiesData, TopItem } from '#src/console/api/overview.js';
import { queryProblem, useAnswer } from '../base/answer.ts';
import { formatCount, formatShare } from '../base/format.ts';
import { query, scopeParams, useEcho } from '../base/scope.ts';
import { term, withTerm } from '../base/terms.ts';
import { linkTo, place, segment, setParams } from '../base/url.ts';
import { Meter } from '../ui/badge.tsx';
import { Chips } from '../ui/chips.tsx';
import { CountCell } from '../ui/count-cell.tsx';
import { QueryBar } from '../ui/query-bar.tsx';
import { Spark } from '../ui/spark.tsx';
import { Answered, Empty } from '../ui/states.tsx';
import { TableHead } from '../ui/table-head.tsx';
import { Tabs } from '../ui/tabs.tsx';

const KINDS = [
  { id: 'user', text: 'Users', path: '/users/', field: 'user' },
  { id: 'object', text: 'Objects', path: '/objects/', field: 'object' },
  { id: 'database', text: 'Databases', path: '/databases/', field: 'db' },
] as const;
type Kind = (typeof KINDS)[number];

export default function Entities(): JSX.Element {
  const kind = KINDS.find((one) => one.id === place.value.params.get('kind')) ?? KINDS[0];
  const answer = useAnswer<EntitiesData>('/entities', { ...scopeParams(), q: query(), kind: kind.id });
  useEcho(answer.data?.asked);
  return (
    <>
      <Tabs
        label="Kind"
        tabs={KINDS}
        chosen={kind.id}
        onChoose={(id) => setParams({ kind: id === 'user' ? undefined : id })}
      />
      <QueryBar value={query()} onRun={(q) => setParams({ q })} problem={queryProblem(answer)} />
      <Chips />
      <Answered answer={answer}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty ofRecords title={`No ${kind.text.toLowerCase()} in this range`} />
          ) : (
            <section class="panel">
              <EntityTable items={data.items} kind={kind} />
              {data.others > 0 && <p class="muted small">{formatCount(data.others)} records of others, not listed</p>}
            </section>
          )
        }
      </Answered>
    </>
  );
}

function EntityTable({ items, kind }: { readonly items: readonly TopItem[]; readonly kind: Kind }): JSX.Element {
  const own = (item: TopItem): string => withTerm(query(), term(kind.field, item.value));
  return (
    <table class="table entity-table">
      <TableHead
        columns={['Name', 'Over time', 'Share', { number: 'Records' }, { number: 'Failed' }, { number: 'Rows' }]}
      />
      <tbody>
        {items.map((item) => (
          <tr key={item.value}>
            <td class="name strong" title={item.value}>
              {item.value === '' ? (
                <span class="muted">not known</span>
              ) : (
                <a href={linkTo(`${kind.path}${segment(item.value)}`)}>{item.value}</a>
              )}
            </td>
            <td>
              <Spark values={item.trend} />
            </td>
            <td>
              <span class="share">
                <Meter share={item.share} /> <span class="small muted num">{formatShare(item.share, 1)}</span>
              </span>
            </td>
            <CountCell count={item.count} q={own(item)} />
            <CountCell count={item.errors} q={withTerm(own(item), 'failed:yes')} bad />
            <CountCell count={item.rows} q={withTerm(own(item), 'rows>0')} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}
