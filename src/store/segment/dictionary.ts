/**
 * The store's memory of what it has already written once, by its bytes or its name. Bounded; when it is full it forgets
 * everything and facts may be written a second time, which costs space and nothing else.
 */
export class BoundedDictionary<T> {
  /** Times the dictionary was full. */
  forgotten = 0;
  private readonly rows = new Map<string, T>();
  private bytes = 0;
  private readonly bytesMax: number;

  /** `bytesMax`: keys and values together, roughly. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get(key: string): T | undefined {
    return this.rows.get(key);
  }

  /** `valueBytes`: what the value costs beside its key. */
  set(key: string, row: T, valueBytes: number): void {
    const cost = key.length + valueBytes + ENTRY_OVERHEAD_BYTES;
    this.bytes += cost;
    if (this.bytes > this.bytesMax) {
      this.clear();
      this.forgotten++;
      this.bytes = cost;
    }
    this.rows.set(key, row);
  }

  clear(): void {
    this.rows.clear();
    this.bytes = 0;
  }
}

/** What an entry costs beside key and value. */
const ENTRY_OVERHEAD_BYTES = 100;
