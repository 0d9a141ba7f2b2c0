/** The session on a time axis: a lane for reading, writing, administration and the rest, transactions as brackets, gaps hatched. */
import type { JSX } from 'preact';
import type { SessionView } from '#src/console/api/records.js';
import { formatDuration, formatMoment } from '../../base/format.ts';
import { zone } from '../../base/scope.ts';
import { patched } from '../../base/url.ts';
import { LANES, type Lane, marksOf, type Picture, pictureOf } from './picture.ts';

const LANE_PX = 26;
/** A session shorter than this is told by its length. */
const SHORT_MS = 20;
const BRACKETS_PX = 18;
const AXIS_PX = 22;
const LABELS: Readonly<Record<Lane, string>> = { read: 'Reads', write: 'Writes', admin: 'Admin', other: 'Other' };

export function Timeline({ view }: { readonly view: SessionView }): JSX.Element {
  const picture = pictureOf(view);
  const height = BRACKETS_PX + LANES.length * LANE_PX + AXIS_PX;
  return (
    <figure class="timeline">
      <figcaption class="split">
        <h2>What it did when</h2>
        <span class="small muted">
          brackets are transactions, hatched parts were not seen; the list below has every record
        </span>
      </figcaption>
      <div class="timeline-body">
        <ul class="timeline-lanes" aria-hidden="true">
          {LANES.map((lane) => (
            <li key={lane}>{LABELS[lane]}</li>
          ))}
        </ul>
        <svg width="100%" height={height} role="group" aria-label={`Timeline of ${view.items.length} records`}>
          <title>Timeline of the session</title>
          <Hatch />
          {LANES.map((lane, index) => (
            <line key={lane} class="lane-line" x1="0" x2="100%" y1={laneY(index)} y2={laneY(index)} />
          ))}
          <Brackets picture={picture} />
          {picture.gaps.map((gap) => (
            <rect
              key={gap.left}
              class="gap"
              x={`${gap.left}%`}
              width={`${Math.max(0.4, gap.width)}%`}
              y={BRACKETS_PX}
              height={LANES.length * LANE_PX}
            />
          ))}
          {marksOf(view, picture).map((mark) => (
            <a key={mark.id} href={patched({ id: mark.id })} aria-label={mark.label} tabIndex={-1}>
              <rect
                class={`mark-${mark.tone}`}
                x={`${mark.left}%`}
                width={`max(3px, ${mark.width}%)`}
                y={laneY(LANES.indexOf(mark.lane)) - 7}
                height={14}
                rx={2}
              >
                <title>{mark.label}</title>
              </rect>
            </a>
          ))}
          <Axis picture={picture} y={height - 6} />
        </svg>
      </div>
    </figure>
  );
}

function laneY(index: number): number {
  return BRACKETS_PX + index * LANE_PX + LANE_PX / 2;
}

function Brackets({ picture }: { readonly picture: Picture }): JSX.Element {
  return (
    <>
      {picture.transactions.map((one) => (
        <rect
          key={`${one.left} ${one.end}`}
          class={`bracket end-${one.end}`}
          x={`${one.left}%`}
          y={3}
          width={`${Math.max(0.3, one.width)}%`}
          height={8}
          rx={2}
        >
          <title>{`transaction: ${one.end}`}</title>
        </rect>
      ))}
    </>
  );
}

function Axis({ picture, y }: { readonly picture: Picture; readonly y: number }): JSX.Element {
  const places = [0, 25, 50, 75, 100];
  return (
    <>
      {places.map((percent) => (
        <text
          key={percent}
          class={percent % 100 === 0 ? 'axis' : 'axis axis-between'}
          x={`${percent}%`}
          y={y}
          text-anchor={percent === 0 ? 'start' : percent === 100 ? 'end' : 'middle'}
        >
          {axisText(picture, percent)}
        </text>
      ))}
    </>
  );
}

/** The clock; within a few milliseconds how far it is from the beginning. */
function axisText({ fromMs, lengthMs }: Picture, percent: number): string {
  const atMs = (lengthMs * percent) / 100;
  if (lengthMs < SHORT_MS && percent > 0) return `+${formatDuration(atMs * 1000)}`;
  return formatMoment(fromMs + atMs, zone(), lengthMs < 10_000 ? 'ms' : 'second').slice(11);
}

function Hatch(): JSX.Element {
  return (
    <defs>
      <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <line class="hatch-line" x1="0" y1="0" x2="0" y2="6" />
      </pattern>
    </defs>
  );
}
