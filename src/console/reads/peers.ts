/**
 * Reading threads help each other: what one question needs of the sealed segments is offered to all of them, to each its
 * share. Who asks waits for a thread that has nothing else to do, even when its own share is done: the other has at hand
 * what it made for the question before. Of a thread that is busy with a question of its own the offer is withdrawn.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Query } from '../../query/filter.ts';
import type { GroupBy } from '../../store/totals/aggregate.ts';
import type { GroupPeer, PeerGroups } from '../../store/totals/grouping.ts';
import type { PeakPeer, PeakQuestion, PeerPeaks } from './greatest.ts';

/** What another thread can be asked for, of some sealed segments. */
export type PeerWork = { readonly paths: readonly string[] } & (
  | { readonly kind: 'groups'; readonly query: Query; readonly by: GroupBy }
  | { readonly kind: 'peaks'; readonly question: PeakQuestion }
);

export type PeerAnswer = PeerGroups | PeerPeaks;

interface Offer {
  readonly id: number;
  /** One word, shared. */
  readonly state: Int32Array;
  readonly work: PeerWork;
}

/** `answer` is absent when the work could not be done: the asker tries itself, and meets the reason. */
interface Answer {
  readonly id: number;
  readonly answer: PeerAnswer | undefined;
}

const OFFERED = 0;
const TAKEN = 1;
const WITHDRAWN = 2;
const DONE = 3;
/** A thread that takes longer than that for a share has ended, or might as well have. */
const WAIT_MS_MAX = 3000;
/** How long a thread with nothing to do may take to see an offer, and how often one looks whether it has something to do. */
const SEEN_MS_MAX = 50;
const LOOK_MS = 5;

/** The way to one other thread. Both ends are used alike. */
export class Peer implements GroupPeer, PeakPeer {
  private readonly port: MessagePort;
  private readonly isBusy: () => boolean;
  private offers = 0;

  /** `work` does what the other thread asks for; it may throw. `isBusy`: whether the other has a question of its own. */
  constructor(port: MessagePort, work: (work: PeerWork) => PeerAnswer, isBusy: () => boolean) {
    this.port = port;
    this.isBusy = isBusy;
    port.on('message', (message: Offer | Answer) => {
      if ('work' in message) serve(port, message, work);
    });
  }

  offerGroups(query: Query, by: GroupBy, paths: readonly string[]): () => PeerGroups | undefined {
    const fetch = this.offer({ kind: 'groups', query, by, paths });
    return () => {
      const answer = fetch();
      return answer !== undefined && 'groups' in answer ? answer : undefined;
    };
  }

  offerPeaks({
    paths,
    ...question
  }: PeakQuestion & { readonly paths: readonly string[] }): () => PeerPeaks | undefined {
    const fetch = this.offer({ kind: 'peaks', question, paths });
    return () => {
      const answer = fetch();
      return answer !== undefined && 'peaks' in answer ? answer : undefined;
    };
  }

  private offer(work: PeerWork): () => PeerAnswer | undefined {
    if (work.paths.length === 0) return () => undefined;
    const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const id = this.offers++;
    this.port.postMessage({ id, state, work } satisfies Offer);
    return () => this.fetch(id, state);
  }

  private fetch(id: number, state: Int32Array): PeerAnswer | undefined {
    for (let waitedMs = 0; waitedMs < SEEN_MS_MAX && !this.isBusy(); waitedMs += LOOK_MS) {
      if (Atomics.wait(state, 0, OFFERED, LOOK_MS) !== 'timed-out') break;
    }
    if (Atomics.compareExchange(state, 0, OFFERED, WITHDRAWN) === OFFERED) return undefined;
    if (Atomics.wait(state, 0, TAKEN, WAIT_MS_MAX) === 'timed-out') return undefined;
    // Before the answer there may be late ones, and offers that the other withdrew before it took this one.
    for (;;) {
      const received = receiveMessageOnPort(this.port) as { readonly message: Offer | Answer } | undefined;
      if (received === undefined) return undefined;
      const { message } = received;
      if ('answer' in message && message.id === id) return message.answer;
    }
  }
}

function serve(port: MessagePort, { id, state, work }: Offer, doWork: (work: PeerWork) => PeerAnswer): void {
  if (Atomics.compareExchange(state, 0, OFFERED, TAKEN) !== OFFERED) return;
  Atomics.notify(state, 0);
  let answer: PeerAnswer | undefined;
  try {
    answer = doWork(work);
  } catch {
    answer = undefined;
  }
  port.postMessage({ id, answer } satisfies Answer);
  Atomics.store(state, 0, DONE);
  Atomics.notify(state, 0);
}
