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
  /** The text was searched for in a call that was not understood. */
  doubtful = false;
  isQuery = false;
  isPlsql = false;
  /** Handed out by a block or a query (REF CURSOR, implicit result); the text is that one's. */
  returned = false;
  /** Its query was not seen. */
  unseen = false;
  /** A query whose rows are not all fetched: emitted when they are, or the cursor is closed or executed again. */
  open: StatementEvent | undefined = undefined;
}

/** Characters of text that one session's cursors may hold. */
const TEXT_UNITS_MAX = 8 * 1024 * 1024;

/** Text never changes once an entry is in the table. */
function unitsOf(entry: CursorEntry): number {
  return entry.text?.length ?? 0;
}

/** Least recently used first. `evicted` counts what the limit cost. */
export class CursorTable {
  evicted = 0;
  private readonly entries = new Map<number, CursorEntry>();
  private readonly limit: number;
  private textUnits = 0;

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

  /** Stores; `gone` receives the entry that is replaced, and the oldest ones while the table is full. */
  set(id: number, entry: CursorEntry, gone: (entry: CursorEntry) => void): void {
    const replaced = this.take(id);
    if (replaced !== undefined && replaced !== entry) gone(replaced);
    this.entries.set(id, entry);
    this.textUnits += unitsOf(entry);
    while (this.entries.size > this.limit || this.textUnits > TEXT_UNITS_MAX) {
      const [oldest] = this.entries.keys();
      const evicted = oldest === undefined ? undefined : this.take(oldest);
      if (evicted === undefined) return;
      this.evicted++;
      gone(evicted);
    }
  }

  take(id: number): CursorEntry | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    this.entries.delete(id);
    this.textUnits -= unitsOf(entry);
    return entry;
  }

  all(): Iterable<CursorEntry> {
    return this.entries.values();
  }

  clear(): void {
    this.entries.clear();
    this.textUnits = 0;
  }
}
