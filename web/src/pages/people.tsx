/** People, their roles, tokens for scripts, and the trail of what was done in the console. */
import type { JSX } from 'preact';
import { may } from '../base/session.ts';
import { place, setParams } from '../base/url.ts';
import { Tabs } from '../ui/tabs.tsx';
import { PeoplePanel } from './people/people-panel.tsx';
import { TokensPanel } from './people/tokens-panel.tsx';
import { TrailPanel } from './people/trail-panel.tsx';

type Tab = 'people' | 'tokens' | 'trail';
const TABS: readonly { readonly id: Tab; readonly text: string }[] = [
  { id: 'people', text: 'People' },
  { id: 'tokens', text: 'Tokens for scripts' },
  { id: 'trail', text: 'What was done' },
];

export default function People(): JSX.Element {
  const tabs = may('administrator') ? TABS : TABS.filter((tab) => tab.id === 'trail');
  const tab = tabs.find((one) => one.id === place.value.params.get('tab'))?.id ?? tabs[0]?.id ?? 'trail';
  if (!may('auditor'))
    return <p class="note">Your role does not include people and rights; an administrator can change that.</p>;
  return (
    <>
      <Tabs
        label="People and rights"
        tabs={tabs}
        chosen={tab}
        onChoose={(id) => setParams({ tab: id === tabs[0]?.id ? undefined : id })}
      />
      {tab === 'people' && <PeoplePanel />}
      {tab === 'tokens' && <TokensPanel />}
      {tab === 'trail' && <TrailPanel />}
    </>
  );
}
