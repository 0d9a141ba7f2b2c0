/** Answers of the API as state of a component: asked again when the question changes, the old answer kept meanwhile. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { AGAIN_MS, ApiProblem, apiUrl, ask, type Params } from './api.ts';

export interface Answer<T> {
  /** Latest answer; of an earlier question while `stale`. */
  readonly data: T | undefined;
  readonly problem: ApiProblem | undefined;
  readonly loading: boolean;
  readonly stale: boolean;
  reload(): void;
}

interface State<T> {
  readonly url: string | undefined;
  readonly data: T | undefined;
  readonly problem: ApiProblem | undefined;
  readonly loading: boolean;
}

/** Asks `path` with `params` while the component is shown; nothing as long as `path` is absent. */
export function useAnswer<T>(path: string | undefined, params: Params = {}): Answer<T> {
  const url = path === undefined ? undefined : apiUrl(path, params);
  const [state, setState] = useState<State<T>>({ url: undefined, data: undefined, problem: undefined, loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (path === undefined || url === undefined) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    setState((before) => ({ ...before, loading: true }));
    ask<T>(path, params, abort.signal).then(
      (data) => setState({ url, data, problem: undefined, loading: false }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const problem = problemFrom(error);
        setState((before) => ({ ...before, problem, loading: false }));
        if (problem.code === 'unreachable') timer = setTimeout(() => setTurn((before) => before + 1), AGAIN_MS);
      },
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [url, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const behind = state.url !== url;
  return {
    data: state.data,
    problem: state.problem,
    // Said from the first frame of a new question on, not only when its request has been sent.
    loading: url !== undefined && (state.loading || (behind && state.problem === undefined)),
    stale: state.data !== undefined && behind,
    reload,
  };
}

/** What is wrong with the query itself: the query field says it, at its place. */
export function queryProblem({ problem }: Pick<Answer<unknown>, 'problem'>): ApiProblem | undefined {
  return problem?.column === undefined ? undefined : problem;
}

export function problemFrom(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiProblem(0, { code: 'browser', message });
}
