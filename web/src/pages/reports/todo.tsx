/** What one has to do with reports, and the choice of who has to do something with the next ones. */
import type { JSX } from 'preact';
import type { Receiver, Reports } from '#src/console/api/reports.js';
import { saveFile } from '../../base/api.ts';
import { formatCount, formatMoment } from '../../base/format.ts';
import { zone } from '../../base/scope.ts';
import { segment } from '../../base/url.ts';
import { Choice, useSending } from '../../ui/form.tsx';
import { ProblemNote } from '../../ui/states.tsx';
import { SignButton } from './signatures.tsx';

type Task = Reports['todo'][number];

/** A task goes when it is done: a file was read, or the report signed or sent back. */
export function Todo({
  todo,
  onDone,
}: {
  readonly todo: readonly Task[];
  readonly onDone: () => void;
}): JSX.Element | null {
  const sending = useSending();
  if (todo.length === 0) return null;
  const read = (id: string, format: 'pdf' | 'html'): void => {
    void sending.run(() => saveFile(`/reports/${segment(id)}/${format}`)).then(onDone);
  };
  return (
    <section class="panel" aria-label="To do for me">
      <h2>
        To do for me <span class="tab-count">{formatCount(todo.length)}</span>
      </h2>
      <ul class="plain-list">
        {todo.map(({ must, run }) => (
          <li key={run.id} class="split">
            <span>
              <span class="tag">{must}</span> <b>{run.title}</b>
              {run.q !== '' && <code class="small"> {run.q}</code>}
              <span class="small muted">
                {' '}
                {formatMoment(Date.parse(run.from), zone(), 'minute')} –{' '}
                {formatMoment(Date.parse(run.to), zone(), 'minute')}, made by {run.by}
              </span>
            </span>
            <span class="line">
              <button type="button" class="button plain" disabled={sending.busy} onClick={() => read(run.id, 'pdf')}>
                Read as PDF
              </button>
              <button type="button" class="button plain" disabled={sending.busy} onClick={() => read(run.id, 'html')}>
                Read as HTML
              </button>
              {must === 'sign' && <SignButton run={run} onSigned={onDone} />}
            </span>
          </li>
        ))}
      </ul>
      {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
    </section>
  );
}

const TASKS = [
  { value: 'nothing', text: 'nothing' },
  { value: 'view', text: 'has to read it' },
  { value: 'sign', text: 'has to sign it' },
] as const;

/** Of whatever is made or scheduled next. */
export function ReceiversField(props: {
  readonly readers: readonly string[];
  readonly receivers: readonly Receiver[];
  readonly onReceivers: (receivers: readonly Receiver[]) => void;
}): JSX.Element {
  const { readers, receivers } = props;
  const choose = (who: string, must: (typeof TASKS)[number]['value']): void => {
    const others = receivers.filter((one) => one.who !== who);
    props.onReceivers(must === 'nothing' ? others : [...others, { who, must }]);
  };
  return (
    <details class="panel">
      <summary>Receivers of what is made or scheduled below: {receiversText(receivers)}</summary>
      <div class="form-line">
        {readers.map((who) => (
          <Choice
            key={who}
            text={who}
            value={receivers.find((one) => one.who === who)?.must ?? 'nothing'}
            options={TASKS}
            onChoose={(must) => choose(who, must)}
          />
        ))}
      </div>
    </details>
  );
}

/** `petrova to sign, ivanov to view`. */
export function receiversText(receivers: readonly Receiver[]): string {
  return receivers.length === 0 ? 'nobody' : receivers.map(({ who, must }) => `${who} to ${must}`).join(', ');
}
