/**
 * Search: query, chart, facets, table over the whole result. The first answer's watermark goes with every further
 * question, so that chart, facets, table and export count the same records.
 */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Histogram, RecordsAt, Row } from '#src/console/api/records.js';
import { type Answer, queryProblem, useAnswer } from '../base/answer.ts';
import { ask, type Params } from '../base/api.ts';
import { letterKeysOn, useKeys } from '../base/keys.ts';
import { togglePin } from '../base/pins.ts';
import { query, rangeParam, scopeParams, useEcho } from '../base/scope.ts';
import { term, withTerm } from '../base/terms.ts';
import { go, linkTo, patched, place, segment, setParams } from '../base/url.ts';
import { Chips } from '../ui/chips.tsx';
import { Grid } from '../ui/grid.tsx';
import { QueryBar } from '../ui/query-bar.tsx';
import { columnsOf, conditionValue, RECORD_COLUMNS, type RecordColumn, roomFor } from '../ui/record-columns.tsx';
import { RowCache } from '../ui/row-cache.ts';
import { Empty, ProblemNote, Skeleton } from '../ui/states.tsx';
import { TimeChart } from '../ui/time-chart.tsx';
import { FacetList } from './search/facets.tsx';
import { useMarksOf } from './search/marks.ts';
import { SearchTools } from './search/tools.tsx';

const FIRST_ROWS = 100;

/** The question as the address puts it. */
function useQuestion(): Params {
  const { params } = place.value;
  const dir = params.get('sort') === 'oldest' ? 'oldest' : undefined;
  return { ...scopeParams(), q: query(), w: params.get('w') ?? undefined, dir };
}

export default function Search(): JSX.Element {
  const question = useQuestion();
  const first = useAnswer<RecordsAt>('/records/at', { ...question, position: 0, limit: FIRST_ROWS });
  const { data } = first;
  const settled: Params = { ...question, w: data?.asked.watermark };
  useEcho(data?.asked);
  const wrongQuery = queryProblem(first);
  return (
    <div class="search-page">
      <QueryBar
        value={query()}
        onRun={(q) => setParams({ q, id: undefined, w: undefined })}
        problem={wrongQuery}
        autoFocus={query() === ''}
      />
      <Chips />
      {first.problem !== undefined && wrongQuery === undefined && (
        <ProblemNote problem={first.problem} retry={first.reload} />
      )}
      {data === undefined ? (
        first.problem === undefined && <Skeleton lines={12} />
      ) : (
        <Result data={data} answer={first} question={settled} />
      )}
    </div>
  );
}

function Result(props: {
  readonly data: RecordsAt;
  readonly answer: Answer<RecordsAt>;
  readonly question: Params;
}): JSX.Element {
  const { data, question } = props;
  const old = props.answer.stale || props.answer.problem !== undefined;
  const [wanted, setWanted] = useState(() => !matchMedia('(max-width: 900px)').matches);
  // Beside an open statement there is room for the table alone.
  const facets = wanted && !place.value.params.has('id');
  return (
    <div class={old ? 'search-result answered old' : 'search-result answered'} aria-busy={props.answer.loading}>
      <SearchTools data={data} question={question} facets={facets} onFacets={() => setWanted(!wanted)} />
      <Volume question={old ? undefined : question} />
      {data.total === 0 ? (
        <NothingMatched />
      ) : (
        <div class={facets ? 'search-body' : 'search-body wide'}>
          {facets && <FacetList question={old ? undefined : question} />}
          <RecordTable data={data} question={question} isOld={old} />
        </div>
      )}
    </div>
  );
}

/** Counts over time of the same records; the old picture stays while a new question is open. */
function Volume({ question }: { readonly question: Params | undefined }): JSX.Element {
  const [kept, setKept] = useState<Params>(question ?? {});
  const asked = question ?? kept;
  useEffect(() => {
    if (question !== undefined) setKept(question);
  }, [JSON.stringify(question)]);
  const { dir: _dir, ...counted } = asked;
  const answer = useAnswer<Histogram>('/histogram', { ...counted, by: 'outcome', buckets: 120 });
  if (answer.data === undefined) {
    return (
      <div class="chart-space">
        {answer.problem !== undefined && <ProblemNote problem={answer.problem} retry={answer.reload} />}
      </div>
    );
  }
  return (
    <TimeChart
      title="Over time"
      series={answer.data.series}
      heightPx={92}
      onRange={(from, to) => setParams({ t: rangeParam(from, to), w: undefined })}
      onLine={(name) => setParams({ q: withTerm(query(), `failed:${name !== 'ok'}`), w: undefined })}
    />
  );
}

function NothingMatched(): JSX.Element {
  const ranged = place.value.params.has('t');
  return (
    <Empty ofRecords title="Nothing matched">
      <p>
        The store was read and holds no record that fits.{' '}
        {ranged && <a href={patched({ t: undefined, w: undefined })}>Look at everything that is kept</a>}
      </p>
      <p>
        Was that time seen at all? <a href={linkTo('/sensors')}>Coverage</a>
      </p>
    </Empty>
  );
}

function RecordTable({
  data,
  question,
  isOld,
}: {
  readonly data: RecordsAt;
  readonly question: Params;
  /** The rows are those of an earlier question. */
  readonly isOld: boolean;
}): JSX.Element {
  const key = JSON.stringify(question);
  const cache = useMemo(
    () =>
      new RowCache<Row>(
        async (position, limit, signal) =>
          (await ask<RecordsAt>('/records/at', { ...question, position, limit }, signal)).rows,
        data.rows,
      ),
    [key, data],
  );
  const marks = useMarksOf(isOld ? undefined : question);
  const cols = place.value.params.get('cols');
  const openId = place.value.params.get('id') ?? undefined;
  const room = roomFor(openId !== undefined);
  const columns = useMemo(() => columnsOf(cols, room), [cols, room]);
  const [opened, setOpened] = useState(0);
  const oldest = question['dir'] === 'oldest';
  const turn = (): void => setParams({ sort: oldest ? undefined : 'oldest' });
  const open = (row: Row, index: number): void => {
    setOpened(index);
    setParams({ id: row.id }, { replace: openId !== undefined });
  };
  const step = (by: number): void => {
    const row = cache.at(opened + by);
    if (row !== undefined) open(row, opened + by);
  };
  useKeys(
    [
      { keys: '[', label: 'Previous row, with its detail', run: () => step(-1) },
      { keys: ']', label: 'Next row, with its detail', run: () => step(1) },
      { keys: 's', label: oldest ? 'Newest first' : 'Oldest first', run: turn },
      {
        keys: 'c',
        label: 'Columns',
        run: () => document.querySelector<HTMLElement>('[data-anchor="columns"]')?.click(),
      },
      {
        keys: 'o',
        label: 'Open the statement as a page',
        run: () => openId !== undefined && go(linkTo(`/statements/${segment(openId)}`)),
      },
    ],
    [cache, opened, openId, oldest],
  );
  return (
    <Grid<Row>
      label="Records found"
      columns={columns}
      total={data.total}
      rowPx={28}
      cache={cache}
      idOf={(row) => row.id}
      openId={openId}
      onOpen={open}
      onKey={onCellKey}
      onWidth={(column, widthPx) => setParams({ cols: widened(columns, column.id, widthPx) }, { replace: true })}
      order={{ column: 'time', direction: oldest ? 'ascending' : 'descending', turn }}
      marks={marks}
      foot={<span>{oldest ? 'oldest' : 'newest'} first</span>}
    />
  );
}

/** The columns as the address says them, one with another width. */
function widened(columns: readonly RecordColumn[], id: string, widthPx: number): string {
  const plain = (column: RecordColumn): boolean =>
    RECORD_COLUMNS.some((one) => one.id === column.id && one.widthPx === column.widthPx);
  return columns
    .map((column) =>
      column.id === id ? `${id}.${widthPx}` : plain(column) ? column.id : `${column.id}.${column.widthPx}`,
    )
    .join(',');
}

/** `f` narrows by the cell, `x` leaves its value out, `p` pins the row. */
function onCellKey(key: string, row: Row, column: { readonly id: string }): boolean {
  if (!letterKeysOn.value) return false;
  if (key === 'p') {
    void togglePin(row.id);
    return true;
  }
  if (key !== 'f' && key !== 'x') return false;
  const record = column as RecordColumn;
  const value = record.field === undefined ? undefined : conditionValue(record, row);
  if (record.field === undefined || value === undefined) return false;
  setParams({ q: withTerm(query(), term(record.field, value, key === 'f' ? 'is' : 'not')), w: undefined });
  return true;
}
