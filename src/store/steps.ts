/** Work that can be watched and given up: a generator that yields how far it is and returns the result. */

export interface Progress {
  /** Records gone through, and all that may have to be. */
  readonly done: number;
  readonly total: number;
}

export type Steps<T> = Generator<Progress, T, void>;

/** Does all the work at once. */
export function finish<T>(steps: Generator<unknown, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

export interface Watch {
  /** Ends the work when it is aborted; the promise is rejected with its reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Longest time without giving other work of the thread its turn. */
  readonly sliceMs?: number | undefined;
}

const SLICE_MS = 15;

/** Does the work a slice at a time, so that the thread stays responsive. */
export async function finishInSlices<T>(
  steps: Steps<T>,
  { signal, onProgress, sliceMs = SLICE_MS }: Watch = {},
): Promise<T> {
  try {
    for (let sliceEndMs = performance.now() + sliceMs; ; ) {
      signal?.throwIfAborted();
      const step = steps.next();
      if (step.done === true) return step.value;
      if (performance.now() < sliceEndMs) continue;
      onProgress?.(step.value);
      await new Promise<void>((resolve) => setImmediate(resolve));
      sliceEndMs = performance.now() + sliceMs;
    }
  } finally {
    // Gives segments back when the work was given up; does nothing when it came to its end.
    steps.return(undefined as never);
  }
}
