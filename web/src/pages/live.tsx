/**
 * Live: statements as they come. Collection goes on while the view is paused; rows beyond what is kept or sent are
 * counted, never hidden in silence. Opening a row pauses; Space goes on.
 */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Row } from '#src/console/api/records.js';
import { formatCount, formatMoment, plural } from '../base/format.ts';
import { useKeys } from '../base/keys.ts';
import { query, rangeParam, scopeParams, zone } from '../base/scope.ts';
import { linkTo, patched, place, setParams } from '../base/url.ts';
import { Chips } from '../ui/chips.tsx';
import { Icon } from '../ui/icon.tsx';
import { QueryBar } from '../ui/query-bar.tsx';
import { columnsOf, type RecordColumn, roomFor } from '../ui/record-columns.tsx';
import { type Tail, useTail } from './live/tail.ts';

export default function Live(): JSX.Element {
  const tail = useTail({ q: query(), db: scopeParams()['db'] });
  const cols = place.value.params.get('cols');
  const room = roomFor(place.value.params.has('id'));
  const columns = useMemo(() => columnsOf(cols, room), [cols, room]);
  const toggle = (): void => (tail.paused ? tail.resume() : tail.pause());
  useKeys([{ keys: ' ', label: tail.paused ? 'Go on' : 'Pause', run: toggle }], [tail.paused]);
  return (
    <div class="live-page">
      <QueryBar value={query()} onRun={(q) => setParams({ q, id: undefined })} problem={tail.problem} />
      <Chips />
      <LiveBar tail={tail} onToggle={toggle} />
      {tail.paused && (
        <p class="note" role="status">
          <span>
            Paused{tail.pausedAt === undefined ? '' : ` at ${formatMoment(tail.pausedAt, zone(), 'second').slice(11)}`}{' '}
            by you. {plural(tail.waiting, 'more row', 'more rows')} received meanwhile.
          </span>
          {tail.rows.length > 0 && (
            <a class="button" href={linkTo('/search', { q: query(), t: spanOf(tail.rows) })}>
              The same time in Search
            </a>
          )}
          <button type="button" class="button main" onClick={tail.resume}>
            <Icon name="play" /> Go on
          </button>
        </p>
      )}
      <LiveTable rows={tail.rows} columns={columns} onOpen={tail.pause} />
    </div>
  );
}

/** From the earliest of the rows to the latest. */
function spanOf(rows: readonly Row[]): string {
  const times = rows.map((row) => Date.parse(row.time));
  return rangeParam(Math.min(...times), Math.max(...times) + 1);
}

function LiveBar({ tail, onToggle }: { readonly tail: Tail; readonly onToggle: () => void }): JSX.Element {
  const { counts } = tail;
  return (
    <div class="live-bar">
      <span class={`live-state ${tail.state}`} role="status">
        <i />
        {tail.state === 'open' ? 'receiving' : tail.state === 'connecting' ? 'connecting' : 'cut off, trying again'}
        {tail.state === 'cut' &&
          tail.lastAt !== undefined &&
          `; last heard ${formatMoment(tail.lastAt, zone(), 'second').slice(11)}`}
      </span>
      <dl class="live-counts">
        <dt>received</dt>
        <dd>{formatCount(counts?.received ?? 0)}</dd>
        <dt>matching</dt>
        <dd>{formatCount(counts?.matching ?? 0)}</dd>
        <dt>shown</dt>
        <dd>{formatCount(counts?.shown ?? 0)}</dd>
        <dt>not shown</dt>
        <dd class={(counts?.notShown ?? 0) > 0 ? 'bad strong' : ''}>{formatCount(counts?.notShown ?? 0)}</dd>
      </dl>
      <span class="grow" />
      <button type="button" class="button" aria-pressed={tail.paused} onClick={onToggle}>
        <Icon name={tail.paused ? 'play' : 'pause'} /> {tail.paused ? 'Go on' : 'Pause'} <kbd>Space</kbd>
      </button>
    </div>
  );
}

function LiveTable(props: {
  readonly rows: readonly Row[];
  readonly columns: readonly RecordColumn[];
  readonly onOpen: () => void;
}): JSX.Element {
  const template = props.columns
    .map((column) => (column.flexible === true ? `minmax(${column.widthPx}px, 1fr)` : `${column.widthPx}px`))
    .join(' ');
  const openId = place.value.params.get('id');
  if (props.rows.length === 0) {
    return (
      <div class="empty">
        <Icon name="live" />
        <p class="strong">Waiting for statements</p>
        <p class="muted">They appear here the moment the store has them. Earlier ones are in Search.</p>
      </div>
    );
  }
  return (
    <section class="grid-frame live-table" aria-label="Latest statements">
      <ol class="live-rows" tabIndex={0} aria-label="Latest statements, newest first">
        {props.rows.map((row) => (
          <li key={row.id}>
            <a
              class={row.id === openId ? 'grid-row open' : 'grid-row'}
              href={patched({ id: row.id })}
              style={{ gridTemplateColumns: template }}
              onClick={props.onOpen}
            >
              {props.columns.map((column) => (
                <span key={column.id} class={column.number === true ? 'clip num' : 'clip'}>
                  {column.cell(row)}
                </span>
              ))}
            </a>
          </li>
        ))}
      </ol>
    </section>
  );
}
