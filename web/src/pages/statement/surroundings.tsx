/** What came before and after in the session, and the same shape of statement elsewhere. */
import type { JSX } from 'preact';
import type { RecordView, Row } from '#src/console/api/records.js';
import { formatCount, formatDuration, formatMoment, formatShare, plural } from '../../base/format.ts';
import { zone } from '../../base/scope.ts';
import { term } from '../../base/terms.ts';
import { linkTo, patched, place, segment } from '../../base/url.ts';
import { Outcome, StatementText } from '../../ui/record-columns.tsx';
import { RowList } from '../../ui/row-list.tsx';

export function Surroundings({ view }: { readonly view: RecordView }): JSX.Element {
  const { fingerprint } = view;
  return (
    <>
      {view.before.length + view.after.length > 0 && (
        <section>
          <h3>In the session</h3>
          <ol class="neighbours">
            {view.before.map((row) => (
              <Neighbour key={row.id} row={row} />
            ))}
            <li class="here" aria-current="true">
              <StatementText row={view.row} />
            </li>
            {view.after.map((row) => (
              <Neighbour key={row.id} row={row} />
            ))}
          </ol>
        </section>
      )}
      {fingerprint !== undefined && fingerprint.count > 1 && view.row.fingerprint !== undefined && (
        <section class="stack tight">
          <h3>The same shape elsewhere</h3>
          <p>
            <a href={linkTo('/search', { q: term('fingerprint', view.row.fingerprint), t: undefined })}>
              {formatCount(fingerprint.count)} times
            </a>{' '}
            from {formatMoment(Date.parse(fingerprint.first), zone(), 'minute')} to{' '}
            {formatMoment(Date.parse(fingerprint.last), zone(), 'minute')}, in {formatDuration(fingerprint.meanUs)} on
            average{comparison(view.row, fingerprint.meanUs)}, by{' '}
            {fingerprint.users
              .map((user) => `${user.value === '' ? 'unknown' : user.value} (${formatCount(user.count)})`)
              .join(', ')}
            .
          </p>
          <UsualHours row={view.row} fingerprint={fingerprint} />
          <RowList rows={fingerprint.elsewhere} figure="duration" empty="not in other sessions" />
        </section>
      )}
    </>
  );
}

const BAR_PX = 7;
const CHART_PX = 34;

/** When such statements come, by hour of the day, with this one's hour marked and said. */
function UsualHours(props: {
  readonly row: Row;
  readonly fingerprint: NonNullable<RecordView['fingerprint']>;
}): JSX.Element {
  const { count, days, hours } = props.fingerprint;
  const own = new Date(props.row.time).getUTCHours();
  const most = Math.max(1, ...hours);
  const perDay = count / Math.max(1, days);
  const often = perDay < 10 ? perDay.toFixed(1).replace(/\.0$/, '') : formatCount(Math.round(perDay));
  const words = `${often} a day on ${plural(days, 'day')}; ${formatShare(hours[own] ?? 0, count)} of them between ${own} and ${own + 1} h UTC, as this one.`;
  return (
    <figure class="usual-hours">
      <svg width={24 * BAR_PX} height={CHART_PX} role="img" aria-label={`By hour of the day: ${hours.join(', ')}`}>
        {hours.map((records, hour) => {
          const height = records === 0 ? 1 : Math.max(2, (CHART_PX * records) / most);
          return (
            <rect
              key={hour}
              class={hour === own ? 'own' : ''}
              x={hour * BAR_PX}
              y={CHART_PX - height}
              width={BAR_PX - 1}
              height={height}
            />
          );
        })}
      </svg>
      <figcaption class="small">{words}</figcaption>
    </figure>
  );
}

/** How long this one took beside the others. */
function comparison(row: Row, meanUs: number): string {
  if (row.durationUs === undefined || meanUs <= 0) return '';
  const times = row.durationUs / meanUs;
  if (times >= 2) return ` (this one ${formatCount(Math.round(times))} times as long)`;
  return times <= 0.5 ? ' (this one in less than half of that)' : '';
}

function Neighbour({ row }: { readonly row: Row }): JSX.Element {
  const href = place.value.path.startsWith('/statements/')
    ? linkTo(`/statements/${segment(row.id)}`)
    : patched({ id: row.id });
  return (
    <li>
      <a href={href} class="clip">
        <StatementText row={row} />
      </a>
      <Outcome row={row} />
    </li>
  );
}
