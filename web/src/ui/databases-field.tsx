/** Choosing whose records somebody may see: all databases, or some by name. */
import type { JSX } from 'preact';
import type { Databases } from '#src/console/api/common.js';
import type { Entities } from '#src/console/api/overview.js';
import { useAnswer } from '../base/answer.ts';
import { Field } from './form.tsx';

/** What was typed: names separated by commas; nothing for all. */
export function databasesOf(text: string): Databases {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names.length === 0 ? 'all' : names;
}

export function databasesText(databases: Databases): string {
  return databases === 'all' ? '' : databases.join(', ');
}

export function DatabasesField(props: {
  readonly value: string;
  readonly onText: (value: string) => void;
}): JSX.Element {
  const { value, onText } = props;
  const known = useAnswer<Entities>('/entities', { kind: 'database', limit: 50 });
  const chosen = databasesOf(value);
  const others = (known.data?.items ?? [])
    .map((item) => item.value)
    .filter((name) => !name.includes(',') && (chosen === 'all' || !chosen.includes(name)));
  return (
    <div class="stack tight">
      <Field
        text="Databases"
        value={value}
        onText={onText}
        placeholder="all"
        hint={
          chosen === 'all' ? 'Names, separated by commas. None: all databases.' : `Only these: ${chosen.join(', ')}`
        }
      />
      {others.length > 0 && (
        <div class="line tight">
          {others.map((name) => (
            <button
              key={name}
              type="button"
              class="button plain small"
              onClick={() => onText(chosen === 'all' ? name : [...chosen, name].join(', '))}
            >
              + {name}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
