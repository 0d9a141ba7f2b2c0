/**
 * The conditions of the query as chips: another view of the same text. Each can be turned round, switched off (it stays
 * visible and in the address, parameter `off`), pinned or removed. Pinned conditions (parameter `pin`) go along to the
 * other pages of the rail; what is asked is the query alone, so that a link which names another one still leads where it says.
 */
import type { JSX } from 'preact';
import { negated, topTerms, withoutTerm, withTerm } from '../base/terms.ts';
import { place, setParams } from '../base/url.ts';
import { Icon, type IconName } from './icon.tsx';

function partsOf(name: 'q' | 'off' | 'pin'): readonly string[] {
  const text = place.value.params.get(name) ?? '';
  return topTerms(text).map(({ start, end }) => text.slice(start, end));
}

/** What is pinned, but for one condition. */
function pinsWithout(text: string): string {
  return partsOf('pin')
    .filter((one) => one !== text)
    .join(' ');
}

export function Chips({
  pinning = true,
}: {
  /** Not where other pages' conditions mean nothing. */
  readonly pinning?: boolean;
}): JSX.Element | null {
  const q = place.value.params.get('q') ?? '';
  const off = place.value.params.get('off') ?? '';
  const on = partsOf('q');
  const parked = partsOf('off');
  const pinned = pinning ? partsOf('pin') : [];
  const elsewhere = pinned.filter((text) => !on.includes(text) && !parked.includes(text));
  if (on.length + parked.length + elsewhere.length === 0) return null;
  return (
    <ul class="chips" aria-label="Conditions">
      {on.map((text, index) => (
        <Condition key={`on ${text}`} text={text} index={index} pinning={pinning} />
      ))}
      {parked.map((text, index) => (
        <Chip
          key={`off ${text}`}
          text={text}
          title="Switch on"
          onText={() => setParams({ q: withTerm(q, text), off: withoutTerm(off, index) })}
          onRemove={() => setParams({ off: withoutTerm(off, index), pin: pinsWithout(text) })}
        />
      ))}
      {elsewhere.map((text) => (
        <Chip
          key={`pin ${text}`}
          text={text}
          title="Pinned, not part of this question: add"
          onText={() => setParams({ q: withTerm(q, text) })}
          onRemove={() => setParams({ pin: pinsWithout(text) })}
        />
      ))}
      <li>
        <button
          type="button"
          class="button plain small"
          onClick={() => setParams({ q: undefined, off: undefined, ...(pinning && { pin: undefined }) })}
        >
          Clear
        </button>
      </li>
    </ul>
  );
}

/** One that must hold. */
function Condition({
  text,
  index,
  pinning,
}: {
  readonly text: string;
  readonly index: number;
  readonly pinning: boolean;
}): JSX.Element {
  const q = place.value.params.get('q') ?? '';
  const isPinned = pinning && partsOf('pin').includes(text);
  const pins = pinning ? pinsWithout(text) : (place.value.params.get('pin') ?? '');
  const pin = isPinned ? pins : withTerm(pins, text);
  return (
    <li class={isPinned ? 'chip pinned' : 'chip'}>
      <button
        type="button"
        class="chip-text"
        title="Turn round"
        onClick={() => setParams({ q: negated(q, index), pin: pins })}
      >
        {text}
      </button>
      {pinning && (
        <ChipButton
          icon="pin"
          title={isPinned ? 'Pinned: goes along to other pages' : 'Pin: take it along to other pages'}
          label={`Pin ${text}`}
          pressed={isPinned}
          onPress={() => setParams({ pin })}
        />
      )}
      <ChipButton
        icon="pause"
        title="Switch off"
        label={`Switch off ${text}`}
        onPress={() =>
          setParams({ q: withoutTerm(q, index), off: withTerm(place.value.params.get('off') ?? '', text) })
        }
      />
      <ChipButton
        icon="close"
        title="Remove"
        label={`Remove ${text}`}
        onPress={() => setParams({ q: withoutTerm(q, index), pin: pins })}
      />
    </li>
  );
}

/** One that is not part of the question now. */
function Chip(props: {
  readonly text: string;
  /** What a click on the text does. */
  readonly title: string;
  readonly onText: () => void;
  readonly onRemove: () => void;
}): JSX.Element {
  const { text, title } = props;
  return (
    <li class="chip parked">
      <button type="button" class="chip-text" title={title} aria-label={`${title} ${text}`} onClick={props.onText}>
        {text}
      </button>
      <ChipButton icon="close" title="Remove" label={`Remove ${text}`} onPress={props.onRemove} />
    </li>
  );
}

function ChipButton(props: {
  readonly icon: IconName;
  readonly title: string;
  readonly label: string;
  readonly pressed?: boolean;
  readonly onPress: () => void;
}): JSX.Element {
  return (
    <button
      type="button"
      title={props.title}
      aria-label={props.label}
      aria-pressed={props.pressed}
      onClick={props.onPress}
    >
      <Icon name={props.icon} />
    </button>
  );
}
