/** Until when a closed alert stays closed. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Until } from '#src/console/api/alerts.js';
import { formatCount, formatMoment } from '../../base/format.ts';
import { zone } from '../../base/scope.ts';
import { Choice, Field } from '../../ui/form.tsx';

const KINDS = [
  { value: 'match', text: 'it matches again' },
  { value: 'user', text: 'another user causes it' },
  { value: 'often', text: 'it is frequent' },
  { value: 'date', text: 'a date' },
] as const;
type Kind = (typeof KINDS)[number]['value'];

const DAYS_AT_FIRST = 7;
const DAY_MS = 86_400_000;

/** Tells `undefined` for the usual (it matches again), and `wrong` while a field has no value that makes sense. */
export function UntilFields(props: { readonly onUntil: (until: Until | undefined | 'wrong') => void }): JSX.Element {
  const [kind, setKind] = useState<Kind>('match');
  const [perDay, setPerDay] = useState('100');
  const [date, setDate] = useState(() => new Date(Date.now() + DAYS_AT_FIRST * DAY_MS).toISOString().slice(0, 10));
  const tell = (chosen: Kind, often: string, day: string): void => props.onUntil(untilOf(chosen, often, day));
  return (
    <div class="form-line">
      <Choice
        text="If closed, until"
        value={kind}
        options={KINDS}
        onChoose={(next) => {
          setKind(next);
          tell(next, perDay, date);
        }}
      />
      {kind === 'often' && (
        <Field
          text="More than, a day"
          value={perDay}
          inputMode="numeric"
          pattern="[1-9][0-9]{0,8}"
          onText={(text) => {
            setPerDay(text);
            tell(kind, text, date);
          }}
        />
      )}
      {kind === 'date' && (
        <Field
          text="Day (UTC)"
          value={date}
          pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}"
          onText={(text) => {
            setDate(text);
            tell(kind, perDay, text);
          }}
        />
      )}
    </div>
  );
}

function untilOf(kind: Kind, perDay: string, date: string): Until | undefined | 'wrong' {
  switch (kind) {
    case 'match':
      return undefined;
    case 'user':
      return { newUser: true };
    case 'often':
      return /^[1-9]\d{0,8}$/.test(perDay) ? { perDay: Number(perDay) } : 'wrong';
    case 'date':
      return /^\d{4}-\d{2}-\d{2}$/.test(date) && !Number.isNaN(Date.parse(date))
        ? { at: `${date}T00:00:00Z` }
        : 'wrong';
  }
}

/** In words, behind "until". */
export function untilText({ at, perDay, newUser }: Until): string {
  const parts = [
    at === undefined ? undefined : formatMoment(Date.parse(at), zone(), 'minute'),
    perDay === undefined ? undefined : `more than ${formatCount(perDay)} a day`,
    newUser === undefined ? undefined : 'another user causes it',
  ];
  return parts.filter((part) => part !== undefined).join(', or ');
}
