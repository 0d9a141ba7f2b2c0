/** A line without axes: how a count went over the range. */
import type { JSX } from 'preact';

const WIDTH = 72;
const HEIGHT = 18;

export function Spark({ values }: { readonly values: readonly number[] }): JSX.Element {
  const most = Math.max(1, ...values);
  const step = values.length > 1 ? WIDTH / (values.length - 1) : WIDTH;
  const points = values.map(
    (value, index) => `${round(index * step)},${round(HEIGHT - 1 - (value / most) * (HEIGHT - 3))}`,
  );
  const line = points.length === 1 ? `${points[0]} ${WIDTH},${HEIGHT - 1}` : points.join(' ');
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <polygon points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
      <polyline points={line} />
    </svg>
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
