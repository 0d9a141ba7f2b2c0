/** How much of the range was seen, under the same time axis as the chart above: no number without "out of how much". */
import type { JSX } from 'preact';
import type { Asked, Coverage } from '#src/console/api/common.js';
import { formatBytes, formatMoment, formatShare } from '../base/format.ts';
import { zone } from '../base/scope.ts';
import { linkTo } from '../base/url.ts';

/** What may be claimed at a glance: sensors know what they lost, and when they watched. */
export function coverageText({ share, lossRecords, watched }: Coverage): string {
  const lost = lossRecords === 0 ? 'no loss reported' : `${formatShare(share, 1)} without loss`;
  const most = Math.max(0, ...watched.map((one) => one.share));
  return watched.length === 0 ? lost : `watched ${formatShare(most, 1)} of the time, ${lost}`;
}

export function CoverageStrip({
  asked,
  coverage,
}: {
  readonly asked: Asked;
  readonly coverage: Coverage;
}): JSX.Element {
  const from = Date.parse(asked.from);
  const length = Math.max(1, Date.parse(asked.to) - from);
  const place = (time: string): number => (100 * Math.min(length, Math.max(0, Date.parse(time) - from))) / length;
  return (
    <div class="coverage">
      <div class="strip" role="img" aria-label={coverage.statement}>
        {coverage.unwatched.map(({ from: start, to }) => (
          <b
            key={start}
            style={{ left: `${place(start)}%`, width: `${place(to) - place(start)}%` }}
            title={`${formatMoment(Date.parse(start), zone(), 'second')} to ${formatMoment(Date.parse(to), zone(), 'second')}: no sensor watched`}
          />
        ))}
        {coverage.gaps.map((gap) => {
          const left = place(gap.from);
          return (
            <i
              key={`${gap.from} ${gap.reason}`}
              style={{ left: `${left}%`, width: `${Math.max(0.3, place(gap.to) - left)}%` }}
              title={`${formatMoment(Date.parse(gap.from), zone(), 'second')} ${gap.reason}: ${gap.detail}`}
            />
          );
        })}
      </div>
      <p class="small muted">
        <a href={linkTo('/sensors')}>{coverageText(coverage)}</a>
        {coverage.lostBytes > 0 && `, ${formatBytes(coverage.lostBytes)} not seen`}. {coverage.statement}
      </p>
    </div>
  );
}
