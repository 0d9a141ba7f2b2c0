/** A few records as short lines that open the statement beside the page. */
import type { JSX } from 'preact';
import type { Row } from '#src/console/api/records.js';
import { formatCount, formatDuration } from '../base/format.ts';
import { patched } from '../base/url.ts';
import { SeverityBadge } from './badge.tsx';
import { Moment, StatementText } from './record-columns.tsx';

export function RowList(props: {
  readonly rows: readonly Row[];
  /** The figure on the right. */
  readonly figure: 'duration' | 'rows' | 'error' | 'none';
  readonly empty: string;
}): JSX.Element {
  if (props.rows.length === 0) return <p class="muted">{props.empty}</p>;
  return (
    <ul class="row-list">
      {props.rows.map((row) => (
        <li key={row.id}>
          <a href={patched({ id: row.id })}>
            <span class="row-main clip">
              {row.severity !== undefined && <SeverityBadge severity={row.severity} short />}
              <StatementText row={row} />
            </span>
            <span class="row-figure">{figureOf(row, props.figure)}</span>
            <span class="row-sub clip">
              <Moment time={row.time} /> {row.user ?? 'unknown user'}
              {row.db === undefined ? '' : ` · ${row.db}`}
              {props.figure === 'error' && row.errorText !== undefined ? ` · ${row.errorText}` : ''}
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function figureOf(row: Row, figure: 'duration' | 'rows' | 'error' | 'none'): string {
  if (figure === 'duration') return row.durationUs === undefined ? '' : formatDuration(row.durationUs);
  if (figure === 'rows') return row.rows === undefined ? '' : `${formatCount(row.rows)} rows`;
  if (figure === 'error') return row.errorCode ?? 'failed';
  return '';
}
