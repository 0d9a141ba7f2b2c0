/** The statement beside the page it was opened from; Escape closes it, `o` makes it a page. */
import type { JSX } from 'preact';
import { linkTo, segment, setParams } from '../base/url.ts';
import type { PageProps } from '../frame/lazy.tsx';
import { Icon } from '../ui/icon.tsx';
import { StatementCard } from './statement/card.tsx';

export default function StatementPane({ params }: PageProps): JSX.Element {
  const id = params['id'] ?? '';
  return (
    <aside class="pane" aria-label="Statement">
      <div class="pane-head no-print">
        <a
          class="button plain"
          href={linkTo(`/statements/${segment(id)}`)}
          title="As a page (o)"
          aria-label="As a page"
        >
          <Icon name="expand" />
        </a>
        <button
          type="button"
          class="button plain"
          title="Close (Esc)"
          aria-label="Close"
          onClick={() => setParams({ id: undefined })}
        >
          <Icon name="close" />
        </button>
      </div>
      <StatementCard key={id} id={id} />
    </aside>
  );
}
