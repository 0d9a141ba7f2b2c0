/** What a session remembers by name: prepared statements and portals, both bounded in number and in bytes. */
import type { StatementEvent } from '../../contracts/event.ts';
import { HANDLE_BYTES_MAX, LIMITS } from './limits.ts';

/** A prepared statement as Parse described it. */
export class Statement {
  readonly text: string;
  textLength: number | undefined = undefined;
  textSha256: string | undefined = undefined;
  /** Type OIDs of the parameters; 0 where the client left the choice to the server and its answer was not seen. */
  types: readonly number[];
  /** Whether executing it returns rows, as Describe told; `undefined` while nobody asked. */
  returnsRows: boolean | undefined = undefined;
  /** `MARK_*` bits that every execution inherits. */
  marks = 0;
  /** `Session.requestLosses` when it was prepared. */
  readonly losses: number;
  readonly weight: number;
  constructor(text: string, types: readonly number[], losses: number) {
    this.text = text;
    this.types = types;
    this.losses = losses;
    this.weight = 128 + text.length + 8 * types.length;
  }
}

/** A statement with its values, made by Bind. Its event is emitted when its execution ends. */
export class Portal {
  readonly name: string;
  readonly statement: Statement | undefined;
  /** `undefined` once emitted. */
  event: StatementEvent | undefined;
  readonly weight: number;
  /** `PendingQueue.boundariesQueued` when it was bound: a transaction that ends before that many did is an earlier one. */
  readonly boundary: number;
  /** Execute messages whose reply is awaited. */
  executing = 0;
  /** An Execute was answered with PortalSuspended: there is more to fetch. */
  suspended = false;
  /** Its name is gone: nobody can execute it any more. */
  detached = false;
  constructor(name: string, statement: Statement | undefined, event: StatementEvent, weight: number, boundary: number) {
    this.name = name;
    this.statement = statement;
    this.event = event;
    this.weight = weight;
    this.boundary = boundary;
  }
}

/** A map that forgets the least recently used entries when there are too many or they are too large. */
export class HandleTable<T extends { readonly weight: number }> {
  private readonly entries = new Map<string, T>();
  private bytes = 0;
  /** Entries forgotten because there was no room. */
  evicted = 0;

  get size(): number {
    return this.entries.size;
  }

  /** Looks `name` up and makes it the most recently used. */
  use(name: string): T | undefined {
    const entry = this.entries.get(name);
    if (entry === undefined) return undefined;
    this.entries.delete(name);
    this.entries.set(name, entry);
    return entry;
  }

  set(name: string, entry: T): void {
    this.delete(name);
    this.entries.set(name, entry);
    this.bytes += name.length + entry.weight;
  }

  delete(name: string): T | undefined {
    const entry = this.entries.get(name);
    if (entry === undefined) return undefined;
    this.entries.delete(name);
    this.bytes -= name.length + entry.weight;
    return entry;
  }

  /** Removes and returns the least recently used entry while the table is over a limit. */
  evict(): T | undefined {
    if (this.entries.size <= LIMITS.handlesMax && this.bytes <= HANDLE_BYTES_MAX) return undefined;
    const oldest = this.entries.keys().next();
    this.evicted++;
    return oldest.done ? undefined : this.delete(oldest.value);
  }

  values(): IterableIterator<T> {
    return this.entries.values();
  }

  clear(): void {
    this.entries.clear();
    this.bytes = 0;
  }
}
