/** A number in a table and the way to the statements behind it. Nought leads nowhere. */
import type { JSX } from 'preact';
import { formatCount } from '../base/format.ts';
import { linkTo } from '../base/url.ts';

export function CountCell(props: {
  readonly count: number;
  /** Finds the statements, in the present range or whenever they were. */
  readonly q: string;
  readonly always?: boolean;
  /** Something went wrong as often as this. */
  readonly bad?: boolean;
}): JSX.Element {
  return (
    <td class="num">
      {props.count === 0 ? (
        <span class="muted">0</span>
      ) : (
        <a
          class={props.bad === true ? 'bad strong' : ''}
          href={linkTo('/search', { q: props.q, ...(props.always === true && { t: undefined }) })}
        >
          {formatCount(props.count)}
        </a>
      )}
    </td>
  );
}
