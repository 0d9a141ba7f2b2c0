/** A user, an object or a database: now against what is usual, companions, what is rare or new here. */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { EntityView, Figure } from '#src/console/api/overview.js';
import { useAnswer } from '../base/answer.ts';
import { formatBytes, formatCount, formatDuration, formatMoment, formatShort, plural } from '../base/format.ts';
import { hourTerm } from '../base/hours.ts';
import { echo, rangeParam, scopeParams, zone } from '../base/scope.ts';
import { term, withTerm } from '../base/terms.ts';
import { go, linkTo, patched, place, segment, setParams } from '../base/url.ts';
import type { PageProps } from '../frame/lazy.tsx';
import { HeatMap } from '../ui/heat-map.tsx';
import { RowList } from '../ui/row-list.tsx';
import { Answered } from '../ui/states.tsx';
import { TimeChart } from '../ui/time-chart.tsx';

const FIELD = { user: 'user', object: 'object', database: 'db' } as const;

export default function Entity({ params }: PageProps): JSX.Element {
  const name = params['name'] ?? '';
  const kind = place.value.path.split('/')[1] ?? 'users';
  const answer = useAnswer<EntityView>(`/${kind}/${segment(name)}`, { t: scopeParams()['t'] });
  const asked = answer.data?.asked;
  useEffect(() => {
    if (asked !== undefined) echo.value = asked;
  }, [asked]);
  return (
    <Answered answer={answer} lines={12}>
      {(view) => <EntityBody view={view} />}
    </Answered>
  );
}

function EntityBody({ view }: { readonly view: EntityView }): JSX.Element {
  const own = term(FIELD[view.kind], view.name);
  return (
    <div class="stack">
      <header>
        <div class="page-head">
          <span class="tag">{view.kind}</span>
          <h2 class="statement-title">{view.name}</h2>
          <a href={linkTo('/search', { q: own })}>{plural(view.records, 'record')}</a>
        </div>
        <p class="muted small">{historyText(view)}</p>
      </header>
      <ul class="figures">
        {view.figures.map((figure) => (
          <FigureCard key={figure.name} figure={figure} />
        ))}
      </ul>
      <section class="panel">
        <TimeChart
          title="Activity"
          series={view.series}
          heightPx={150}
          onRange={(from, to) => setParams({ t: rangeParam(from, to) })}
        />
      </section>
      <div class="columns halves">
        <WeekPanel title="Usual week" counts={view.week.usual} own={own} range={view.baseline} />
        <WeekPanel title="Now" counts={view.week.now} own={own} range={view.asked} />
      </div>
      <div class="columns four">
        {view.related.map((related) => (
          <RelatedPanel key={related.field} related={related} own={own} />
        ))}
      </div>
      <div class="columns halves">
        <RarePanel view={view} />
        <section class="panel">
          <div class="split">
            <h2>Alerts</h2>
            <a href={linkTo('/search', { q: withTerm(own, 'action:alert') })}>All</a>
          </div>
          <RowList rows={view.alerts} figure="none" empty="no rule alerted here in this range" />
        </section>
      </div>
    </div>
  );
}

function historyText(view: EntityView): string {
  const { baseline } = view;
  const first =
    view.first === undefined ? 'never seen' : `first seen ${formatMoment(Date.parse(view.first), zone(), 'minute')}`;
  const last = view.last === undefined ? '' : `, last seen ${formatMoment(Date.parse(view.last), zone(), 'minute')}`;
  const usual =
    baseline.days === 0
      ? 'Nothing was recorded before this range, so there is nothing usual to compare with.'
      : `Usual means ${plural(baseline.days, 'day')} with records from ${baseline.from.slice(0, 10)} to ${baseline.to.slice(0, 10)}, ${plural(baseline.records, 'record')}.`;
  return `${first}${last}. ${usual}`;
}

/** A figure of now on the band of what is usual (5th to 95th percentile of the days before). */
function FigureCard({ figure }: { readonly figure: Figure }): JSX.Element {
  const { low, median, high, now } = figure;
  const known = low !== undefined && high !== undefined && median !== undefined;
  const most = Math.max(now, high ?? 0, 1) * 1.1;
  const state = !known ? 'no comparison' : now > high ? 'above usual' : now < low ? 'below usual' : 'as usual';
  return (
    <li>
      <a class="panel figure" href={linkTo('/search', { q: figure.q })}>
        <span class="split">
          <span class="muted">{figure.name}</span>
          <span class={state === 'above usual' || state === 'below usual' ? 'small strong bad' : 'small muted'}>
            {state}
          </span>
        </span>
        <b>{inUnit(now, figure.unit)}</b>
        <span class="band" aria-hidden="true">
          {known && (
            <i style={{ left: `${(100 * low) / most}%`, width: `${Math.max(1, (100 * (high - low)) / most)}%` }} />
          )}
          {known && <u style={{ left: `${(100 * median) / most}%` }} />}
          <s style={{ left: `${(100 * now) / most}%` }} />
        </span>
        <span class="small muted">
          {known ? `usually ${inUnit(low, figure.unit)} to ${inUnit(high, figure.unit)} a day` : 'no days before'}
        </span>
      </a>
    </li>
  );
}

function inUnit(value: number, unit: string): string {
  if (unit === 'us') return formatDuration(value);
  if (unit === 'bytes') return formatBytes(value);
  return formatShort(value);
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const HOURS = Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, '0')} h`);

function WeekPanel(props: {
  readonly title: string;
  readonly counts: readonly (readonly number[])[];
  readonly own: string;
  readonly range: { readonly from: string; readonly to: string };
}): JSX.Element {
  const { own, range } = props;
  return (
    <section class="panel">
      <div class="split">
        <h2>{props.title}</h2>
        <span class="small muted">weekday and hour, UTC</span>
      </div>
      <HeatMap
        label={`${props.title}: records by weekday and hour`}
        rows={DAYS}
        columns={HOURS}
        counts={props.counts}
        onCell={(day, hour) => {
          const hours = hourTerm(Date.parse(range.from), Date.parse(range.to), hour, day);
          go(
            linkTo('/search', { q: hours === undefined ? own : withTerm(own, hours), t: `${range.from}/${range.to}` }),
          );
        }}
      />
    </section>
  );
}

const RELATED_TITLES: Readonly<Record<string, string>> = {
  user: 'Users',
  object: 'Objects',
  client: 'Clients',
  db: 'Databases',
  program: 'Programs',
  op: 'Operations',
  rule: 'Rules',
};
const PAGES: Readonly<Record<string, string>> = { user: '/users/', object: '/objects/', db: '/databases/' };

function RelatedPanel(props: { readonly related: EntityView['related'][number]; readonly own: string }): JSX.Element {
  const { related } = props;
  const fresh = related.values.filter((one) => one.isNew).length;
  return (
    <section class="panel">
      <div class="split">
        <h2>{RELATED_TITLES[related.field] ?? related.field}</h2>
        <span class="small muted">
          {formatCount(related.total)}
          {fresh > 0 && `, ${fresh} new`}
        </span>
      </div>
      {related.values.length === 0 && <p class="muted">none in this range</p>}
      <ul class="plain-list">
        {related.values.map((one) => (
          <li key={one.value} class="split">
            <span class="clip">
              {PAGES[related.field] === undefined || one.value === '' ? (
                one.value || 'not known'
              ) : (
                <a href={linkTo(`${PAGES[related.field]}${segment(one.value)}`)}>{one.value}</a>
              )}{' '}
              {one.isNew && <span class="tag new">new</span>}
            </span>
            <a
              class="num"
              href={linkTo('/search', {
                q: one.value === '' ? props.own : withTerm(props.own, term(related.field, one.value)),
              })}
            >
              {formatCount(one.count)}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function RarePanel({ view }: { readonly view: EntityView }): JSX.Element {
  return (
    <section class="panel">
      <h2>Rare statements</h2>
      {view.rare.length === 0 && <p class="muted">nothing that is rare here</p>}
      <ul class="row-list">
        {view.rare.map((one) => (
          <li key={one.fingerprint}>
            <a href={patched({ id: one.example.id })}>
              <code class="clip">{one.summary}</code>
              <span class="row-figure">{formatCount(one.count)}×</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
