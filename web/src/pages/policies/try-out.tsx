/** The real engine over the store's history: how often each rule would have matched, beside how the records were judged. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { SourceFile, TryProgress, TryStarted } from '#src/console/api/policies.js';
import type { Explanation } from '#src/console/api/records.js';
import { problemFrom, useAnswer } from '../../base/answer.ts';
import { type ApiProblem, ask, send } from '../../base/api.ts';
import { formatCount, formatShare, formatShort } from '../../base/format.ts';
import { scopeParams, useEcho } from '../../base/scope.ts';
import { SeverityBadge } from '../../ui/badge.tsx';
import { useSending } from '../../ui/form.tsx';
import { Icon } from '../../ui/icon.tsx';
import { RowList } from '../../ui/row-list.tsx';
import { ProblemNote } from '../../ui/states.tsx';
import { TableHead } from '../../ui/table-head.tsx';

const ASK_AGAIN_MS = 400;

export function TryOut({ sources }: { readonly sources: readonly SourceFile[] }): JSX.Element {
  const [id, setId] = useState<string | undefined>(undefined);
  useEcho(useAnswer<Explanation>('/explain', scopeParams()).data?.asked);
  const sending = useSending();
  const { progress, problem } = useProgress(id);
  const start = (): void => {
    void sending.run(async () => {
      setId((await send<TryStarted>('POST', '/policies/try', { sources, ...scopeParams() })).id);
    });
  };
  return (
    <section class="panel stack">
      <div class="split">
        <h2>Try over history</h2>
        <span class="line">
          {progress?.state === 'running' && id !== undefined && (
            <button
              type="button"
              class="button"
              onClick={() => void sending.run(() => send('DELETE', `/policies/try/${id}`))}
            >
              Stop
            </button>
          )}
          <button type="button" class="button" disabled={sending.busy || progress?.state === 'running'} onClick={start}>
            <Icon name="play" /> Try on the range above
          </button>
        </span>
      </div>
      {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
      {problem !== undefined && <ProblemNote problem={problem} />}
      {progress === undefined ? (
        <p class="muted">The sensor’s own engine judges every kept record again; nothing is changed.</p>
      ) : (
        <Outcome progress={progress} />
      )}
    </section>
  );
}

function useProgress(id: string | undefined): {
  readonly progress: TryProgress | undefined;
  readonly problem: ApiProblem | undefined;
} {
  const [progress, setProgress] = useState<TryProgress | undefined>(undefined);
  const [problem, setProblem] = useState<ApiProblem | undefined>(undefined);
  useEffect(() => {
    if (id === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const abort = new AbortController();
    const look = async (): Promise<void> => {
      try {
        const found = await ask<TryProgress>(`/policies/try/${id}`, {}, abort.signal);
        setProgress(found);
        setProblem(undefined);
        if (found.state === 'running') timer = setTimeout(() => void look(), ASK_AGAIN_MS);
      } catch (error) {
        if (!abort.signal.aborted) setProblem(problemFrom(error));
      }
    };
    void look();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [id]);
  return { progress, problem };
}

function Outcome({ progress }: { readonly progress: TryProgress }): JSX.Element {
  return (
    <>
      <div class="line" role="status">
        <progress value={progress.share} max={1} aria-label="History read" />
        <span>
          {progress.state === 'running' ? 'reading' : progress.state}, {formatShare(progress.share, 1)} of the history,{' '}
          {formatCount(progress.read)} records, {formatCount(progress.matched)} matched
        </span>
        {progress.message !== undefined && <span class="bad">{progress.message}</span>}
      </div>
      <Days days={progress.days} />
      <table class="table">
        <TableHead
          columns={[
            'Rule',
            { number: 'Now' },
            { number: 'Was' },
            { number: 'Change' },
            { number: 'A day' },
            'Examples',
          ]}
        />
        <tbody>
          {progress.rules.map((rule) => (
            <tr key={rule.id}>
              <td>
                <SeverityBadge severity={rule.severity} short /> <b>{rule.title === '' ? rule.id : rule.title}</b>
                <span class="small muted"> {rule.action}</span>
              </td>
              <td class="num">{formatCount(rule.matches)}</td>
              <td class="num">{formatCount(rule.before)}</td>
              <td class="num">{change(rule.matches - rule.before)}</td>
              <td class="num">~{formatShort(rule.perDay)}</td>
              <td>
                {rule.examples.length > 0 && (
                  <details>
                    <summary>{rule.examples.length}</summary>
                    <RowList rows={rule.examples} figure="none" empty="" />
                  </details>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function change(by: number): string {
  if (by === 0) return '';
  return by > 0 ? `+${formatCount(by)}` : `−${formatCount(-by)}`;
}

/** Would-be alerts by day, with the number that there was as a line across each bar. */
function Days({ days }: { readonly days: TryProgress['days'] }): JSX.Element | null {
  if (days.length === 0) return null;
  const most = Math.max(1, ...days.flatMap((day) => [day.matches, day.before]));
  return (
    <ul class="days" aria-label="Alerts by day">
      {days.map((day) => (
        <li key={day.day} title={`${day.day}: ${day.matches} now, ${day.before} before`}>
          <span class="day-bar">
            <i style={{ height: `${(100 * day.matches) / most}%` }} />
            <u style={{ bottom: `${(100 * day.before) / most}%` }} />
          </span>
          <span class="small muted">{day.day.slice(5)}</span>
          <span class="away">
            {day.matches} now, {day.before} before
          </span>
        </li>
      ))}
    </ul>
  );
}
