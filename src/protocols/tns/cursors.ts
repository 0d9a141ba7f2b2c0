/** Cursors of one session: what text and binds an id stands for, and the query that still fetches from it. */
import type { StatementEvent } from '../../contracts/event.ts';
import type { BindType } from './values.ts';

export class CursorEntry {
  text: string | undefined = undefined;
  textLength: number | undefined = undefined;
  textSha256: string | undefined = undefined;
  binds: readonly BindType[] | undefined = undefined;
  /** Of each bind: 16 out, 32 in, 48 both; known once a PL/SQL block was answered. */
  directions: readonly number[] | undefined = undefined;
  isQuery = false;
  isPlsql = false;
  /** A query whose rows are not all fetched: emitted when they are, or the cursor is closed or executed again. */
  open: StatementEvent | undefined = undefined;
}

/** Least recently used first. `evicted` counts what the limit cost. */
export class CursorTable {
  evicted = 0;
  private readonly entries = new Map<number, CursorEntry>();
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get(id: number): CursorEntry | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    this.entries.delete(id);
    this.entries.set(id, entry);
    return entry;
  }

  /** Reads without counting as use. */
  peek(id: number): CursorEntry | undefined {
    return this.entries.get(id);
  }

  /** Stores, and returns the entry that had to go: the one replaced, or the oldest when the table is full. */
  set(id: number, entry: CursorEntry): CursorEntry | undefined {
    const replaced = this.entries.get(id);
    this.entries.delete(id);
    this.entries.set(id, entry);
    if (replaced !== undefined && replaced !== entry) return replaced;
    if (this.entries.size <= this.limit) return undefined;
    const [oldest] = this.entries;
    if (oldest === undefined) return undefined;
    this.entries.delete(oldest[0]);
    this.evicted++;
    return oldest[1];
  }

  take(id: number): CursorEntry | undefined {
    const entry = this.entries.get(id);
    this.entries.delete(id);
    return entry;
  }

  all(): Iterable<CursorEntry> {
    return this.entries.values();
  }

  clear(): void {
    this.entries.clear();
  }
}
