/** The line above the table: how many, read up to when, columns, saved searches, export. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Explanation, RecordsAt } from '#src/console/api/records.js';
import type { SavedSearches } from '#src/console/api/saved.js';
import { useAnswer } from '../../base/answer.ts';
import { apiUrl, type Params, send } from '../../base/api.ts';
import { formatCount, formatMoment } from '../../base/format.ts';
import { query, scopeParams, zone } from '../../base/scope.ts';
import { may, session } from '../../base/session.ts';
import { linkTo, patched, place, setParams } from '../../base/url.ts';
import { Field, useSending } from '../../ui/form.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Popover } from '../../ui/popover.tsx';
import { COLUMNS_SHOWN, columnsOf, RECORD_COLUMNS } from '../../ui/record-columns.tsx';
import { Answered, ProblemNote } from '../../ui/states.tsx';
import { rangeText } from '../../ui/time-field.tsx';

export function SearchTools(props: {
  readonly data: RecordsAt;
  readonly question: Params;
  readonly facets: boolean;
  readonly onFacets: () => void;
}): JSX.Element {
  const { asked, total } = props.data;
  return (
    <div class="search-tools">
      <p>
        <b class="total">{formatCount(total)}</b> {total === 1 ? 'record' : 'records'}
        <span class="muted small">
          {' '}
          begun within {rangeText(asked.from, asked.to, zone())}
          {asked.readTo !== undefined && `, read to ${formatMoment(Date.parse(asked.readTo), zone(), 'second')}`}
        </span>
      </p>
      {asked.problems.map((problem) => (
        <p key={problem} class="small bad">
          {problem}
        </p>
      ))}
      <span class="grow" />
      <div class="line no-print">
        <button type="button" class="button plain" aria-pressed={props.facets} onClick={props.onFacets}>
          Values
        </button>
        <ExplainMenu question={props.question} />
        <ColumnMenu />
        <SavedMenu />
        {may('auditor') && <ExportMenu question={props.question} total={total} />}
      </div>
    </div>
  );
}

function ExplainMenu({ question }: { readonly question: Params }): JSX.Element {
  return (
    <Popover class="button plain" label="Explain" align="right">
      {() => <ExplainPanel question={question} />}
    </Popover>
  );
}

function ExplainPanel({ question }: { readonly question: Params }): JSX.Element {
  const { dir: _dir, ...asked } = question;
  const answer = useAnswer<Explanation>('/explain', asked);
  return (
    <Answered answer={answer} lines={3}>
      {(data) => (
        <ul class="plain-list">
          {data.sentences.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
    </Answered>
  );
}

function ColumnMenu(): JSX.Element {
  const shown = columnsOf(place.value.params.get('cols')).map((column) => column.id);
  const toggle = (id: string): void => {
    const next = shown.includes(id) ? shown.filter((one) => one !== id) : [...shown, id];
    const cols = next.join(',');
    setParams({ cols: cols === COLUMNS_SHOWN.join(',') ? undefined : cols });
  };
  return (
    <Popover
      class="button plain"
      align="right"
      anchor="columns"
      label={
        <>
          <Icon name="columns" /> Columns
        </>
      }
    >
      {() => (
        <ul class="menu">
          {RECORD_COLUMNS.map((column) => (
            <li key={column.id}>
              <label class="check menu-line">
                <input type="checkbox" checked={shown.includes(column.id)} onChange={() => toggle(column.id)} />
                {column.title}
              </label>
            </li>
          ))}
          <li>
            <button type="button" class="button plain" onClick={() => setParams({ cols: undefined })}>
              As at first
            </button>
          </li>
        </ul>
      )}
    </Popover>
  );
}

function SavedMenu(): JSX.Element {
  return (
    <Popover
      class="button plain"
      align="right"
      label={
        <>
          <Icon name="star" /> Saved
        </>
      }
    >
      {(close) => <SavedPanel close={close} />}
    </Popover>
  );
}

function SavedPanel({ close }: { readonly close: () => void }): JSX.Element {
  const answer = useAnswer<SavedSearches>('/searches');
  const sending = useSending();
  const [name, setName] = useState('');
  const [shared, setShared] = useState(false);
  const save = async (): Promise<void> => {
    const { params } = place.value;
    const view = new URLSearchParams([...params].filter(([key]) => key === 'cols' || key === 'sort' || key === 'tz'));
    const body = { name, q: query(), ...scopeParams(), view: view.toString(), shared };
    if (await sending.run(() => send('POST', '/searches', body))) {
      setName('');
      answer.reload();
    }
  };
  return (
    <div class="stack tight">
      <Answered answer={answer} lines={2}>
        {(data) => (
          <ul class="menu">
            {data.searches.length === 0 && <li class="muted">No saved searches yet.</li>}
            {data.searches.map((saved) => (
              <li key={saved.id} class="menu-line">
                <a
                  class="grow clip"
                  title={saved.q}
                  onClick={close}
                  href={`${linkTo('/search', { q: saved.q, t: saved.t, db: saved.db })}${saved.view ? `&${saved.view}` : ''}`}
                >
                  {saved.name}
                </a>
                <span class="small muted">{saved.shared ? `shared by ${saved.by}` : ''}</span>
                {saved.by === session.value?.person?.name && (
                  <button
                    type="button"
                    class="button plain"
                    aria-label={`Remove ${saved.name}`}
                    onClick={async () => {
                      await sending.run(() => send('DELETE', `/searches/${saved.id}`));
                      answer.reload();
                    }}
                  >
                    <Icon name="close" />
                  </button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Answered>
      <form
        class="stack tight"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Field text="Save this search as" value={name} onText={setName} maxLength={100} required />
        <label class="check small">
          <input type="checkbox" checked={shared} onChange={(event) => setShared(event.currentTarget.checked)} />
          Everybody sees it
        </label>
        {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
        <button type="submit" class="button main" disabled={sending.busy || name === ''}>
          Save
        </button>
      </form>
    </div>
  );
}

function ExportMenu({ question, total }: { readonly question: Params; readonly total: number }): JSX.Element {
  const { dir, ...scope } = question;
  const cols = columnsOf(place.value.params.get('cols')).map((column) => column.id);
  return (
    <Popover
      class="button plain"
      align="right"
      label={
        <>
          <Icon name="download" /> Export
        </>
      }
    >
      {(close) => (
        <div class="stack tight">
          <p>
            All {formatCount(total)} records; the last line says how many there are and their SHA-256. Exports are
            recorded.
          </p>
          <ul class="menu">
            <li>
              <a class="button" download onClick={close} href={apiUrl('/export', { ...scope, dir, format: 'csv' })}>
                CSV, every field
              </a>
            </li>
            <li>
              <a
                class="button"
                download
                onClick={close}
                href={apiUrl('/export', { ...scope, dir, format: 'csv', cols: cols.join(',') })}
              >
                CSV, the columns shown
              </a>
            </li>
            <li>
              <a class="button" download onClick={close} href={apiUrl('/export', { ...scope, dir, format: 'jsonl' })}>
                JSON Lines
              </a>
            </li>
          </ul>
          <a href={patched({ w: String(question['w'] ?? '') })} onClick={close}>
            Keep this view at exactly these records
          </a>
        </div>
      )}
    </Popover>
  );
}
