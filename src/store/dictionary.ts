/**
 * Which row of a segment holds given bytes: the store's memory of what it has already written once. Bounded; when it
 * is full it forgets everything and facts may be written a second time, which costs space and nothing else.
 */
export class RowDictionary<T> {
  /** Times the dictionary was full. */
  forgotten = 0;
  private readonly rows = new Map<string, T>();
  private bytes = 0;
  private readonly bytesMax: number;

  /** `bytesMax`: total length of the keys. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get(key: string): T | undefined {
    return this.rows.get(key);
  }

  set(key: string, row: T): void {
    this.bytes += key.length + ENTRY_OVERHEAD_BYTES;
    if (this.bytes > this.bytesMax) {
      this.clear();
      this.forgotten++;
      this.bytes = key.length + ENTRY_OVERHEAD_BYTES;
    }
    this.rows.set(key, row);
  }

  clear(): void {
    this.rows.clear();
    this.bytes = 0;
  }
}

/** What an entry costs beside its key, roughly. */
const ENTRY_OVERHEAD_BYTES = 100;
