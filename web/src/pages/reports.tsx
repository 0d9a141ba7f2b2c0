/** Reports by purpose: made now over the chosen time, or by schedule; sealed files with their hashes. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Explanation } from '#src/console/api/records.js';
import type { Receiver, ReportKind, ReportRun, Reports as ReportsData, Schedule } from '#src/console/api/reports.js';
import { type Answer, useAnswer } from '../base/answer.ts';
import { apiUrl, send } from '../base/api.ts';
import { formatCount, formatMoment } from '../base/format.ts';
import { query, scopeParams, useEcho, zone } from '../base/scope.ts';
import { may } from '../base/session.ts';
import { Chips } from '../ui/chips.tsx';
import { Choice, Field, type Sending, useSending } from '../ui/form.tsx';
import { Icon } from '../ui/icon.tsx';
import { Answered, ProblemNote } from '../ui/states.tsx';
import { TableHead } from '../ui/table-head.tsx';
import { Signatures } from './reports/signatures.tsx';
import { ReceiversField, receiversText, Todo } from './reports/todo.tsx';

const ASK_AGAIN_MS = 1500;

export default function Reports(): JSX.Element {
  const answer = useAnswer<ReportsData>('/reports');
  useEcho(useAnswer<Explanation>('/explain', { ...scopeParams(), q: query() }).data?.asked);
  const sending = useSending();
  const [receivers, setReceivers] = useState<readonly Receiver[]>([]);
  const running = answer.data?.runs.some((run) => run.state === 'running') === true;
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(answer.reload, ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [running]);
  const make = (kind: ReportKind): void => {
    const asked = { kind, ...scopeParams(), ...(query() === '' ? {} : { q: query() }), receivers };
    void sending.run(() => send('POST', '/reports', asked)).then(answer.reload);
  };
  return (
    <Answered answer={answer}>
      {(data) => (
        <div class="stack">
          <Todo todo={data.todo} onDone={answer.reload} />
          <Chips />
          {may('auditor') && <ReceiversField readers={data.readers} receivers={receivers} onReceivers={setReceivers} />}
          {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
          <ul class="catalogue">
            {data.catalogue.map((one) => (
              <li key={one.kind} class="panel">
                <h2>{one.title}</h2>
                <p class="muted grow">{one.purpose}</p>
                {may('auditor') && (
                  <button type="button" class="button" disabled={sending.busy} onClick={() => make(one.kind)}>
                    <Icon name="reports" /> Make it for the range above
                  </button>
                )}
              </li>
            ))}
          </ul>
          <section class="panel">
            <h2>Made</h2>
            <Runs runs={data.runs} onSigned={answer.reload} />
          </section>
          <section class="panel">
            <h2>Scheduled</h2>
            <Schedules data={data} answer={answer} sending={sending} receivers={receivers} />
          </section>
        </div>
      )}
    </Answered>
  );
}

function Runs(props: { readonly runs: readonly ReportRun[]; readonly onSigned: () => void }): JSX.Element {
  const { runs } = props;
  if (runs.length === 0) return <p class="muted">No report has been made yet.</p>;
  return (
    <table class="table">
      <TableHead columns={['Report', 'Period', 'Made', { number: 'Records' }, 'Files', 'Signatures']} />
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <td class="strong">
              {run.title}
              {run.q !== '' && <code class="muted small"> {run.q}</code>}
              {run.databases !== 'all' && <span class="tag">{run.databases.join(', ')} only</span>}
            </td>
            <td>
              {formatMoment(Date.parse(run.from), zone(), 'minute')} –{' '}
              {formatMoment(Date.parse(run.to), zone(), 'minute')}
            </td>
            <td>
              {formatMoment(Date.parse(run.createdAt), zone(), 'minute')} <span class="muted">by {run.by}</span>
            </td>
            <td class="num">{run.records === undefined ? '' : formatCount(run.records)}</td>
            <td>
              <RunFiles run={run} />
            </td>
            <td>
              <Signatures run={run} onSigned={props.onSigned} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function RunFiles({ run }: { readonly run: ReportRun }): JSX.Element {
  if (run.state === 'running') return <span role="status">being made…</span>;
  if (run.state === 'failed') return <span class="bad">failed: {run.message ?? 'see the server log'}</span>;
  return (
    <span class="line">
      <a download href={apiUrl(`/reports/${run.id}/pdf`)}>
        PDF
      </a>
      <a download href={apiUrl(`/reports/${run.id}/html`)}>
        HTML
      </a>
      {run.pdfSha256 !== undefined && (
        <code class="small muted" title={`PDF SHA-256 ${run.pdfSha256}`}>
          {run.pdfSha256.slice(0, 12)}…
        </code>
      )}
    </span>
  );
}

const EVERY = [
  { value: 'day', text: 'every day' },
  { value: 'week', text: 'every Monday' },
  { value: 'month', text: 'on the first of the month' },
] as const;
const HOURS = Array.from({ length: 24 }, (_, hour) => ({
  value: String(hour),
  text: `${String(hour).padStart(2, '0')}:00Z`,
}));

function Schedules(props: {
  readonly data: ReportsData;
  readonly answer: Answer<ReportsData>;
  readonly sending: Sending;
  readonly receivers: readonly Receiver[];
}): JSX.Element {
  const { data, answer, sending, receivers } = props;
  return (
    <div class="stack">
      {data.schedules.length === 0 && <p class="muted">Nothing is scheduled.</p>}
      <ul class="plain-list">
        {data.schedules.map((one) => (
          <li key={one.id} class="split">
            <span>
              <b>{titleOf(data, one)}</b> {EVERY.find((every) => every.value === one.every)?.text} at{' '}
              {String(one.hour).padStart(2, '0')}
              :00Z{one.q !== '' && <code> {one.q}</code>}
              <span class="small muted">
                {' '}
                next {formatMoment(Date.parse(one.next), zone(), 'minute')}, by {one.by}
                {one.receivers.length > 0 && `; ${receiversText(one.receivers)}`}
              </span>
            </span>
            {may('auditor') && (
              <button
                type="button"
                class="button plain"
                onClick={() =>
                  void sending.run(() => send('DELETE', `/reports/schedules/${one.id}`)).then(answer.reload)
                }
              >
                Remove
              </button>
            )}
          </li>
        ))}
      </ul>
      {may('auditor') && <NewSchedule data={data} answer={answer} sending={sending} receivers={receivers} />}
    </div>
  );
}

function titleOf(data: ReportsData, schedule: Schedule): string {
  return data.catalogue.find((one) => one.kind === schedule.kind)?.title ?? schedule.kind;
}

function NewSchedule(props: {
  readonly data: ReportsData;
  readonly answer: Answer<ReportsData>;
  readonly sending: Sending;
  readonly receivers: readonly Receiver[];
}): JSX.Element {
  const { data, answer, sending, receivers } = props;
  const [kind, setKind] = useState<ReportKind>('privileged');
  const [every, setEvery] = useState<Schedule['every']>('week');
  const [hour, setHour] = useState('6');
  const [q, setQ] = useState('');
  return (
    <form
      class="form-line"
      onSubmit={(event) => {
        event.preventDefault();
        const body = { kind, every, hour: Number(hour), ...(q === '' ? {} : { q }), receivers };
        void sending.run(() => send('POST', '/reports/schedules', body)).then(answer.reload);
      }}
    >
      <Choice
        text="Report"
        value={kind}
        options={data.catalogue.map((one) => ({ value: one.kind, text: one.title }))}
        onChoose={setKind}
      />
      <Choice text="How often" value={every} options={EVERY} onChoose={setEvery} />
      <Choice text="Hour" value={hour} options={HOURS} onChoose={setHour} />
      <Field text="Only records that fit" value={q} onText={setQ} placeholder="db:hr" />
      <button type="submit" class="button main" disabled={sending.busy}>
        Schedule
      </button>
    </form>
  );
}
