/**
 * Rows of one question by position, in blocks: asked for when they come into view, a bounded number kept. A block that is
 * no longer wanted when its turn comes is not asked for, so that a long drag of the scroll bar costs a few requests.
 */
const BLOCK_ROWS = 100;
const BLOCKS_MAX = 80;
const REQUESTS_MAX = 2;
/** What could not be loaded is asked for again after that long, while it is in view. */
const AGAIN_MS = 2000;

export type LoadRows<R> = (position: number, limit: number, signal: AbortSignal) => Promise<readonly R[]>;

export class RowCache<R> {
  private readonly load: LoadRows<R>;
  private readonly blocks = new Map<number, readonly R[]>();
  private readonly running = new Map<number, AbortController>();
  private readonly failed = new Set<number>();
  private readonly listeners = new Set<() => void>();
  private wanted: readonly number[] = [];

  constructor(load: LoadRows<R>, firstRows: readonly R[] = []) {
    this.load = load;
    if (firstRows.length > 0) this.blocks.set(0, firstRows);
  }

  at(index: number): R | undefined {
    return this.blocks.get(Math.floor(index / BLOCK_ROWS))?.[index % BLOCK_ROWS];
  }

  /** Rows that are on the screen: `[first, end)`. */
  want(first: number, end: number): void {
    const blocks: number[] = [];
    for (let block = Math.floor(first / BLOCK_ROWS); block * BLOCK_ROWS < end; block++) blocks.push(block);
    this.wanted = blocks;
    for (const [block, abort] of this.running) if (!blocks.includes(block)) abort.abort();
    this.failed.clear();
    this.next();
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) for (const abort of this.running.values()) abort.abort();
    };
  }

  private next(): void {
    for (const block of this.wanted) {
      if (this.running.size >= REQUESTS_MAX) return;
      if (this.blocks.has(block) || this.running.has(block) || this.failed.has(block)) continue;
      void this.fetch(block);
    }
  }

  private async fetch(block: number): Promise<void> {
    const abort = new AbortController();
    this.running.set(block, abort);
    try {
      this.keep(block, await this.load(block * BLOCK_ROWS, BLOCK_ROWS, abort.signal));
    } catch {
      if (!abort.signal.aborted) this.fail(block);
    } finally {
      this.running.delete(block);
      this.next();
    }
  }

  private fail(block: number): void {
    this.failed.add(block);
    setTimeout(() => {
      this.failed.delete(block);
      if (this.listeners.size > 0) this.next();
    }, AGAIN_MS);
  }

  private keep(block: number, rows: readonly R[]): void {
    this.blocks.set(block, rows);
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= BLOCKS_MAX) break;
      if (!this.wanted.includes(oldest)) this.blocks.delete(oldest);
    }
    for (const listener of this.listeners) listener();
  }
}
