/** How the engine manages memory. Flags are those of the process: they hold for all its threads. */
import { setFlagsFromString } from 'node:v8';

/**
 * V8 notes which places of the code make objects that live long, and makes theirs in the old generation at once. A full
 * collection in the middle of traffic leads it astray: what was made since its marking began counts as alive, so places
 * whose objects live for one packet are taken for such. From then on every collection of the young generation copies
 * half of it: 15 % more instructions, and 250 MiB at the most in place of 130, in every other replay of the bench's
 * capture. Without these notes nothing became slower. To be called when the program is loaded: what V8 and Node.js keep
 * of compiled code is taken only under the flags that it was made under.
 */
export function forgetLongLived(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}

/** Of `forgetLongLived`, as it is when a process begins. */
export function noteLongLived(): void {
  setFlagsFromString('--allocation-site-pretenuring');
}

/**
 * Runs `work`, which is short and done once, without the optimising compiler: it takes what runs a thousand times for
 * hot, and to optimise the reader of YAML takes twice the time of reading all policies by it.
 */
export function withoutOptimizing<T>(work: () => T): T {
  setFlagsFromString('--no-opt');
  try {
    return work();
  } finally {
    setFlagsFromString('--opt');
  }
}
