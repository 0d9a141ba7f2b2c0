/** What stays around every page: rail with the pages, bar with scope and account, pane with the open statement. */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { type KeyBinding, useKeys } from '../base/keys.ts';
import { echo } from '../base/scope.ts';
import { may, session } from '../base/session.ts';
import { readSetting, writeSetting } from '../base/settings.ts';
import { go, linkTo, patched, place, setParams } from '../base/url.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { KeyHelp } from './key-help.tsx';
import { lazy } from './lazy.tsx';
import { TopBar } from './top-bar.tsx';

/** Pages without a query leave pinned conditions in the address, for the next one that has it. */
function railLink(item: RailItem): string {
  return linkTo(item.path, item.asks === true ? { q: place.value.params.get('pin') ?? undefined } : {});
}

interface RailItem {
  readonly path: string;
  readonly text: string;
  readonly icon: IconName;
  readonly key: string;
  /** It has a query. */
  readonly asks?: true;
  /** Paths below which the item counts as the present one. */
  readonly also?: readonly string[];
}

const RAIL: readonly RailItem[] = [
  { path: '/', text: 'Overview', icon: 'overview', key: 'o', asks: true },
  { path: '/live', text: 'Live', icon: 'live', key: 'l', asks: true },
  { path: '/search', text: 'Search', icon: 'search', key: 's', asks: true, also: ['/statements/'] },
  { path: '/sessions', text: 'Sessions', icon: 'sessions', key: 'e', asks: true, also: ['/sessions/'] },
  {
    path: '/entities',
    text: 'Users, objects',
    icon: 'database',
    key: 'b',
    asks: true,
    also: ['/users/', '/objects/', '/databases/'],
  },
  { path: '/alerts', text: 'Alerts', icon: 'alerts', key: 'a', asks: true },
  { path: '/policies', text: 'Policies', icon: 'policies', key: 'p' },
  { path: '/sensors', text: 'Coverage', icon: 'sensors', key: 'c' },
  { path: '/reports', text: 'Reports', icon: 'reports', key: 'r' },
  { path: '/people', text: 'People', icon: 'people', key: 'u' },
];

const FOLDED = 'railFolded';
const StatementPane = lazy(() => import('../pages/statement-pane.tsx'));

export function Frame({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  const [help, setHelp] = useState(false);
  const openId = place.value.params.get('id') ?? undefined;
  useKeys([...pageKeys(), ...barKeys(() => setHelp(true))], []);
  return (
    <div class={openId === undefined ? 'frame' : 'frame with-pane'}>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Rail />
      <TopBar onHelp={() => setHelp(true)} />
      <main id="main" tabIndex={-1}>
        <h1 class="away">{title}</h1>
        {children}
        <p class="print-foot">
          {location.href} · Wiretrail {session.value?.version} · printed by {session.value?.person?.name}
        </p>
      </main>
      {openId !== undefined && <StatementPane key="pane" params={{ id: openId }} />}
      {help && <KeyHelp onClose={() => setHelp(false)} />}
    </div>
  );
}

function Rail(): JSX.Element {
  const [folded, setFolded] = useState(readSetting(FOLDED) === 'yes');
  const path = place.value.path;
  const fold = (): void => {
    writeSetting(FOLDED, folded ? undefined : 'yes');
    setFolded(!folded);
  };
  return (
    <nav class={folded ? 'rail folded' : 'rail'} aria-label="Pages">
      <a class="brand" href={linkTo('/')} aria-label="Wiretrail, overview">
        <img src="/icon.svg" alt="" width="24" height="24" />
        <span>Wiretrail</span>
      </a>
      <ul>
        {RAIL.filter((item) => item.path !== '/people' || may('auditor')).map((item) => {
          const here = path === item.path || item.also?.some((prefix) => path.startsWith(prefix)) === true;
          return (
            <li key={item.path}>
              <a href={railLink(item)} aria-current={here ? 'page' : undefined} title={folded ? item.text : undefined}>
                <Icon name={item.icon} />
                <span>{item.text}</span>
              </a>
            </li>
          );
        })}
      </ul>
      <button
        type="button"
        class="button plain fold"
        aria-pressed={folded}
        aria-label="Fold the rail"
        title="Fold the rail"
        onClick={fold}
      >
        <Icon name="fold" />
      </button>
    </nav>
  );
}

function pageKeys(): KeyBinding[] {
  return RAIL.map((item) => ({ keys: `g ${item.key}`, label: `Go to ${item.text}`, run: () => go(railLink(item)) }));
}

function barKeys(showHelp: () => void): KeyBinding[] {
  return [
    { keys: '/', label: 'Query', run: focusQuery },
    { keys: 't', label: 'Time range', run: () => press('time') },
    { keys: '?', label: 'These keys', run: showHelp },
    { keys: 'y', label: 'Copy the link to this view', run: () => void copyLink() },
    { keys: 'z', label: 'Undo the last narrowing', run: () => history.back() },
    { keys: 'Escape', label: 'Back one layer', run: closePane },
  ];
}

function focusQuery(): void {
  const field = document.querySelector<HTMLInputElement>('[data-query]');
  if (field === null) go(linkTo('/search'));
  else field.focus();
}

function press(anchor: string): void {
  document.querySelector<HTMLElement>(`[data-anchor="${anchor}"]`)?.click();
}

/** With the time as it is now, in absolute terms: who follows the link tomorrow sees the same. */
async function copyLink(): Promise<void> {
  const asked = echo.value;
  const href = asked === undefined ? location.href : patched({ t: `${asked.from}/${asked.to}` });
  await navigator.clipboard.writeText(new URL(href, location.origin).href);
}

function closePane(): void {
  if (place.value.params.has('id')) setParams({ id: undefined });
}
