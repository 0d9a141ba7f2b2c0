/** One session from login to logout: a picture of what it did when, then every record with the time between them. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { SessionView } from '#src/console/api/records.js';
import { useAnswer } from '../base/answer.ts';
import { formatCount, formatDuration, formatMoment, plural } from '../base/format.ts';
import { zone } from '../base/scope.ts';
import { term } from '../base/terms.ts';
import { linkTo, patched, segment } from '../base/url.ts';
import type { PageProps } from '../frame/lazy.tsx';
import { SeverityBadge } from '../ui/badge.tsx';
import { Moment, Outcome, PinSign, reasonText, StatementText } from '../ui/record-columns.tsx';
import { Answered } from '../ui/states.tsx';
import { Timeline } from './session/timeline.tsx';
import { lengthUs } from './sessions.tsx';
import { NoteText } from './statement/notes.tsx';

/** Idle time worth a line of its own. */
const IDLE_SHOWN_US = 1_000_000;

export default function SessionPage({ params }: PageProps): JSX.Element {
  const id = params['id'] ?? '';
  const [after, setAfter] = useState<string | undefined>(undefined);
  const answer = useAnswer<SessionView>(`/sessions/${segment(id)}`, { after });
  return (
    <Answered answer={answer} lines={12}>
      {(view) => (
        <div class="stack">
          <Head view={view} />
          <section class="panel">
            <Timeline view={view} />
          </section>
          <section class="panel">
            <Steps view={view} />
            {(view.more || after !== undefined) && (
              <p class="line no-print">
                {after !== undefined && (
                  <button type="button" class="button" onClick={() => setAfter(undefined)}>
                    From the beginning
                  </button>
                )}
                {view.more && (
                  <button type="button" class="button" onClick={() => setAfter(view.items.at(-1)?.row.id)}>
                    Next {formatCount(view.items.length)}
                  </button>
                )}
              </p>
            )}
          </section>
        </div>
      )}
    </Answered>
  );
}

function Head({ view }: { readonly view: SessionView }): JSX.Element {
  const { session } = view;
  const own = term('session', session.session);
  const commits = view.transactions.filter((one) => one.end === 'commit').length;
  const undone = view.transactions.filter((one) => one.end === 'rollback' || one.end === 'failed').length;
  return (
    <header class="stack tight">
      <div class="page-head">
        <h2 class="statement-title">Session of {session.user ?? 'an unknown user'}</h2>
        <a href={linkTo('/search', { q: own, t: undefined })}>{plural(session.records, 'record')}</a>
      </div>
      <p class="muted">
        {formatMoment(Date.parse(session.first), zone())} – {formatMoment(Date.parse(session.last), zone()).slice(11)},{' '}
        {formatDuration(lengthUs(session))}. {session.client ?? 'unknown client'}
        {session.program !== undefined && ` with ${session.program}`} to {session.server ?? 'unknown server'}
        {session.db !== undefined && `, database ${session.db}`}.
      </p>
      <ul class="tiles">
        <Figure
          name="Rows"
          value={formatCount(session.rows)}
          href={linkTo('/search', { q: `${own} rows>0`, t: undefined })}
        />
        <Figure
          name="Failed"
          value={formatCount(view.errors)}
          href={linkTo('/search', { q: `${own} failed:yes`, t: undefined })}
        />
        <Figure
          name="Transactions"
          value={formatCount(view.transactions.length)}
          note={`${commits} committed, ${undone} undone`}
        />
        <Figure name="Longest pause" value={formatDuration(view.idleUsMax)} />
        <Figure name="Began" value={view.login === undefined ? 'not seen' : 'sign-in'} note={view.login?.errorText} />
        <Figure name="Ended" value={view.logout === undefined ? 'not seen' : (reasonText(view.logout) ?? 'sign-out')} />
      </ul>
    </header>
  );
}

function Figure(props: {
  readonly name: string;
  readonly value: string;
  readonly note?: string | undefined;
  /** The statements behind the figure. */
  readonly href?: string;
}): JSX.Element {
  const inside = (
    <>
      <span class="muted">{props.name}</span>
      <b>{props.value}</b>
      <span class="small muted clip" title={props.note}>
        {props.note ?? ''}
      </span>
    </>
  );
  return (
    <li>
      {props.href === undefined ? (
        <div class="tile">{inside}</div>
      ) : (
        <a class="tile" href={props.href}>
          {inside}
        </a>
      )}
    </li>
  );
}

function Steps({ view }: { readonly view: SessionView }): JSX.Element {
  return (
    <ol class="steps">
      {view.items.map(({ row, lane, idleUs }, index) => {
        const within = view.transactions.find((one) => one.first <= index && index <= one.last);
        return (
          <li key={row.id} class={within === undefined ? '' : `in-transaction end-${within.end}`}>
            {idleUs >= IDLE_SHOWN_US && <span class="idle small muted">{formatDuration(idleUs)} later</span>}
            <a class="step" href={patched({ id: row.id })}>
              <span>
                <Moment time={row.time} />
                <PinSign id={row.id} />
              </span>
              <span class={`lane-dot lane-${lane}`} title={lane} />
              <span class="clip">
                {row.severity !== undefined && <SeverityBadge severity={row.severity} short />}{' '}
                <StatementText row={row} />
              </span>
              <span class="num muted">{row.rows === undefined ? '' : plural(row.rows, 'row')}</span>
              <Outcome row={row} />
            </a>
            {view.notes
              .filter((note) => note.record === row.id)
              .map((note) => (
                <p key={note.time} class="noted">
                  <NoteText note={note} />
                </p>
              ))}
            {within !== undefined && within.last === index && (
              <span class="idle small muted">
                transaction: {within.end}, {plural(within.writes, 'write')}, {plural(within.rows, 'row')}
              </span>
            )}
          </li>
        );
      })}
    </ol>
  );
}
