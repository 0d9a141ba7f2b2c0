/** What stands where data should: still coming, refused, nothing there. */
import type { ComponentChildren, JSX } from 'preact';
import { type Answer, queryProblem } from '../base/answer.ts';
import type { ApiProblem } from '../base/api.ts';
import { ownDatabases } from '../base/session.ts';
import { Icon } from './icon.tsx';

/** Grey shapes; they appear only after a while (style sheet), so that quick answers do not flicker. */
export function Skeleton({ lines = 6 }: { readonly lines?: number }): JSX.Element {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}

export function ProblemNote({
  problem,
  retry,
}: {
  readonly problem: ApiProblem;
  readonly retry?: () => void;
}): JSX.Element {
  return (
    <div class="note bad-note" role="alert">
      <p>{problem.message}</p>
      {problem.id !== undefined && <p class="small muted">Reference for support: {problem.id}</p>}
      {retry !== undefined && problem.status !== 403 && problem.status !== 400 && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({
  title,
  ofRecords,
  children,
}: {
  readonly title: string;
  /** Rights may be why there are none. */
  readonly ofRecords?: boolean;
  readonly children?: ComponentChildren;
}): JSX.Element {
  const own = ofRecords === true ? ownDatabases.value : undefined;
  return (
    <div class="empty">
      <Icon name="search" />
      <p class="strong">{title}</p>
      {children !== undefined && <div class="muted">{children}</div>}
      {own !== undefined && <p class="muted">Only records of {own.join(', ')} are yours to see.</p>}
    </div>
  );
}

/** One answer's states; the old answer stays, greyed, while a new one is on its way or was refused. */
export function Answered<T>(props: {
  readonly answer: Answer<T>;
  readonly lines?: number;
  readonly children: (data: T) => ComponentChildren;
}): JSX.Element {
  const { answer } = props;
  const isOfQuery = queryProblem(answer) !== undefined;
  return (
    <>
      {answer.problem !== undefined && !isOfQuery && <ProblemNote problem={answer.problem} retry={answer.reload} />}
      {answer.data === undefined ? (
        answer.problem === undefined && <Skeleton lines={props.lines ?? 6} />
      ) : (
        <div
          class={answer.stale || answer.problem !== undefined ? 'answered old' : 'answered'}
          aria-busy={answer.loading}
        >
          {props.children(answer.data)}
        </div>
      )}
    </>
  );
}
