/** The stream of `GET /live` as state: rows newest first in a bounded list, drawn at most a few times a second. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { LiveCounts } from '#src/console/api/live.js';
import type { Row } from '#src/console/api/records.js';
import { problemFrom } from '../../base/answer.ts';
import { type ApiProblem, apiUrl, ask, type Params } from '../../base/api.ts';

const ROWS_KEPT = 300;
/** Rows are drawn together, so that a burst costs a few redraws. */
const DRAW_EVERY_MS = 200;

export type TailState = 'connecting' | 'open' | 'cut';

export interface Tail {
  readonly rows: readonly Row[];
  readonly counts: LiveCounts | undefined;
  readonly state: TailState;
  /** When the stream was last heard, in milliseconds since 1970. */
  readonly lastAt: number | undefined;
  readonly paused: boolean;
  readonly pausedAt: number | undefined;
  /** Rows received while paused. */
  readonly waiting: number;
  readonly problem: ApiProblem | undefined;
  pause(): void;
  resume(): void;
}

/** The newest `ROWS_KEPT` of what was there and what came, newest first, each row once. */
export function merged(before: readonly Row[], arrived: readonly Row[]): readonly Row[] {
  const rows: Row[] = [];
  const seen = new Set<string>();
  for (const row of [...[...arrived].reverse(), ...before]) {
    if (rows.length >= ROWS_KEPT) break;
    if (seen.has(row.id)) continue;
    seen.add(row.id);
    rows.push(row);
  }
  return rows;
}

export function useTail(params: Params): Tail {
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [counts, setCounts] = useState<LiveCounts | undefined>(undefined);
  const [state, setState] = useState<TailState>('connecting');
  const [lastAt, setLastAt] = useState<number | undefined>(undefined);
  const [pausedAt, setPausedAt] = useState<number | undefined>(undefined);
  const [waiting, setWaiting] = useState(0);
  const [problem, setProblem] = useState<ApiProblem | undefined>(undefined);
  const held = useRef<Row[]>([]);
  const paused = useRef(false);
  const url = apiUrl('/live', params);

  const flush = (): void => {
    if (held.current.length === 0) return;
    const arrived = held.current;
    held.current = [];
    setRows((before) => merged(before, arrived));
    setWaiting(0);
  };
  useEffect(() => {
    setRows([]);
    setCounts(undefined);
    setState('connecting');
    setProblem(undefined);
    held.current = [];
    let waitingNow = 0;
    const source = new EventSource(url);
    source.addEventListener('open', () => setState('open'));
    source.addEventListener('error', () => {
      setState('cut');
      if (source.readyState === EventSource.CLOSED) void whyRefused(params).then(setProblem);
    });
    source.addEventListener('row', (event: MessageEvent<string>) => {
      held.current.push(JSON.parse(event.data) as Row);
      if (held.current.length > ROWS_KEPT) held.current.shift();
      waitingNow++;
    });
    source.addEventListener('counts', (event: MessageEvent<string>) => {
      setState('open');
      setLastAt(Date.now());
      setCounts(JSON.parse(event.data) as LiveCounts);
    });
    const timer = setInterval(() => {
      if (paused.current) setWaiting(waitingNow);
      else {
        waitingNow = 0;
        flush();
      }
    }, DRAW_EVERY_MS);
    return () => {
      clearInterval(timer);
      source.close();
    };
  }, [url]);
  return {
    rows,
    counts,
    state,
    lastAt,
    paused: pausedAt !== undefined,
    pausedAt,
    waiting,
    problem,
    pause: () => {
      if (paused.current) return;
      paused.current = true;
      setPausedAt(Date.now());
    },
    resume: () => {
      paused.current = false;
      setPausedAt(undefined);
      flush();
    },
  };
}

/** An event stream does not say why it was refused; the same question as a count does. */
async function whyRefused(params: Params): Promise<ApiProblem | undefined> {
  try {
    await ask('/count', params);
    return undefined;
  } catch (error) {
    return problemFrom(error);
  }
}
