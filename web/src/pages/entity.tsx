/** A user, an object or a database: now against what is usual, companions, what is rare or new here. */
import type { JSX } from 'preact';
import type { EntityView, Figure } from '#src/console/api/overview.js';
import { useAnswer } from '../base/answer.ts';
import { formatCount, formatMoment, formatShort, plural } from '../base/format.ts';
import { hourTerm } from '../base/hours.ts';
import { rangeParam, scopeParams, useEcho, zone } from '../base/scope.ts';
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
  useEcho(answer.data?.asked);
  return (
    <Answered answer={answer} lines={12}>
      {(view) => <EntityBody view={view} />}
    </Answered>
  );
}

function EntityBody({ view }: { readonly view: EntityView }): JSX.Element {
  const own = term(FIELD[view.kind], view.name);
  // Without days before, everything would count as new and nothing as usual.
  const compared = view.baseline.days > 0;
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
        {compared && <WeekPanel title="Usual week" counts={view.week.usual} own={own} range={view.baseline} />}
        <WeekPanel title={compared ? 'Now' : 'When'} counts={view.week.now} own={own} range={view.asked} />
      </div>
      <div class="columns four">
        {view.related.map((related) => (
          <RelatedPanel key={related.field} related={related} own={own} compared={compared} />
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
  const state = !known ? '' : now > high ? 'above usual' : now < low ? 'below usual' : 'as usual';
  return (
    <li>
      <a class="panel figure" href={linkTo('/search', { q: figure.q })}>
        <span class="split">
          <span class="muted">{figure.name}</span>
          <span class={state === 'above usual' ? 'small strong bad' : 'small muted'}>{state}</span>
        </span>
        <b title={formatCount(figure.total)}>{formatShort(figure.total)}</b>
        {known && (
          <span class="band" aria-hidden="true">
            <i style={{ left: `${(100 * low) / most}%`, width: `${Math.max(1, (100 * (high - low)) / most)}%` }} />
            <u style={{ left: `${(100 * median) / most}%` }} />
            <s style={{ left: `${(100 * now) / most}%` }} />
          </span>
        )}
        <span class="small muted">
          {known ? `${nowText(figure)}usually ${usualText(low, high)} a day` : 'in this range'}
        </span>
      </a>
    </li>
  );
}

/** Over more or less than a day the sum alone does not compare. */
function nowText({ total, now }: Figure): string {
  return total === now ? '' : `${formatRate(now)} a day, `;
}

function usualText(low: number, high: number): string {
  return low === high ? formatRate(low) : `${formatRate(low)} to ${formatRate(high)}`;
}

function formatRate(value: number): string {
  return formatShort(value >= 100 ? Math.round(value) : value);
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

/** Companions shown at once; the others are a click away. */
const RELATED_SHOWN = 8;

function RelatedPanel(props: {
  readonly related: EntityView['related'][number];
  readonly own: string;
  readonly compared: boolean;
}): JSX.Element {
  const { related, compared } = props;
  const fresh = related.values.filter((one) => one.isNew);
  const first = [...(compared ? fresh : []), ...related.values.filter((one) => !compared || !one.isNew)];
  const line = (one: RelatedValue): JSX.Element => (
    <RelatedLine key={one.value} field={related.field} one={one} own={props.own} isNew={compared && one.isNew} />
  );
  return (
    <section class="panel">
      <div class="split">
        <h2>{RELATED_TITLES[related.field] ?? related.field}</h2>
        <span class="small muted">
          {formatCount(related.total)}
          {compared && fresh.length > 0 && `, ${fresh.length} new`}
        </span>
      </div>
      {related.values.length === 0 && <p class="muted">none in this range</p>}
      <ul class="plain-list">{first.slice(0, RELATED_SHOWN).map(line)}</ul>
      {first.length > RELATED_SHOWN && (
        <details>
          <summary>{first.length - RELATED_SHOWN} more</summary>
          <ul class="plain-list">{first.slice(RELATED_SHOWN).map(line)}</ul>
        </details>
      )}
    </section>
  );
}

type RelatedValue = EntityView['related'][number]['values'][number];

function RelatedLine(props: {
  readonly field: string;
  readonly one: RelatedValue;
  readonly own: string;
  readonly isNew: boolean;
}): JSX.Element {
  const { field, one, own } = props;
  const page = PAGES[field];
  const q = withTerm(own, term(field, one.value));
  return (
    <li class="split">
      <span class="clip">
        {page === undefined || one.value === '' ? (
          one.value || 'not known'
        ) : (
          <a href={linkTo(`${page}${segment(one.value)}`)}>{one.value}</a>
        )}{' '}
        {props.isNew && <span class="tag new">new</span>}
      </span>
      <a class="num" href={linkTo('/search', { q })}>
        {formatCount(one.count)}
      </a>
    </li>
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
