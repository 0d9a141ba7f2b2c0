/** Overview: what happened in the range, in pictures. Everything on it narrows everything on it. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type {
  FirstSeen,
  OverviewBefore,
  Overview as OverviewData,
  OverviewFigures,
} from '#src/console/api/overview.js';
import { queryProblem, useAnswer } from '../base/answer.ts';
import { formatCount, formatMoment, formatShare, formatShort } from '../base/format.ts';
import { hourTerm } from '../base/hours.ts';
import { query, rangeParam, scopeParams, useEcho, zone } from '../base/scope.ts';
import { session } from '../base/session.ts';
import { term, withTerm } from '../base/terms.ts';
import { linkTo, patched, place, setParams } from '../base/url.ts';
import { SeverityBadge } from '../ui/badge.tsx';
import { Chips } from '../ui/chips.tsx';
import { CoverageStrip } from '../ui/coverage-strip.tsx';
import { HeatMap } from '../ui/heat-map.tsx';
import { QueryBar } from '../ui/query-bar.tsx';
import { RowList } from '../ui/row-list.tsx';
import { Answered, Empty } from '../ui/states.tsx';
import { type EarlierBars, TimeChart } from '../ui/time-chart.tsx';
import { TopList } from '../ui/top-list.tsx';

export default function Overview(): JSX.Element {
  const params = { ...scopeParams(), q: query() };
  // The chart does not wait until everything on the page is counted.
  const figures = useAnswer<OverviewFigures>('/overview/figures', params);
  const answer = useAnswer<OverviewData>('/overview', params);
  const isWhole = answer.data !== undefined && !answer.stale;
  const first = isWhole ? { ...figures, ...answer } : figures;
  useEcho(first.data?.asked);
  return (
    <>
      <QueryBar
        value={query()}
        onRun={(text) => setParams({ q: text, id: undefined })}
        problem={queryProblem(answer)}
      />
      <Chips />
      <Answered answer={first} lines={10}>
        {(data) => (data.total === 0 ? <NothingThere /> : <Chart data={data} settled={!answer.loading} />)}
      </Answered>
      {first.data !== undefined && first.data.total > 0 && (
        <Answered answer={figures.problem === undefined ? answer : { ...answer, problem: undefined }} lines={10}>
          {(data) => <Pictures data={data} />}
        </Answered>
      )}
    </>
  );
}

/** Nothing recorded yet, nothing in the range, or nothing that fits. */
function NothingThere(): JSX.Element {
  const store = session.value?.store;
  const ranged = place.value.params.has('t');
  if (store?.records === 0 && !ranged)
    return (
      <Empty ofRecords title="Nothing is recorded yet">
        <p>What a sensor or a replay writes into this store appears here. See Coverage for what is captured.</p>
      </Empty>
    );
  return (
    <Empty ofRecords title="Nothing matched">
      <p>
        {query() === '' ? 'No records in this time range. ' : 'No records in this range fit the query. '}
        {store?.first !== undefined &&
          store.last !== undefined &&
          `Records reach from ${formatMoment(Date.parse(store.first), zone(), 'minute')} to ${formatMoment(Date.parse(store.last), zone(), 'minute')}. `}
        {ranged && <a href={patched({ t: undefined })}>Look at everything that is kept</a>}
      </p>
    </Empty>
  );
}

/** What the chart may be held against: the same length of time just before, or the same hours a week ago. */
const EARLIER = { range: 'the time before', week: 'a week before' } as const;
type Earlier = keyof typeof EARLIER;
const WEEK_MS = 7 * 86_400_000;

/** The earlier line that the address asks for; asked of the server only when the pictures are there. */
function useEarlier(
  data: OverviewFigures,
  settled: boolean,
): { readonly back: Earlier | undefined; readonly bars: EarlierBars | undefined } {
  const wanted = place.value.params.get('before');
  const back = wanted === 'range' || wanted === 'week' ? wanted : undefined;
  const params = { ...scopeParams(), t: `${data.asked.from}/${data.asked.to}`, q: query(), w: data.asked.watermark };
  const { data: earlier, stale } = useAnswer<OverviewBefore>(
    back === undefined || !settled ? undefined : '/overview/before',
    { ...params, back },
  );
  const bars = useMemo(
    () => earlier && back && { name: EARLIER[back], total: earlier.total, counts: earlier.counts },
    [earlier, back],
  );
  return { back, bars: stale ? undefined : bars };
}

function Chart({ data, settled }: { readonly data: OverviewFigures; readonly settled: boolean }): JSX.Element {
  const earlier = useEarlier(data, settled);
  const lengthMs = Date.parse(data.asked.to) - Date.parse(data.asked.from);
  const byOutcome = place.value.params.get('by') === 'outcome';
  const narrow = (added: string): void => setParams({ q: withTerm(query(), added) });
  return (
    <div class="stack">
      <Tiles data={data} />
      <section class="panel">
        <TimeChart
          title="Records over time"
          series={byOutcome ? data.outcomes : data.series}
          heightPx={210}
          gaps={data.coverage.gaps}
          onRange={(from, to) => setParams({ t: rangeParam(from, to) })}
          onLine={(name) => narrow(byOutcome ? `failed:${name !== 'ok'}` : term('op', name))}
          before={earlier.bars}
        >
          <fieldset class="segments no-print">
            <legend class="away">Hold the bars against</legend>
            {(['range', 'week'] as const).map((back) => (
              <button
                key={back}
                type="button"
                aria-pressed={earlier.back === back}
                disabled={back === 'week' && lengthMs > WEEK_MS}
                onClick={() => setParams({ before: earlier.back === back ? undefined : back })}
              >
                {back === 'range' ? 'Time before' : 'Week before'}
              </button>
            ))}
          </fieldset>
          <fieldset class="segments no-print">
            <legend class="away">Colours of the bars</legend>
            <button type="button" aria-pressed={!byOutcome} onClick={() => setParams({ by: undefined })}>
              Operation
            </button>
            <button type="button" aria-pressed={byOutcome} onClick={() => setParams({ by: 'outcome' })}>
              Outcome
            </button>
          </fieldset>
        </TimeChart>
        <CoverageStrip asked={data.asked} coverage={data.coverage} />
      </section>
    </div>
  );
}

/** Who, what and when: the rest of the page. */
function Pictures({ data }: { readonly data: OverviewData }): JSX.Element {
  return (
    <div class="stack">
      <div class="columns two-one">
        <HeatPanel data={data} />
        <AlertPanel data={data} />
      </div>
      <div class="columns four">
        <TopList title="Users" field="user" items={data.users} page="/users/" />
        <TopList title="Objects" field="object" items={data.objects} page="/objects/" />
        <TopList title="Clients" field="client" items={data.clients} />
        <TopList title="Databases" field="db" items={data.databases} page="/databases/" />
      </div>
      <div class="columns three">
        <section class="panel">
          <h2>Most rows</h2>
          <RowList rows={data.extracted} figure="rows" empty="no statement gave rows" />
        </section>
        <section class="panel">
          <h2>Slowest</h2>
          <RowList rows={data.slow} figure="duration" empty="no statement with a reply" />
        </section>
        <section class="panel">
          <h2>Failed last</h2>
          <RowList rows={data.failing} figure="error" empty="nothing failed" />
        </section>
      </div>
      <FirstSeenPanel items={data.firstSeen} />
    </div>
  );
}

function Tiles({ data }: { readonly data: OverviewFigures }): JSX.Element {
  const q = query();
  const { before } = data;
  return (
    <ul class="tiles">
      <Tile
        name="Records"
        value={data.total}
        before={before.total}
        href={linkTo('/search', { q })}
        note={`${formatCount(data.statements)} statements`}
      />
      <Tile
        name="Failed"
        value={data.errors}
        before={before.errors}
        href={linkTo('/search', { q: withTerm(q, 'failed:true') })}
        note={`${formatShare(data.errors, data.total)} of all`}
      />
      <Tile
        name="Alerts"
        value={data.alerts}
        before={before.alerts}
        href={linkTo('/search', { q: withTerm(q, 'action:alert') })}
        note="raised by a rule"
      />
      <Tile
        name="Rows"
        value={data.rows}
        href={linkTo('/search', { q: withTerm(q, 'rows>0') })}
        note="read or changed"
      />
      <Tile
        name="Failed sign-ins"
        value={data.failedLogins}
        href={linkTo('/search', { q: withTerm(q, 'kind:login failed:true') })}
        note="refused"
      />
      <Tile
        name="Encrypted"
        value={data.opaque}
        href={linkTo('/search', { q: withTerm(q, 'kind:opaque') })}
        note="could not be read"
      />
    </ul>
  );
}

function Tile(props: {
  readonly name: string;
  readonly value: number;
  readonly before?: number;
  readonly href: string;
  readonly note: string;
}): JSX.Element {
  const { value, before } = props;
  return (
    <li>
      <a class="tile" href={props.href} title={`${formatCount(value)}: see them`}>
        <span class="muted">{props.name}</span>
        <b>{formatShort(value)}</b>
        <span class="small muted clip">
          {before === undefined || before === 0 ? props.note : `${change(value, before)} than the same time before`}
        </span>
      </a>
    </li>
  );
}

function change(now: number, before: number): string {
  const percent = Math.round((100 * (now - before)) / before);
  if (percent === 0) return 'as many';
  return percent > 0 ? `+${formatCount(percent)} % more` : `−${formatCount(-percent)} % fewer`;
}

const HOURS = Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, '0')} h`);

function HeatPanel({ data }: { readonly data: OverviewData }): JSX.Element {
  const { heat } = data;
  return (
    <section class="panel">
      <div class="split">
        <h2>Who was active when</h2>
        <span class="small muted">by hour of the day, UTC</span>
      </div>
      {heat.users.length === 0 ? (
        <p class="muted">no user is known in this range</p>
      ) : (
        <HeatMap
          label="Records by user and hour of the day"
          rows={heat.users}
          columns={HOURS}
          counts={heat.counts}
          onCell={(row, hour) => {
            const hours = hourTerm(Date.parse(data.asked.from), Date.parse(data.asked.to), hour);
            const ofUser = withTerm(query(), term('user', heat.users[row] ?? ''));
            setParams({ q: hours === undefined ? ofUser : withTerm(ofUser, hours) });
          }}
        />
      )}
    </section>
  );
}

function AlertPanel({ data }: { readonly data: OverviewData }): JSX.Element {
  const most = Math.max(1, ...data.severities.map((one) => one.count));
  return (
    <section class="panel">
      <div class="split">
        <h2>What the rules found</h2>
        <a href={linkTo('/alerts')}>Triage</a>
      </div>
      <ul class="severities">
        {[...data.severities].reverse().map(({ severity, count }) => (
          <li key={severity}>
            <a href={linkTo('/search', { q: withTerm(query(), `severity=${severity}`) })}>
              <SeverityBadge severity={severity} />
              <span class="severity-bar">
                <i class={`sev-${severity}`} style={{ width: `${(100 * count) / most}%` }} />
              </span>
              <b class="num">{formatCount(count)}</b>
            </a>
          </li>
        ))}
      </ul>
      <ul class="plain-list small">
        {data.rules.slice(0, 5).map((rule) => (
          <li key={rule.value} class="split">
            <a
              class="clip"
              title={rule.value}
              href={linkTo('/search', { q: withTerm(query(), term('rule', rule.value)) })}
            >
              {rule.title ?? rule.value}
            </a>
            <span class="num muted">{formatCount(rule.count)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const FIRST_SEEN_TITLES = {
  user: 'Users',
  client: 'Clients',
  program: 'Programs',
  db: 'Databases',
  object: 'Objects',
} as const;
const FIRST_SEEN_MAX = 6;

function FirstSeenPanel({ items }: { readonly items: readonly FirstSeen[] }): JSX.Element | null {
  if (items.length === 0) return null;
  return (
    <section class="panel">
      <h2>Never seen before this range</h2>
      <div class="columns five">
        {(['user', 'client', 'program', 'db', 'object'] as const).map((field) => {
          const found = items.filter((item) => item.field === field);
          if (found.length === 0) return null;
          return (
            <section key={field}>
              <h3>
                {FIRST_SEEN_TITLES[field]} <span class="muted">{formatCount(found.length)}</span>
              </h3>
              <ul class="first-seen">
                {found.slice(0, FIRST_SEEN_MAX).map((item) => (
                  <li key={item.value}>
                    <a class="clip" href={linkTo('/search', { q: term(item.field, item.value) })}>
                      {item.value}
                    </a>
                    <a class="small muted" href={item.id === undefined ? linkTo('/search') : patched({ id: item.id })}>
                      {formatMoment(Date.parse(item.time), zone(), 'minute').slice(5)}
                    </a>
                  </li>
                ))}
              </ul>
              {found.length > FIRST_SEEN_MAX && (
                <details>
                  <summary>{formatCount(found.length - FIRST_SEEN_MAX)} more</summary>
                  <p class="small">
                    {found
                      .slice(FIRST_SEEN_MAX)
                      .map((item) => item.value)
                      .join(', ')}
                  </p>
                </details>
              )}
            </section>
          );
        })}
      </div>
    </section>
  );
}
