/** Pins of records: the sign beside one, the button that sets it, the list of all. */
import type { JSX } from 'preact';
import { formatMoment } from '../base/format.ts';
import { pinnedIds, pinProblem, pins, removePins, togglePin } from '../base/pins.ts';
import { zone } from '../base/scope.ts';
import { linkTo, segment } from '../base/url.ts';
import { Icon } from './icon.tsx';
import { StatementText } from './record-columns.tsx';
import { ProblemNote } from './states.tsx';

export function PinButton({ id }: { readonly id: string }): JSX.Element {
  const isPinned = pinnedIds.value.has(id);
  return (
    <button
      type="button"
      class="button"
      aria-pressed={isPinned}
      title="Keep at hand (p)"
      onClick={() => void togglePin(id)}
    >
      <Icon name="pin" /> {isPinned ? 'Pinned' : 'Pin'}
    </button>
  );
}

/** What is pinned, as a list to go back to. */
export function PinList({ onGo }: { readonly onGo: () => void }): JSX.Element {
  const { pins: list = [], gone = 0 } = pins.value ?? {};
  return (
    <div class="pin-list">
      {pinProblem.value !== undefined && <ProblemNote problem={pinProblem.value} />}
      {list.length === 0 && (
        <p class="muted small">Nothing is pinned. Press p on a row, or Pin on a statement, to keep it at hand.</p>
      )}
      <ul class="menu">
        {list.map(({ row }) => (
          <li key={row.id} class="menu-line">
            <a class="clip" href={linkTo(`/statements/${segment(row.id)}`)} onClick={onGo}>
              <span class="small muted">
                {formatMoment(Date.parse(row.time), zone(), 'second')} {row.user ?? ''}
              </span>{' '}
              <StatementText row={row} />
            </a>
            <button
              type="button"
              class="button plain"
              aria-label="Take this pin away"
              title="Take this pin away"
              onClick={() => void togglePin(row.id)}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      {gone > 0 && <p class="small muted">{gone} more cannot be shown: expired, or not yours to see.</p>}
      {list.length + gone > 0 && (
        <button type="button" class="button plain small" onClick={() => void removePins()}>
          Take all away
        </button>
      )}
    </div>
  );
}
