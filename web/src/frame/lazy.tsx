/** A page whose code is loaded when it is first shown. */
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiProblem } from '../base/api.ts';
import { ProblemNote, Skeleton } from '../ui/states.tsx';

export interface PageProps {
  /** Values of the path's `:name` parts. */
  readonly params: Readonly<Record<string, string>>;
}

interface PageModule {
  readonly default: ComponentType<PageProps>;
}

export function lazy(load: () => Promise<PageModule>): (props: PageProps) => JSX.Element {
  let loaded: ComponentType<PageProps> | undefined;
  return function LazyPage(props: PageProps): JSX.Element {
    const [, setReady] = useState(loaded !== undefined);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded !== undefined) return;
      load().then(
        (module) => {
          loaded = module.default;
          setReady(true);
        },
        () => setFailed(true),
      );
    }, []);
    if (failed) return <ProblemNote problem={LOST} retry={() => location.reload()} />;
    const Page = loaded;
    return Page === undefined ? <Skeleton /> : <Page {...props} />;
  };
}

const LOST = new ApiProblem(0, {
  code: 'unreachable',
  message: 'This page could not be loaded. The console may have been updated or stopped; load the page again.',
});
