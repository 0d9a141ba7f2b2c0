/** The keys that do something on this page, and the switch for single letters. */
import type { JSX } from 'preact';
import { activeKeys, letterKeysOn, setLetterKeys } from '../base/keys.ts';
import { Dialog } from '../ui/dialog.tsx';

/** Keys that tables and fields handle themselves. */
const BUILT_IN = [
  { keys: 'j k', label: 'Next and previous row' },
  { keys: 'Enter', label: 'Open the row' },
  { keys: 'f x', label: 'Filter by the cell, or exclude it' },
  { keys: 'p', label: 'Pin the row, or take its pin away' },
  { keys: 'Ctrl C', label: 'Copy the row, its cells apart by tabs' },
  { keys: 'm', label: 'In the table: to the next gap or pin; M to the one before' },
  { keys: 'Tab', label: 'In the query: take the suggestion' },
  { keys: 'Shift Delete', label: 'In the query: forget the suggestion, if it is a query of yours' },
] as const;

export function KeyHelp({ onClose }: { readonly onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keys" onClose={onClose} wide>
      <ul class="key-list">
        {[...activeKeys(), ...BUILT_IN].map((binding) => (
          <li key={binding.keys}>
            <span>
              {binding.keys.split(' ').map((key) => (
                <kbd key={key}>{key === ' ' ? 'Space' : key}</kbd>
              ))}
            </span>
            {binding.label}
          </li>
        ))}
      </ul>
      <label class="check">
        <input
          type="checkbox"
          checked={letterKeysOn.value}
          onChange={(event) => setLetterKeys(event.currentTarget.checked)}
        />
        Single letters do something
      </label>
    </Dialog>
  );
}
