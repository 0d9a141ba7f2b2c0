/** Rows × columns of counts as coloured cells. One tab stop: arrow keys move, Enter does what a click does. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { formatCount } from '../base/format.ts';

export interface HeatMapProps {
  readonly label: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** `counts[row][column]`. */
  readonly counts: readonly (readonly number[])[];
  readonly onCell: (row: number, column: number) => void;
  /** Count that has the full colour; the greatest one when absent. */
  readonly most?: number;
}

export function HeatMap(props: HeatMapProps): JSX.Element {
  const [active, setActive] = useState({ row: 0, column: 0 });
  const table = useRef<HTMLTableElement>(null);
  const nameChars = Math.max(...props.rows.map((name) => name.length));
  const most = props.most ?? Math.max(1, ...props.counts.flat());
  const move = (event: KeyboardEvent): void => {
    const [dy, dx] = STEPS[event.key] ?? [0, 0];
    if (dx === 0 && dy === 0) return;
    event.preventDefault();
    const row = within(active.row + dy, props.rows.length);
    const column = within(active.column + dx, props.columns.length);
    setActive({ row, column });
    table.current?.querySelector<HTMLElement>(`[data-cell="${row}:${column}"]`)?.focus();
  };
  return (
    <div class="heat-frame">
      <table ref={table} class="heat" aria-label={props.label} onKeyDown={move}>
        <tbody>
          {props.rows.map((name, row) => (
            <tr key={name}>
              <th scope="row" class="clip" title={name} style={{ width: `${Math.min(15, nameChars + 2)}ch` }}>
                {name}
              </th>
              {props.columns.map((columnName, column) => {
                const count = props.counts[row]?.[column] ?? 0;
                return (
                  <td key={columnName}>
                    <button
                      type="button"
                      data-cell={`${row}:${column}`}
                      tabIndex={row === active.row && column === active.column ? 0 : -1}
                      title={`${name}, ${columnName}: ${formatCount(count)}`}
                      aria-label={`${name}, ${columnName}: ${formatCount(count)}`}
                      style={{ background: heatColour(count, most) }}
                      onClick={() => props.onCell(row, column)}
                      onFocus={() => setActive({ row, column })}
                    />
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
        <tfoot aria-hidden="true">
          <tr>
            <td />
            {props.columns.map((name, column) => (
              <td key={name}>{column % 6 === 0 ? name : ''}</td>
            ))}
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
};

function within(value: number, length: number): number {
  return Math.min(length - 1, Math.max(0, value));
}

/** Square root, so that few are told from none beside many. */
function heatColour(count: number, most: number): string {
  if (count === 0) return 'var(--sunken)';
  const percent = Math.round(14 + 86 * Math.sqrt(Math.min(1, count / most)));
  return `color-mix(in srgb, var(--heat) ${percent}%, var(--page))`;
}
