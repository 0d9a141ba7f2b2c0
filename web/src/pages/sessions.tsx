/** Sessions that have a matching record, newest first. */
import type { JSX } from 'preact';
import type { SessionRow, Sessions as SessionsData } from '#src/console/api/records.js';
import { queryProblem, useAnswer } from '../base/answer.ts';
import { formatCount, formatDuration, microseconds } from '../base/format.ts';
import { query, scopeParams, useEcho } from '../base/scope.ts';
import { term, withTerm } from '../base/terms.ts';
import { linkTo, segment, setParams } from '../base/url.ts';
import { Chips } from '../ui/chips.tsx';
import { CountCell } from '../ui/count-cell.tsx';
import { QueryBar } from '../ui/query-bar.tsx';
import { Moment } from '../ui/record-columns.tsx';
import { Answered, Empty } from '../ui/states.tsx';
import { TableHead } from '../ui/table-head.tsx';

export default function Sessions(): JSX.Element {
  const answer = useAnswer<SessionsData>('/sessions', { ...scopeParams(), q: query(), limit: 200 });
  useEcho(answer.data?.asked);
  return (
    <>
      <QueryBar value={query()} onRun={(q) => setParams({ q })} problem={queryProblem(answer)} />
      <Chips />
      <Answered answer={answer}>
        {(data) =>
          data.sessions.length === 0 ? (
            <Empty ofRecords title="No session matched">
              <p>A session is listed when one of its records fits the query and the time range.</p>
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
            <td class="num">{session.records === 1 ? '–' : formatDuration(lengthUs(session))}</td>
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
            <CountCell count={session.records} q={own(session)} />
            <CountCell count={session.errors} q={withTerm(own(session), 'failed:yes')} bad />
            <CountCell count={session.rows} q={withTerm(own(session), 'rows>0')} />
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
