/** One group of alerts: why the rule exists, when it matched, the statements, the decision and all earlier ones. */
import type { JSX } from 'preact';
import type { AlertGroup, AlertView, Decision } from '#src/console/api/alerts.js';
import { useAnswer } from '../../base/answer.ts';
import { formatCount, formatMoment, plural } from '../../base/format.ts';
import { rangeParam, scopeParams, zone } from '../../base/scope.ts';
import { may } from '../../base/session.ts';
import { term, withTerm } from '../../base/terms.ts';
import { linkTo, segment, setParams } from '../../base/url.ts';
import { SeverityBadge } from '../../ui/badge.tsx';
import { RowList } from '../../ui/row-list.tsx';
import { Answered } from '../../ui/states.tsx';
import { TimeChart } from '../../ui/time-chart.tsx';
import { CourseLine } from './course.tsx';
import { Decide } from './decide.tsx';
import { untilText } from './until.tsx';

export function GroupDetail(props: { readonly group: AlertGroup; readonly onDecided: () => void }): JSX.Element {
  const answer = useAnswer<AlertView>(`/alerts/${segment(props.group.id)}`, scopeParams());
  const decided = (): void => {
    answer.reload();
    props.onDecided();
  };
  return (
    <section class="panel" aria-label="Alert">
      <Answered answer={answer}>
        {(view) => (
          <div class="stack">
            <header>
              <div class="split">
                <h2 class="statement-title">{view.group.title ?? view.group.rule}</h2>
                <SeverityBadge severity={view.group.severity} />
              </div>
              {view.reason !== undefined && <p>{view.reason}</p>}
              <p class="small muted">
                {view.group.rule}
                {view.references.length > 0 && ` · ${view.references.join(', ')}`}
              </p>
            </header>
            {view.group.summary !== undefined && <pre class="sql">{view.group.summary}</pre>}
            <p>
              <a class="strong" href={linkTo('/search', { q: view.q })}>
                {plural(view.group.count, 'match', 'matches')}
              </a>{' '}
              from {formatMoment(Date.parse(view.group.first), zone(), 'second')} to{' '}
              {formatMoment(Date.parse(view.group.last), zone(), 'second')}, by{' '}
              {view.group.users.map((user, index) => (
                <span key={user.value}>
                  {index > 0 && ', '}
                  {user.value === '' ? (
                    'unknown'
                  ) : (
                    <a href={linkTo('/search', { q: withTerm(view.q, term('user', user.value)) })}>
                      {user.value} ({formatCount(user.count)})
                    </a>
                  )}
                </span>
              ))}
            </p>
            <CourseLine group={view.group} />
            <TimeChart
              title="When it matched"
              series={view.series}
              heightPx={110}
              onRange={(from, to) => setParams({ t: rangeParam(from, to) })}
            />
            {may('auditor') && <Decide ids={[view.group.id]} onDecided={decided} />}
            <div>
              <h3>Latest</h3>
              <RowList rows={view.rows} figure="rows" empty="none in this range" />
            </div>
            <Trail trail={view.trail} />
          </div>
        )}
      </Answered>
    </section>
  );
}

function Trail({ trail }: { readonly trail: readonly Decision[] }): JSX.Element {
  if (trail.length === 0) return <p class="muted small">Nobody has decided yet.</p>;
  return (
    <div>
      <h3>Decisions</h3>
      <ol class="plain-list">
        {trail.map((one) => (
          <li key={`${one.time} ${one.who}`}>
            <span class="tag">{one.verdict ?? one.state}</span>{' '}
            {one.reason ?? <span class="muted">for a reason that speaks of databases you may not see</span>}
            <span class="small muted">
              {' '}
              {one.who}, {formatMoment(Date.parse(one.time), zone(), 'second')}
              {one.count !== undefined && `, at ${plural(one.count, 'match', 'matches')}`}
              {one.until !== undefined && `, until ${untilText(one.until)}`}
              {one.databases !== 'all' && `, for ${one.databases.join(', ')} only`}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}
