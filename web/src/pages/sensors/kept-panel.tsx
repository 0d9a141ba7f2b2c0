/** What the store keeps, what has expired, and the legal holds. */
import type { JSX } from 'preact';
import type { Kept } from '#src/console/api/sensors.js';
import { useAnswer } from '../../base/answer.ts';
import { formatBytes, formatCount, formatMoment, plural } from '../../base/format.ts';
import { zone } from '../../base/scope.ts';
import { may } from '../../base/session.ts';
import { linkTo } from '../../base/url.ts';
import { Answered } from '../../ui/states.tsx';
import { TableHead } from '../../ui/table-head.tsx';

export function KeptPanel(): JSX.Element {
  const answer = useAnswer<Kept>('/store');
  return (
    <section class="panel">
      <h2>What is kept</h2>
      <Answered answer={answer} lines={2}>
        {(kept) => (
          <>
            <p>{keptText(kept)}</p>
            {may('auditor') && <Holds holds={kept.holds} />}
          </>
        )}
      </Answered>
    </section>
  );
}

function keptText({ records, first, last, segments, signed, bytes, expired }: Kept): string {
  const span =
    first === undefined || last === undefined
      ? ''
      : `, from ${formatMoment(Date.parse(first), zone(), 'minute')} to ${formatMoment(Date.parse(last), zone(), 'minute')}`;
  const gone =
    expired.segments === 0
      ? 'Nothing has expired.'
      : `${plural(expired.records, 'record')} of ${plural(expired.segments, 'older segment')} have expired.`;
  return `${plural(records, 'record')}${span}, in ${plural(segments, 'segment')} of ${formatBytes(bytes)}, ${signed === 0 ? 'none' : formatCount(signed)} of them signed. ${gone}`;
}

function Holds({ holds }: { readonly holds: Kept['holds'] }): JSX.Element {
  if (holds.length === 0) return <p class="muted">There is no legal hold.</p>;
  return (
    <table class="table">
      <TableHead columns={['Legal hold', 'Keeps', 'Since', { number: 'Records now' }]} />
      <tbody>
        {holds.map((hold) => (
          <tr key={hold.name}>
            <td class="strong">{hold.name}</td>
            <td>
              <code>{hold.expression}</code>
            </td>
            <td>{formatMoment(Date.parse(hold.since), zone(), 'minute')}</td>
            <td class="num">
              <a href={linkTo('/search', { q: hold.expression, t: undefined })}>{formatCount(hold.records)}</a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
