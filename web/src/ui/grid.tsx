/**
 * The table for any number of rows: scrolls by position in the whole result, draws only what is seen, asks for what it
 * lacks. One tab stop and an active cell; the head and the bar stay. Arithmetic in `base/scroll.ts`.
 */
import type { ComponentChildren, JSX, RefObject } from 'preact';
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { formatCount } from '../base/format.ts';
import { type Extent, scrollOf, spacerPx, topAfterScroll, topShowing } from '../base/scroll.ts';
import { type GridMark, MarkFoot, MarkStrip, useMarks } from './grid-marks.tsx';
import type { RowCache } from './row-cache.ts';

export interface GridColumn<R> {
  readonly id: string;
  readonly title: string;
  /** Width in pixels; the column marked `flexible` takes what is left. */
  readonly widthPx: number;
  readonly flexible?: boolean;
  readonly number?: boolean;
  cell(row: R): ComponentChildren;
}

export interface GridProps<R> {
  readonly label: string;
  readonly columns: readonly GridColumn<R>[];
  readonly total: number;
  readonly rowPx: number;
  readonly cache: RowCache<R>;
  readonly idOf: (row: R) => string;
  /** Id of the row whose detail is open. */
  readonly openId: string | undefined;
  readonly onOpen: (row: R, index: number) => void;
  /** A key that the grid itself does not know, on the active cell. */
  readonly onKey?: (key: string, row: R, column: GridColumn<R>) => boolean;
  /** The column that orders the rows, and how; a click on its head turns the order round. */
  readonly order?: { readonly column: string; readonly direction: 'ascending' | 'descending'; turn(): void };
  /** A column's edge was dragged. */
  readonly onWidth?: (column: GridColumn<R>, widthPx: number) => void;
  /** In order of their rows. */
  readonly marks?: readonly GridMark[];
  readonly foot?: ComponentChildren;
}

const NO_MARKS: readonly GridMark[] = [];

const HEAD_PX = 30;
/** On paper the table is as high as it may be; more rows than these are for a report or an export. */
const ROWS_DRAWN_MAX = 400;

export function Grid<R>(props: GridProps<R>): JSX.Element {
  const { total, rowPx, cache } = props;
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const viewPx = useViewPx(scroller, rowPx);
  const [top, setTop] = useState(0);
  const [active, setActive] = useState({ row: 0, column: 0 });
  const [, arrived] = useState(0);
  const beforePx = useRef(0);
  const extent: Extent = { rows: total, rowPx, viewPx };

  useEffect(() => {
    setTop(0);
    setActive((before) => ({ row: 0, column: before.column }));
    beforePx.current = 0;
    if (scroller.current !== null) scroller.current.scrollTop = 0;
    return cache.listen(() => arrived((count) => count + 1));
  }, [cache]);

  const first = Math.floor(top);
  const count = Math.min(total - first, Math.ceil(viewPx / rowPx) + 1);
  useEffect(() => cache.want(first, first + count), [cache, first, count]);

  const moveTo = (row: number, column: number): void => {
    const next = Math.min(total - 1, Math.max(0, row));
    setActive({ row: next, column: Math.min(props.columns.length - 1, Math.max(0, column)) });
    const shown = topShowing(extent, top, next);
    if (shown === top || scroller.current === null) return;
    setTop(shown);
    beforePx.current = scrollOf(extent, shown);
    scroller.current.scrollTop = beforePx.current;
  };
  const onScroll = (): void => {
    const afterPx = scroller.current?.scrollTop ?? 0;
    if (Math.abs(afterPx - beforePx.current) < 1) return;
    setTop(topAfterScroll(extent, top, beforePx.current, afterPx));
    beforePx.current = afterPx;
  };
  const marks = props.marks ?? NO_MARKS;
  const walk = useMarks(marks, total, active.row, (row) => moveTo(row, active.column));
  const template = useMemo(() => templateOf(props.columns), [props.columns]);
  const minWidth = `max(100%, ${props.columns.reduce((sum, column) => sum + column.widthPx, 0)}px)`;
  return (
    <div class="grid-frame">
      <div class="grid-body">
        <div
          ref={scroller}
          class="grid"
          role="grid"
          tabIndex={0}
          aria-label={props.label}
          aria-rowcount={total + 1}
          aria-colcount={props.columns.length}
          aria-activedescendant={total > 0 ? `${id}-${active.row}-${active.column}` : undefined}
          onScroll={onScroll}
          onCopy={(event) => copyRow(event, props.columns.length, (column) => `${id}-${active.row}-${column}`)}
          onKeyDown={(event) => {
            if (walk.key(event)) return;
            onGridKey(event, props, active, Math.floor(viewPx / rowPx), moveTo);
          }}
        >
          <GridHead {...props} template={template} width={minWidth} />
          <div class="grid-spacer" role="presentation" style={{ height: `${spacerPx(extent)}px`, width: minWidth }}>
            <div
              class="grid-window"
              role="presentation"
              style={{ top: `${HEAD_PX}px`, height: `${Math.min(viewPx, total * rowPx)}px` }}
            >
              <div role="rowgroup" style={{ transform: `translateY(${-(top - first) * rowPx}px)` }}>
                {Array.from({ length: Math.max(0, count) }, (_, offset) => (
                  <GridRow
                    key={first + offset}
                    grid={props}
                    gridId={id}
                    index={first + offset}
                    template={template}
                    activeColumn={first + offset === active.row ? active.column : undefined}
                    onPick={(column) => moveTo(first + offset, column)}
                  />
                ))}
              </div>
            </div>
          </div>
        </div>
        {props.marks !== undefined && (
          <MarkStrip marks={marks} scale={{ total, rowPx, viewPx, headPx: HEAD_PX }} onGo={walk.go} />
        )}
      </div>
      <div class="grid-foot small muted">
        <span>{total === 0 ? 'no rows' : `row ${formatCount(active.row + 1)} of ${formatCount(total)}`}</span>
        {props.foot}
        <MarkFoot marks={marks} walk={walk} />
      </div>
    </div>
  );
}

/** Height of the rows that are seen. */
function useViewPx(scroller: RefObject<HTMLElement | null>, rowPx: number): number {
  const [viewPx, setViewPx] = useState(600);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const observer = new ResizeObserver(() =>
      setViewPx(Math.min(Math.max(rowPx, element.clientHeight - HEAD_PX), ROWS_DRAWN_MAX * rowPx)),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [rowPx]);
  return viewPx;
}

function templateOf<R>(columns: readonly GridColumn<R>[]): string {
  return columns
    .map((column) => (column.flexible === true ? `minmax(${column.widthPx}px, 1fr)` : `${column.widthPx}px`))
    .join(' ');
}

function GridHead<R>(props: GridProps<R> & { readonly template: string; readonly width: string }): JSX.Element {
  return (
    <div class="grid-head" role="rowgroup" style={{ width: props.width }}>
      <div class="grid-row" role="row" aria-rowindex={1} style={{ gridTemplateColumns: props.template }}>
        {props.columns.map((column) => (
          <div
            key={column.id}
            role="columnheader"
            class={column.number === true ? 'num' : ''}
            aria-sort={props.order?.column === column.id ? props.order.direction : undefined}
          >
            {props.order?.column === column.id ? (
              <button type="button" tabIndex={-1} title="Turn the order round" onClick={props.order.turn}>
                {column.title} {props.order.direction === 'ascending' ? '↑' : '↓'}
              </button>
            ) : (
              column.title
            )}
            {props.onWidth !== undefined && (
              <i
                class="grip"
                onPointerDown={(event) => dragWidth(event, (widthPx) => props.onWidth?.(column, widthPx))}
              />
            )}
          </div>
        ))}
      </div>
    </div>
  );
}

const COLUMN_PX_MIN = 40;

/** Follows the pointer from the edge of a column's head until it is let go. */
function dragWidth(event: PointerEvent, onWidth: (widthPx: number) => void): void {
  const grip = event.currentTarget;
  const head = grip instanceof HTMLElement ? grip.parentElement : null;
  if (!(grip instanceof HTMLElement) || head === null) return;
  event.preventDefault();
  grip.setPointerCapture(event.pointerId);
  const startPx = head.offsetWidth - event.clientX;
  grip.onpointermove = (move) => onWidth(Math.max(COLUMN_PX_MIN, Math.round(startPx + move.clientX)));
  grip.onlostpointercapture = () => {
    grip.onpointermove = null;
  };
}

function GridRow<R>(props: {
  readonly grid: GridProps<R>;
  readonly gridId: string;
  readonly index: number;
  readonly template: string;
  readonly activeColumn: number | undefined;
  readonly onPick: (column: number) => void;
}): JSX.Element {
  const { grid, index, activeColumn } = props;
  const row = grid.cache.at(index);
  const open = row !== undefined && grid.idOf(row) === grid.openId;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={open}
      class={`grid-row${activeColumn === undefined ? '' : ' active'}${open ? ' open' : ''}`}
      style={{ gridTemplateColumns: props.template, height: `${grid.rowPx}px` }}
      onClick={(event) => {
        props.onPick(columnOf(event));
        if (row !== undefined && getSelection()?.isCollapsed !== false) grid.onOpen(row, index);
      }}
    >
      {grid.columns.map((column, at) => (
        <div
          key={column.id}
          id={`${props.gridId}-${index}-${at}`}
          role="gridcell"
          data-column={at}
          class={`clip${column.number === true ? ' num' : ''}${at === activeColumn ? ' current' : ''}`}
        >
          {row === undefined ? <span class="ghost" /> : column.cell(row)}
        </div>
      ))}
    </div>
  );
}

/** With nothing marked, the active row as text, its cells apart by tabs: as tables elsewhere take it. */
function copyRow(event: ClipboardEvent, columns: number, idOf: (column: number) => string): void {
  if (event.clipboardData === null || getSelection()?.isCollapsed === false) return;
  const cells = Array.from(
    { length: columns },
    (_, column) => document.getElementById(idOf(column))?.textContent ?? '',
  );
  event.clipboardData.setData('text/plain', cells.map((text) => text.trim()).join('\t'));
  event.preventDefault();
}

function columnOf(event: MouseEvent): number {
  const cell = event.target instanceof Element ? event.target.closest('[data-column]') : null;
  return cell instanceof HTMLElement ? Number(cell.dataset['column']) : 0;
}

function onGridKey<R>(
  event: KeyboardEvent,
  props: GridProps<R>,
  active: { readonly row: number; readonly column: number },
  page: number,
  moveTo: (row: number, column: number) => void,
): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { row, column } = active;
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    ArrowDown: [row + 1, column],
    j: [row + 1, column],
    ArrowUp: [row - 1, column],
    k: [row - 1, column],
    ArrowRight: [row, column + 1],
    ArrowLeft: [row, column - 1],
    PageDown: [row + page, column],
    PageUp: [row - page, column],
    Home: [0, column],
    End: [props.total - 1, column],
  };
  const move = moves[event.key];
  const found = props.cache.at(row);
  if (move !== undefined) moveTo(...move);
  else if (found === undefined) return;
  else if (event.key === 'Enter') props.onOpen(found, row);
  else {
    const current = props.columns[column];
    if (current === undefined || props.onKey?.(event.key, found, current) !== true) return;
  }
  event.preventDefault();
  event.stopPropagation();
}
