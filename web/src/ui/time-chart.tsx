/**
 * Counts over time as stacked bars: drag to narrow the time, click a bar to see its bucket, arrow keys and Enter do the
 * same, and the numbers behind it can be shown as a table. Lost time is hatched below the bars.
 */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { Gap } from '#src/console/api/common.js';
import type { Series } from '#src/console/api/records.js';
import { formatCount, formatMoment, formatShort } from '../base/format.ts';
import { zone } from '../base/scope.ts';
import { colour, paletteVersion } from '../base/theme.ts';
import { bucketName, bucketStartMs, folded, lineColour, lineText, OTHER, stack, timeMarks } from './series.ts';
import { TableHead } from './table-head.tsx';

export interface TimeChartProps {
  readonly title: string;
  readonly series: Series;
  readonly heightPx: number;
  readonly gaps?: readonly Gap[];
  /** The same bars at an earlier time, drawn as a line over them. */
  readonly before?: EarlierBars | undefined;
  /** A range was chosen, in milliseconds since 1970, half open. */
  readonly onRange: (fromMs: number, toMs: number) => void;
  /** A line's name was chosen in the legend. */
  readonly onLine?: (name: string) => void;
  /** Further controls in the head. */
  readonly children?: ComponentChildren;
}

export interface EarlierBars {
  /** When that was, in words. */
  readonly name: string;
  readonly total: number;
  /** One number for each bar. */
  readonly counts: readonly number[];
}

export function TimeChart(whole: TimeChartProps): JSX.Element {
  const series = useMemo(() => folded(whole.series), [whole.series]);
  const props = { ...whole, series };
  const [at, setAt] = useState<number | undefined>(undefined);
  const [numbers, setNumbers] = useState(false);
  const plot = usePlot(props, setAt);
  const move = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      const next = Math.min(series.buckets - 1, Math.max(0, (at ?? (step > 0 ? -1 : series.buckets)) + step));
      setAt(next);
      plot.point(next);
    } else if (event.key === 'Enter' && at !== undefined) {
      event.preventDefault();
      props.onRange(bucketStartMs(series, at), bucketStartMs(series, at + 1));
    }
  };
  return (
    <figure class="chart">
      <ChartHead {...props} numbers={numbers} onNumbers={() => setNumbers(!numbers)} />
      {numbers ? (
        <Numbers series={series} before={props.before} />
      ) : (
        <div
          class="plot"
          role="group"
          tabIndex={0}
          aria-label={`${props.title}. Arrow keys move, Enter narrows.`}
          onKeyDown={move}
        >
          <div ref={plot.ref} />
          <Reading series={series} before={props.before} at={at} />
        </div>
      )}
    </figure>
  );
}

function ChartHead(props: TimeChartProps & { readonly numbers: boolean; readonly onNumbers: () => void }): JSX.Element {
  const { series } = props;
  const total = series.lines.reduce((sum, line) => sum + line.total, 0);
  return (
    <figcaption class={series.lines.length <= 3 ? 'chart-head short' : 'chart-head'}>
      <h2>{props.title}</h2>
      <span class="muted small">
        {formatCount(total)} in all, a bar is {bucketName(series.bucketUs)}
      </span>
      <span class="grow" />
      {props.children}
      <button type="button" class="button plain small no-print" aria-pressed={props.numbers} onClick={props.onNumbers}>
        Numbers
      </button>
      {(series.lines.length > 1 || props.before !== undefined) && (
        <ul class="legend">
          {series.lines.map((line, index) => (
            <li key={line.name}>
              <button
                type="button"
                onClick={() => props.onLine?.(line.name)}
                disabled={props.onLine === undefined || line.name === OTHER}
              >
                <i class={`fill-${lineColour(line.name, index)}`} />
                {lineText(line.name)} <b>{formatShort(line.total)}</b>
              </button>
            </li>
          ))}
          {props.before !== undefined && (
            <li class="earlier">
              <i class="earlier-line" />
              {props.before.name} <b>{formatShort(props.before.total)}</b>
            </li>
          )}
        </ul>
      )}
    </figcaption>
  );
}

/** The bucket under the cursor, in words; read out by screen readers. */
function Reading(props: {
  readonly series: Series;
  readonly before: EarlierBars | undefined;
  readonly at: number | undefined;
}): JSX.Element {
  const { series, before, at } = props;
  if (at === undefined) return <p class="reading" aria-live="polite" />;
  const parts = series.lines
    .map((line) => ({ name: line.name, count: line.counts[at] ?? 0 }))
    .filter((part) => part.count > 0);
  return (
    <p class="reading shown" aria-live="polite">
      <b>{formatMoment(bucketStartMs(series, at), zone(), 'second')}</b>
      {parts.length === 0
        ? ' nothing'
        : parts.map((part) => ` ${lineText(part.name)} ${formatCount(part.count)}`).join(',')}
      {before !== undefined && `; ${before.name} ${formatCount(before.counts[at] ?? 0)}`}
    </p>
  );
}

function Numbers(props: { readonly series: Series; readonly before: EarlierBars | undefined }): JSX.Element {
  const { series, before } = props;
  const buckets = Array.from({ length: series.buckets }, (_, bucket) => bucket).filter(
    (bucket) => series.lines.some((line) => (line.counts[bucket] ?? 0) > 0) || (before?.counts[bucket] ?? 0) > 0,
  );
  const columns = series.lines.map((line) => ({ number: lineText(line.name) }));
  return (
    <section class="numbers" tabIndex={0} aria-label="Numbers of the chart">
      <table class="table">
        <TableHead columns={['From', ...columns, ...(before === undefined ? [] : [{ number: before.name }])]} />
        <tbody>
          {buckets.map((bucket) => (
            <tr key={bucket}>
              <th scope="row">{formatMoment(bucketStartMs(series, bucket), zone(), 'second')}</th>
              {series.lines.map((line) => (
                <td key={line.name} class="num">
                  {formatCount(line.counts[bucket] ?? 0)}
                </td>
              ))}
              {before !== undefined && <td class="num">{formatCount(before.counts[bucket] ?? 0)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface Plot {
  readonly ref: { current: HTMLDivElement | null };
  point(bucket: number): void;
}

/** Keeps one uPlot instance for the series; made anew when data, size or colours change. */
function usePlot(props: TimeChartProps, onCursor: (bucket: number | undefined) => void): Plot {
  const ref = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const palette = paletteVersion.value;
  const tz = zone();
  useEffect(() => {
    const host = ref.current;
    if (host === null) return;
    const draw = (): void => {
      chart.current?.destroy();
      chart.current = plotOf(host, props, onCursor);
    };
    draw();
    let width = host.clientWidth;
    const observer = new ResizeObserver(() => {
      if (host.clientWidth === width) return;
      width = host.clientWidth;
      chart.current?.setSize({ width, height: props.heightPx });
    });
    observer.observe(host);
    return () => {
      observer.disconnect();
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [props.series, props.before, props.gaps, props.heightPx, palette, tz]);
  return {
    ref,
    point: (bucket) => {
      const u = chart.current;
      const seconds = u?.data[0]?.[bucket];
      if (u === undefined || seconds === undefined) return;
      u.setCursor({ left: u.valToPos(seconds + props.series.bucketUs / 2e6, 'x'), top: u.over.clientHeight / 2 });
    },
  };
}

function plotOf(host: HTMLElement, props: TimeChartProps, onCursor: (bucket: number | undefined) => void): uPlot {
  const { series, before } = props;
  const stacked = stack(series);
  const bucketSeconds = series.bucketUs / 1e6;
  const bars = uPlot.paths.bars?.({ size: [0.86, 80], align: 1, radius: 0.12 });
  const data = [[...stacked.xs], ...[...stacked.tops].reverse().map((line) => [...line])] as uPlot.AlignedData;
  const names = [...series.lines.entries()].reverse();
  const first = stacked.xs[0] ?? 0;
  const whole = before === undefined ? data : withEarlier(data, before, first + bucketSeconds * series.buckets);
  return new uPlot(
    {
      width: Math.max(200, host.clientWidth),
      height: props.heightPx,
      legend: { show: false },
      padding: [6, 34, 0, 0],
      ...(zone() === 'UTC' ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') } : {}),
      scales: {
        x: { time: true, range: () => [first, first + bucketSeconds * Math.max(1, series.buckets)] },
        y: { range: (_u, _min, max) => [0, Math.max(1, max * 1.08)] },
      },
      axes: [axis('x'), axis('y')],
      series: [
        {},
        ...names.map(([index, line]) => ({
          label: line.name,
          fill: colour(lineColour(line.name, index)),
          width: 0,
          points: { show: false },
          ...(bars === undefined ? {} : { paths: bars }),
        })),
        ...(before === undefined ? [] : [earlierLine(before)]),
      ],
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
      hooks: {
        setCursor: [(u) => onCursor(bucketAt(u, u.cursor.left, series))],
        setSelect: [
          (u) => {
            if (u.select.width < 3) return;
            const from = u.posToVal(u.select.left, 'x') * 1000;
            const to = u.posToVal(u.select.left + u.select.width, 'x') * 1000;
            props.onRange(Math.floor(from), Math.ceil(to));
          },
        ],
        draw: [(u) => drawGaps(u, props.gaps ?? [])],
      },
    },
    whole,
    host,
  );
}

/** With the line's values, and one more place, so that its last step ends where the last bar does. */
function withEarlier([xs, ...bars]: uPlot.AlignedData, { counts }: EarlierBars, endSeconds: number): uPlot.AlignedData {
  return [[...xs, endSeconds], ...bars.map((bar) => [...bar, null]), [...counts, counts.at(-1) ?? null]];
}

/** Steps as wide as the bars, dashed: told apart from them without colour. */
function earlierLine({ name }: EarlierBars): uPlot.Series {
  const steps = uPlot.paths.stepped?.({ align: 1 });
  return {
    label: name,
    stroke: colour('text'),
    width: 1.5,
    dash: [4, 3],
    points: { show: false },
    ...(steps === undefined ? {} : { paths: steps }),
  };
}

function bucketAt(u: uPlot, left: number | undefined, series: Series): number | undefined {
  if (left === undefined || left < 0) return undefined;
  const ms = u.posToVal(left, 'x') * 1000;
  const bucket = Math.floor((ms - Date.parse(series.from)) / (series.bucketUs / 1000));
  return bucket < 0 || bucket >= series.buckets ? undefined : bucket;
}

function axis(side: 'x' | 'y'): uPlot.Axis {
  const shared = {
    stroke: colour('muted'),
    font: '11px system-ui, sans-serif',
    ticks: { show: false },
    gap: 4,
  };
  if (side === 'x')
    return {
      ...shared,
      size: 38,
      gap: 8,
      space: (u) => {
        const { min = 0, max = 0 } = u.scales['x'] ?? {};
        return (max ?? 0) - (min ?? 0) < SHORT_SECONDS ? 96 : 64;
      },
      grid: { show: false },
      values: (_u, ticks, _axis, _space, step) => timeMarks(ticks, step, zone()),
    };
  return {
    ...shared,
    size: 44,
    incrs: WHOLE_STEPS,
    values: (_u: uPlot, ticks: number[]) => ticks.map((tick) => formatShort(tick)),
    grid: { stroke: colour('line'), width: 1 },
  };
}

/** Below it the marks of the time axis carry seconds or fractions of them. */
const SHORT_SECONDS = 600;

/** Counts are whole, and so are the marks of their axis. */
const WHOLE_STEPS = Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** A hatched strip on the time axis where something was lost. */
function drawGaps(u: uPlot, gaps: readonly Gap[]): void {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = colour('gap');
  ctx.lineWidth = devicePixelRatio;
  const height = 6 * devicePixelRatio;
  const bottom = bbox.top + bbox.height;
  for (const gap of gaps) {
    const left = Math.max(bbox.left, u.valToPos(Date.parse(gap.from) / 1000, 'x', true));
    const right = Math.min(bbox.left + bbox.width, u.valToPos(Date.parse(gap.to) / 1000, 'x', true));
    if (right < left) continue;
    for (let x = left; x <= Math.max(right, left + height); x += 4 * devicePixelRatio) {
      ctx.beginPath();
      ctx.moveTo(x, bottom);
      ctx.lineTo(x + height / 2, bottom - height);
      ctx.stroke();
    }
  }
  ctx.restore();
}
