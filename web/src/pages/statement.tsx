/** One statement as a page of its own. */
import type { JSX } from 'preact';
import type { PageProps } from '../frame/lazy.tsx';
import { StatementCard } from './statement/card.tsx';

export default function StatementPage({ params }: PageProps): JSX.Element {
  const id = params['id'] ?? '';
  return (
    <div class="reading-width">
      <StatementCard key={id} id={id} />
    </div>
  );
}
