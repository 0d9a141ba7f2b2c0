/**
 * The conditions of the query as chips: another view of the same text. Each can be turned round, switched off (it stays
 * visible and in the address, parameter `off`) or removed.
 */
import type { JSX } from 'preact';
import { negated, topTerms, withoutTerm, withTerm } from '../base/terms.ts';
import { place, setParams } from '../base/url.ts';
import { Icon } from './icon.tsx';

export function Chips(): JSX.Element | null {
  const q = place.value.params.get('q') ?? '';
  const off = place.value.params.get('off') ?? '';
  const on = topTerms(q);
  const parked = topTerms(off);
  if (on.length === 0 && parked.length === 0) return null;
  return (
    <ul class="chips" aria-label="Conditions">
      {on.map((span, index) => {
        const text = q.slice(span.start, span.end);
        return (
          <li key={`on ${text}`} class="chip">
            <button
              type="button"
              class="chip-text"
              title="Turn round"
              onClick={() => setParams({ q: negated(q, index) })}
            >
              {text}
            </button>
            <button
              type="button"
              title="Switch off"
              aria-label={`Switch off ${text}`}
              onClick={() => setParams({ q: withoutTerm(q, index), off: withTerm(off, text) })}
            >
              <Icon name="pause" />
            </button>
            <button
              type="button"
              title="Remove"
              aria-label={`Remove ${text}`}
              onClick={() => setParams({ q: withoutTerm(q, index) })}
            >
              <Icon name="close" />
            </button>
          </li>
        );
      })}
      {parked.map((span, index) => {
        const text = off.slice(span.start, span.end);
        return (
          <li key={`off ${text}`} class="chip parked">
            <button
              type="button"
              class="chip-text"
              title="Switch on"
              aria-label={`Switch on ${text}`}
              onClick={() => setParams({ q: withTerm(q, text), off: withoutTerm(off, index) })}
            >
              {text}
            </button>
            <button
              type="button"
              title="Remove"
              aria-label={`Remove ${text}`}
              onClick={() => setParams({ off: withoutTerm(off, index) })}
            >
              <Icon name="close" />
            </button>
          </li>
        );
      })}
      <li>
        <button type="button" class="button plain small" onClick={() => setParams({ q: undefined, off: undefined })}>
          Clear
        </button>
      </li>
    </ul>
  );
}
