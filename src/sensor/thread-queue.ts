/**
 * Bounds what is under way from one thread to another: messages between threads wait in memory without a limit of their
 * own. The count lives in memory that both threads share.
 */
const WORD_UNDER_WAY = 0;
const WORD_DROPPED = 1;

export class ThreadQueue {
  readonly shared: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly max: number;

  /** `max`: items under way at most. `shared`: of the queue's other end. */
  constructor(max: number, shared: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.max = max;
    this.shared = shared;
    this.words = new Int32Array(shared);
  }

  /** False when the queue is full; that is counted. */
  enter(): boolean {
    const hasRoom = Atomics.load(this.words, WORD_UNDER_WAY) < this.max;
    Atomics.add(this.words, hasRoom ? WORD_UNDER_WAY : WORD_DROPPED, 1);
    return hasRoom;
  }

  leave(count = 1): void {
    Atomics.sub(this.words, WORD_UNDER_WAY, count);
  }

  get dropped(): number {
    return Atomics.load(this.words, WORD_DROPPED);
  }
}
