/** Views of one page, of which one is shown; arrow keys move between them. */
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';

export function Tabs<I extends string>(props: {
  readonly label: string;
  readonly tabs: readonly { readonly id: I; readonly text: string; readonly count?: number }[];
  readonly chosen: I;
  readonly onChoose: (id: I) => void;
}): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const index = props.tabs.findIndex((tab) => tab.id === props.chosen);
    const next = (index + step + props.tabs.length) % props.tabs.length;
    const tab = props.tabs[next];
    if (tab !== undefined) props.onChoose(tab.id);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <div ref={list} class="tabs no-print" role="tablist" aria-label={props.label} onKeyDown={move}>
      {props.tabs.map((tab) => (
        <button
          key={tab.id}
          type="button"
          role="tab"
          aria-selected={tab.id === props.chosen}
          tabIndex={tab.id === props.chosen ? 0 : -1}
          onClick={() => props.onChoose(tab.id)}
        >
          {tab.text}
          {tab.count !== undefined && <span class="tab-count">{tab.count}</span>}
        </button>
      ))}
    </div>
  );
}
