/** Sessions that have a matching record, newest first; how they lie to the range is a choice beside the conditions. */
import type { JSX } from 'preact';
import type { Relation, SessionRow, Sessions as SessionsData } from '#src/console/api/records.js';
import { queryProblem, useAnswer } from '../base/answer.ts';
import { formatCount, formatDuration, microseconds } from '../base/format.ts';
import { query, scopeParams, useEcho } from '../base/scope.ts';
import { term, withTerm } from '../base/terms.ts';
import { linkTo, patched, place, segment, setParams } from '../base/url.ts';
import { Chips } from '../ui/chips.tsx';
import { CountCell } from '../ui/count-cell.tsx';
import { QueryBar } from '../ui/query-bar.tsx';
import { Moment } from '../ui/record-columns.tsx';
import { Answered, Empty } from '../ui/states.tsx';
import { TableHead } from '../ui/table-head.tsx';

export default function Sessions(): JSX.Element {
  const relation = RELATIONS.find((one) => one === place.value.params.get('rel')) ?? 'overlaps';
  const answer = useAnswer<SessionsData>('/sessions', { ...scopeParams(), q: query(), relation, limit: 200 });
  useEcho(answer.data?.asked);
  return (
    <>
      <QueryBar value={query()} onRun={(q) => setParams({ q })} problem={queryProblem(answer)} />
      <Chips />
      {place.value.params.has('t') && <RelationChips chosen={relation} />}
      <Answered answer={answer}>
        {(data) =>
          data.sessions.length === 0 ? (
            <Empty ofRecords title="No session matched">
              <p>A session is listed when one of its records fits the query, and it {RELATION_TEXTS[relation]}.</p>
            </Empty>
          ) : (
            <section class="panel">
              <SessionTable sessions={data.sessions} />
              {data.more && (
                <p class="muted small">
                  These are the newest {formatCount(data.sessions.length)}; narrow the query or the time for others.
                </p>
              )}
            </section>
          )
        }
      </Answered>
    </>
  );
}

const RELATIONS: readonly Relation[] = ['overlaps', 'covers', 'inside', 'not'];

const RELATION_TEXTS: Readonly<Record<Relation, string>> = {
  overlaps: 'overlaps the range',
  covers: 'covers the range',
  inside: 'is inside the range',
  not: 'is not in the range',
};

const RELATION_HINTS: Readonly<Record<Relation, string>> = {
  overlaps: 'They have time in common',
  covers: 'It began before the range and went on behind it',
  inside: 'It began and ended within the range',
  not: 'It ended before the range, or began behind it',
};

function RelationChips({ chosen }: { readonly chosen: Relation }): JSX.Element {
  return (
    <ul class="chips" aria-label="How a session lies to the range">
      {RELATIONS.map((relation) => (
        <li key={relation} class={relation === chosen ? 'chip' : 'chip other'}>
          <a
            class="chip-text"
            href={patched({ rel: relation === 'overlaps' ? undefined : relation })}
            aria-current={relation === chosen ? 'true' : undefined}
            title={RELATION_HINTS[relation]}
          >
            {RELATION_TEXTS[relation]}
          </a>
        </li>
      ))}
    </ul>
  );
}

function SessionTable({ sessions }: { readonly sessions: readonly SessionRow[] }): JSX.Element {
  return (
    <table class="table">
      <TableHead
        columns={[
          'Began',
          { number: 'Lasted' },
          'User',
          'Database',
          'Program',
          'Client',
          { number: 'Records' },
          { number: 'Failed' },
          { number: 'Rows' },
        ]}
      />
      <tbody>
        {sessions.map((session) => (
          <tr key={session.session}>
            <td>
              <a href={linkTo(`/sessions/${segment(session.session)}`)}>
                <Moment time={session.first} />
              </a>
            </td>
            <td class="num">{lengthUs(session) === 0 ? '–' : formatDuration(lengthUs(session))}</td>
            <td class="name" title={session.user}>
              {session.user === undefined ? (
                <span class="muted">not seen</span>
              ) : (
                <a href={linkTo(`/users/${segment(session.user)}`)}>{session.user}</a>
              )}
            </td>
            <td class="name" title={session.db}>
              {session.db !== undefined && <a href={linkTo(`/databases/${segment(session.db)}`)}>{session.db}</a>}
            </td>
            <td class="name" title={session.program}>
              {session.program ?? ''}
            </td>
            <td class="mono">{session.client ?? ''}</td>
            <CountCell count={session.records} q={own(session)} always />
            <CountCell count={session.errors} q={withTerm(own(session), 'failed:yes')} bad always />
            <CountCell count={session.rows} q={withTerm(own(session), 'rows>0')} always />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Records of the session among those asked for. */
function own(session: SessionRow): string {
  return withTerm(query(), term('session', session.session));
}

export function lengthUs(session: SessionRow): number {
  return Math.max(0, microseconds(session.last) - microseconds(session.first));
}
