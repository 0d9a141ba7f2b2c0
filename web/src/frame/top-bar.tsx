/** Scope (databases, time), completeness of what is shown, theme, help, account. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Entities } from '#src/console/api/overview.js';
import { useAnswer } from '../base/answer.ts';
import { formatCount } from '../base/format.ts';
import { loadPins, pins } from '../base/pins.ts';
import { scopeParams } from '../base/scope.ts';
import { ownDatabases, session, signOut } from '../base/session.ts';
import { setTheme, type Theme, theme } from '../base/theme.ts';
import { linkTo, place, setParams } from '../base/url.ts';
import { Icon } from '../ui/icon.tsx';
import { PinList } from '../ui/pin.tsx';
import { Popover } from '../ui/popover.tsx';
import { Answered } from '../ui/states.tsx';
import { TimeField } from '../ui/time-field.tsx';

export function TopBar({ onHelp }: { readonly onHelp: () => void }): JSX.Element {
  return (
    <header class="top">
      <DatabaseField />
      <TimeField />
      <span class="grow" />
      <PinMenu />
      <ThemeButton />
      <button type="button" class="button plain narrow-off" aria-label="Keys" title="Keys (?)" onClick={onHelp}>
        <Icon name="keyboard" />
      </button>
      <AccountMenu />
    </header>
  );
}

function DatabaseField(): JSX.Element {
  const chosen = (place.value.params.get('db') ?? '').split(',').filter((name) => name !== '');
  const own = ownDatabases.value;
  const whole = own === undefined ? 'All databases' : `Only ${own.join(', ')}`;
  const text = chosen.length === 0 ? whole : chosen.length === 1 ? chosen[0] : `${chosen.length} databases`;
  return (
    <Popover
      label={
        <>
          <Icon name="database" />
          <span class="strong clip">{text}</span>
          <Icon name="down" />
        </>
      }
    >
      {() => <DatabaseList chosen={chosen} />}
    </Popover>
  );
}

function DatabaseList({ chosen }: { readonly chosen: readonly string[] }): JSX.Element {
  const answer = useAnswer<Entities>('/entities', { kind: 'database', t: scopeParams()['t'] });
  const own = ownDatabases.value;
  const toggle = (name: string): void => {
    const next = chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name];
    setParams({ db: next.join(','), w: undefined });
  };
  return (
    <Answered answer={answer} lines={3}>
      {(data) => (
        <ul class="menu">
          <li>
            <button type="button" class="button plain" onClick={() => setParams({ db: undefined, w: undefined })}>
              {own === undefined ? 'All databases' : 'All that are yours to see'}
            </button>
          </li>
          {own !== undefined && (
            <li class="menu-line small muted">
              Your rights are limited to {own.join(', ')}; all numbers are of these.
            </li>
          )}
          {data.items
            .filter((item) => item.value !== '' && !item.value.includes(','))
            .map((item) => (
              <li key={item.value}>
                <label class="check menu-line">
                  <input type="checkbox" checked={chosen.includes(item.value)} onChange={() => toggle(item.value)} />
                  <span class="grow clip">{item.value}</span>
                  <span class="muted small">{formatCount(item.count)}</span>
                </label>
              </li>
            ))}
        </ul>
      )}
    </Answered>
  );
}

function PinMenu(): JSX.Element {
  useEffect(() => void loadPins(), []);
  const count = pins.value?.pins.length ?? 0;
  return (
    <Popover
      align="right"
      class="button plain"
      name={`Pinned records: ${count}`}
      label={
        <>
          <Icon name="pin" />
          {count > 0 && <span class="small num">{formatCount(count)}</span>}
        </>
      }
    >
      {(close) => <PinList onGo={close} />}
    </Popover>
  );
}

const NEXT_THEME: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

function ThemeButton(): JSX.Element {
  const now = theme.value;
  const name = `Colours: ${now === 'system' ? 'auto' : now}`;
  return (
    <button
      type="button"
      class="button plain narrow-off"
      aria-label={name}
      title={name}
      onClick={() => setTheme(NEXT_THEME[now])}
    >
      <Icon name={now === 'dark' ? 'moon' : 'sun'} />
      {now === 'system' && <span class="small muted">auto</span>}
    </button>
  );
}

function AccountMenu(): JSX.Element {
  const [leaving, setLeaving] = useState(false);
  const person = session.value?.person;
  return (
    <Popover
      align="right"
      class="button plain"
      label={
        <>
          <Icon name="account" />
          <span class="strong narrow-away">{person?.name}</span>
          <span class="muted small wide-only">{person?.role}</span>
        </>
      }
    >
      {(close) => (
        <ul class="menu">
          <li>
            <a class="button plain" href={linkTo('/account')} onClick={close}>
              <Icon name="lock" /> Password and second factor
            </a>
          </li>
          <li>
            <button
              type="button"
              class="button plain"
              disabled={leaving}
              onClick={() => {
                setLeaving(true);
                void signOut();
              }}
            >
              <Icon name="out" /> Sign out
            </button>
          </li>
        </ul>
      )}
    </Popover>
  );
}
