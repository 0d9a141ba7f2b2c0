/** Everything about one record: what was said, by whom, what came of it, which rules matched and why, what surrounds it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RecordView, Row } from '#src/console/api/records.js';
import { useAnswer } from '../../base/answer.ts';
import { saveFile } from '../../base/api.ts';
import { formatCount, formatDuration, formatMoment } from '../../base/format.ts';
import { useKeys } from '../../base/keys.ts';
import { togglePin } from '../../base/pins.ts';
import { rangeParam, zone } from '../../base/scope.ts';
import { may } from '../../base/session.ts';
import { term } from '../../base/terms.ts';
import { linkTo, segment } from '../../base/url.ts';
import { SeverityBadge } from '../../ui/badge.tsx';
import { useSending } from '../../ui/form.tsx';
import { Icon } from '../../ui/icon.tsx';
import { PinButton } from '../../ui/pin.tsx';
import { Outcome, reasonText } from '../../ui/record-columns.tsx';
import { type Mark, Sql } from '../../ui/sql.tsx';
import { Answered, ProblemNote } from '../../ui/states.tsx';
import { BindTable } from './binds.tsx';
import { Evidence } from './evidence.tsx';
import { Matches } from './matches.tsx';
import { Notes } from './notes.tsx';
import { Surroundings } from './surroundings.tsx';

export function StatementCard({ id }: { readonly id: string }): JSX.Element {
  const answer = useAnswer<RecordView>(`/records/${segment(id)}`);
  return (
    <Answered answer={answer} lines={10}>
      {(view) => <Card view={view} />}
    </Answered>
  );
}

function Card({ view }: { readonly view: RecordView }): JSX.Element {
  const { row } = view;
  useKeys([{ keys: 'p', label: 'Pin this record, or take its pin away', run: () => void togglePin(row.id) }], [row.id]);
  const marks = view.matches.flatMap((match) =>
    match.because.flatMap(({ start, end }): Mark[] =>
      start === undefined || end === undefined ? [] : [{ start, end }],
    ),
  );
  return (
    <article class="stack statement">
      <header>
        <div class="line">
          {row.severity !== undefined && <SeverityBadge severity={row.severity} />}
          <Outcome row={row} />
          {row.marks?.map((mark) => (
            <span key={mark} class="tag">
              {mark.replaceAll('_', ' ')}
            </span>
          ))}
        </div>
        <h2 class="statement-title">{titleOf(row)}</h2>
        <p class="muted small">{formatMoment(Date.parse(row.time), zone())}</p>
      </header>
      {view.text !== undefined && (
        <section>
          <Sql text={view.text} spans={view.spans} marks={marks} />
          {view.normalised && (
            <p class="small muted">Values are shown as “?”: your role sees statements without them.</p>
          )}
        </section>
      )}
      <BindTable view={view} />
      <Matches matches={view.matches} policyVersion={view.policyVersion} />
      <Facts view={view} />
      {view.evidence !== undefined && <Evidence evidence={view.evidence} />}
      <Tools view={view} />
      <Notes id={row.id} notes={view.notes} />
      <Surroundings view={view} />
      <AllFields fields={view.fields} />
    </article>
  );
}

function titleOf(row: Row): string {
  const who = row.user === undefined ? '' : ` by ${row.user}`;
  if (row.kind === 'login') return `${row.errorCode === undefined ? 'Sign-in' : 'Refused sign-in'}${who}`;
  if (row.kind === 'logout') return `Sign-out${who}`;
  if (row.kind === 'opaque') return `Encrypted connection${who}`;
  if (row.kind === 'loss') return 'Not seen';
  const on = row.objects === undefined || row.objects.length === 0 ? '' : ` on ${row.objects.join(', ')}`;
  return `${row.operation ?? 'Statement'}${on}${who}`;
}

function Facts({ view }: { readonly view: RecordView }): JSX.Element {
  const { row, fields } = view;
  const text = (name: string): string | undefined => {
    const value = fields[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  };
  return (
    <section>
      <dl class="facts">
        <Fact name="Who">
          <Linked path="/users/" value={row.user} absent="not seen on the wire" />
          {row.effectiveUser !== undefined && row.effectiveUser !== row.user && <> acting as {row.effectiveUser}</>}
          {text('audit.end_user') !== undefined && <> for {text('audit.end_user')}</>}
          {text('audit.os_user') !== undefined && <span class="muted"> (system user {text('audit.os_user')})</span>}
        </Fact>
        <Fact name="From">
          {row.client ?? 'unknown'} {row.program !== undefined && <span class="muted">with {row.program}</span>}
        </Fact>
        <Fact name="To">
          {row.server ?? 'unknown'} {row.system !== undefined && <span class="muted">{row.system}</span>}
        </Fact>
        <Fact name="Where">
          <Linked path="/databases/" value={row.db} absent="no database named" />
        </Fact>
        {row.objects !== undefined && row.objects.length > 0 && (
          <Fact name="What">
            {row.objects.map((name, index) => (
              <span key={name}>
                {index > 0 && ', '}
                <Linked path="/objects/" value={name} absent="" />
              </span>
            ))}
          </Fact>
        )}
        <Fact name="How">
          {[
            text('audit.call'),
            row.transaction === undefined ? undefined : `transaction ${row.transaction}`,
            fields['audit.tls'] === undefined ? undefined : 'TLS',
          ]
            .filter((part) => part !== undefined)
            .join(', ') || 'not told'}
        </Fact>
        <Fact name="Outcome">
          {row.errorCode !== undefined || row.errorText !== undefined ? (
            <span class="bad">
              {row.errorCode} {row.errorText}
            </span>
          ) : (
            outcomeText(row)
          )}
        </Fact>
      </dl>
    </section>
  );
}

function outcomeText(row: Row): string {
  const parts = [
    row.rows === undefined ? undefined : `${formatCount(row.rows)} ${row.rows === 1 ? 'row' : 'rows'}`,
    row.durationUs === undefined ? undefined : `in ${formatDuration(row.durationUs)}`,
    reasonText(row),
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? 'nothing was answered, or not seen' : parts.join(' ');
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: JSX.Element['props']['children'];
}): JSX.Element {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Linked(props: {
  readonly path: string;
  readonly value: string | undefined;
  readonly absent: string;
}): JSX.Element {
  if (props.value === undefined || props.value === '') return <span class="muted">{props.absent}</span>;
  return <a href={linkTo(`${props.path}${segment(props.value)}`)}>{props.value}</a>;
}

const AROUND_MS = 30_000;

/** Half a minute before the record and after it, whatever else there was. */
function around(row: Row): string {
  const timeMs = Date.parse(row.time);
  return rangeParam(timeMs - AROUND_MS, timeMs + AROUND_MS);
}

function Tools({ view }: { readonly view: RecordView }): JSX.Element {
  const { row } = view;
  const [copied, setCopied] = useState(false);
  // Packets are kept behind alerts only: that there are none is said here, not by the browser.
  const saving = useSending();
  return (
    <div class="line no-print">
      {row.session !== undefined && (
        <a class="button" href={linkTo(`/sessions/${segment(row.session)}`)}>
          <Icon name="sessions" /> Session
        </a>
      )}
      <a class="button" href={linkTo('/search', { q: undefined, t: around(row), id: row.id })}>
        <Icon name="clock" /> Around it
      </a>
      {row.fingerprint !== undefined && (
        <a class="button" href={linkTo('/search', { q: term('fingerprint', row.fingerprint) })}>
          <Icon name="search" /> Same shape
        </a>
      )}
      {view.packets && may('auditor') && (
        <button
          type="button"
          class="button"
          disabled={saving.busy}
          onClick={() => void saving.run(() => saveFile(`/records/${segment(row.id)}/packets`))}
        >
          <Icon name="download" /> Packets
        </button>
      )}
      <button
        type="button"
        class="button"
        onClick={async () => {
          await navigator.clipboard.writeText(row.id);
          setCopied(true);
        }}
      >
        <Icon name={copied ? 'check' : 'link'} /> {copied ? 'Copied' : 'Copy id'}
      </button>
      <button type="button" class="button" onClick={() => print()}>
        <Icon name="print" /> Print
      </button>
      <PinButton id={row.id} />
      {saving.problem !== undefined && <ProblemNote problem={saving.problem} />}
    </div>
  );
}

function AllFields({ fields }: { readonly fields: RecordView['fields'] }): JSX.Element {
  return (
    <details>
      <summary>All fields of the record</summary>
      <dl class="facts mono small">
        {Object.entries(fields).map(([name, value]) => (
          <Fact key={name} name={name}>
            {typeof value === 'string' ? value : JSON.stringify(value)}
          </Fact>
        ))}
      </dl>
    </details>
  );
}
