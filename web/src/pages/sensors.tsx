/** Sensors and coverage: what captures, what was not seen, in words and as strips under one time axis, what is kept. */
import type { JSX } from 'preact';
import type { Gap } from '#src/console/api/common.js';
import type { CoverageView, SensorInfo, Sensors as SensorsData } from '#src/console/api/sensors.js';
import { useAnswer } from '../base/answer.ts';
import { formatAgo, formatBytes, formatCount, formatMoment, formatShare, plural } from '../base/format.ts';
import { rangeParam, scopeParams, useEcho, zone } from '../base/scope.ts';
import { ownDatabases } from '../base/session.ts';
import { term } from '../base/terms.ts';
import { linkTo, segment, setParams } from '../base/url.ts';
import { coverageText } from '../ui/coverage-strip.tsx';
import { Moment } from '../ui/record-columns.tsx';
import { Answered } from '../ui/states.tsx';
import { TableHead } from '../ui/table-head.tsx';
import { KeptPanel } from './sensors/kept-panel.tsx';

export default function Sensors(): JSX.Element {
  const sensors = useAnswer<SensorsData>('/sensors');
  const coverage = useAnswer<CoverageView>('/coverage', scopeParams());
  useEcho(coverage.data?.asked);
  return (
    <div class="stack">
      <section class="panel">
        <h2>Sensors</h2>
        <Answered answer={sensors} lines={3}>
          {(data) => (
            <>
              {data.problem !== undefined && <p class="note">{data.problem}</p>}
              <SensorTable sensors={data.sensors} />
            </>
          )}
        </Answered>
      </section>
      <Answered answer={coverage}>{(view) => <CoverageBody view={view} />}</Answered>
      {ownDatabases.value === undefined && <KeptPanel />}
    </div>
  );
}

const STATES = { running: 'running', silent: 'silent', seen: 'known by its records' } as const;

function SensorTable({ sensors }: { readonly sensors: readonly SensorInfo[] }): JSX.Element {
  if (sensors.length === 0) return <p class="muted">No sensor is known: no record names one and none answers.</p>;
  return (
    <table class="table">
      <TableHead
        columns={[
          'Sensor',
          'State',
          { number: 'Packets' },
          { number: 'Lost' },
          { number: 'Records' },
          'Policy',
          'Last record',
        ]}
      />
      <tbody>
        {sensors.map((sensor) => (
          <tr key={sensor.name}>
            <td class="strong">
              {sensor.name === '' ? 'without a name' : sensor.name}
              {sensor.interfaces.length > 0 && <span class="muted"> {sensor.interfaces.join(', ')}</span>}
            </td>
            <td class={sensor.state === 'silent' ? 'bad strong' : ''}>{STATES[sensor.state]}</td>
            <td class="num">{sensor.packets === undefined ? '–' : formatCount(sensor.packets)}</td>
            <td class={(sensor.drops ?? 0) > 0 ? 'num bad strong' : 'num'}>{lostText(sensor)}</td>
            <td class="num">
              <a href={linkTo('/search', sensor.name === '' ? {} : { q: term('sensor', sensor.name) })}>
                {formatCount(sensor.records)}
              </a>
            </td>
            <td>
              {sensor.policy === undefined
                ? '–'
                : `${sensor.policy.version}, ${formatCount(sensor.policy.rules)} rules`}
            </td>
            <td>
              {sensor.last === undefined ? '–' : <Moment time={sensor.last} />}{' '}
              {sensor.last !== undefined && (
                <span class="muted small">{formatAgo(Date.parse(sensor.last), Date.now())}</span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function lostText(sensor: SensorInfo): string {
  if (sensor.drops === undefined) return sensor.lossRecords === 0 ? '–' : `${formatCount(sensor.lossRecords)} notes`;
  return sensor.packets === undefined
    ? formatCount(sensor.drops)
    : formatShare(sensor.drops, sensor.packets + sensor.drops);
}

function CoverageBody({ view }: { readonly view: CoverageView }): JSX.Element {
  const { coverage } = view;
  return (
    <div class="stack">
      <section class="panel">
        <div class="split">
          <h2>Completeness</h2>
          <b>{coverageText(coverage)}</b>
        </div>
        <p class="quote">{coverage.statement}</p>
        <ul class="strips">
          {view.strips.map((strip) => (
            <Strip key={`${strip.db} ${strip.server ?? ''}`} view={view} strip={strip} />
          ))}
        </ul>
        <p class="strip-legend small muted">
          <i class="seen" /> seen <i class="touched" /> touched by a gap <i class="closed" /> encrypted{' '}
          <i class="none" /> nothing sent
        </p>
      </section>
      <section class="panel">
        <div class="split">
          <h2>What was lost</h2>
          {ownDatabases.value === undefined ? (
            <a href={linkTo('/search', { q: 'kind:loss' })}>{formatCount(coverage.lossRecords)} loss records</a>
          ) : (
            <span class="muted">{formatCount(coverage.lossRecords)} loss records of sensors</span>
          )}
        </div>
        <Losses losses={view.losses} />
      </section>
    </div>
  );
}

function Strip({
  view,
  strip,
}: {
  readonly view: CoverageView;
  readonly strip: CoverageView['strips'][number];
}): JSX.Element {
  const fromMs = Date.parse(view.from);
  const most = Math.max(1, ...strip.records);
  return (
    <li>
      <div class="split">
        <span>
          {strip.db === '' ? (
            <span class="muted">no database named</span>
          ) : (
            <a class="strong" href={linkTo(`/databases/${segment(strip.db)}`)}>
              {strip.db}
            </a>
          )}{' '}
          <span class="small muted">
            {strip.system ?? ''} {strip.server ?? ''}
          </span>
        </span>
        <span class="small muted" title={strip.statement}>
          {plural(sum(strip.records), 'record')}
          {sum(strip.touched) > 0 && `, ${formatCount(sum(strip.touched))} touched by gaps`}
          {sum(strip.opaque) > 0 && `, ${formatCount(sum(strip.opaque))} encrypted`}
        </span>
      </div>
      <div class="strip-cells">
        {strip.records.map((count, bucket) => {
          const from = fromMs + (bucket * view.bucketUs) / 1000;
          const touched = strip.touched[bucket] ?? 0;
          const opaque = strip.opaque[bucket] ?? 0;
          const kind = touched > 0 ? 'touched' : opaque > 0 ? 'closed' : count > 0 ? 'seen' : 'none';
          const label = `${formatMoment(from, zone(), 'minute')}: ${formatCount(count)} records, ${formatCount(touched)} touched by a gap, ${formatCount(opaque)} encrypted`;
          return (
            <button
              key={from}
              type="button"
              class={kind}
              style={kind === 'seen' ? { opacity: 0.35 + 0.65 * Math.sqrt(count / most) } : {}}
              title={label}
              aria-label={label}
              tabIndex={count + touched + opaque > 0 ? 0 : -1}
              onClick={() => setParams({ t: rangeParam(from, from + view.bucketUs / 1000) })}
            />
          );
        })}
      </div>
    </li>
  );
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function Losses({ losses }: { readonly losses: readonly Gap[] }): JSX.Element {
  if (losses.length === 0) return <p class="muted">No sensor reported a loss in this range.</p>;
  return (
    <table class="table">
      <TableHead columns={['From', 'To', 'Sensor', 'Reason', 'What the sensor said', { number: 'Bytes' }]} />
      <tbody>
        {losses.map((gap) => (
          <tr key={`${gap.from} ${gap.reason} ${gap.detail}`}>
            <td>
              <Moment time={gap.from} />
            </td>
            <td>
              <Moment time={gap.to} />
            </td>
            <td>{gap.sensor ?? ''}</td>
            <td class="strong">{gap.reason}</td>
            <td>{gap.detail}</td>
            <td class="num">{gap.lostBytes === undefined ? '–' : formatBytes(gap.lostBytes)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
