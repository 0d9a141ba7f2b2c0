/** The card that stands before the console: sign-in, first start, invitation. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { session } from '../base/session.ts';

export function Door({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  useEffect(() => {
    document.title = `${title} · Wiretrail`;
  }, [title]);
  return (
    <main class="door">
      <div class="door-card">
        <p class="door-brand">
          <img src="/icon.svg" alt="" width="32" height="32" /> Wiretrail
        </p>
        <h1>{title}</h1>
        {children}
      </div>
      <p class="small muted">Database audit console {session.value?.version}. Every sign-in is recorded.</p>
    </main>
  );
}
