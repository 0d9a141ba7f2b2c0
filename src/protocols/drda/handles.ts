/** Texts of prepared sections, by package and section; the least recently used is forgotten. */
import { HANDLE_BYTES_MAX, LIMITS } from './limits.ts';
import type { StatementText } from './text.ts';

/** A prepared section. */
export interface Prepared {
  /** `undefined`: the text was not understood. */
  readonly text: StatementText | undefined;
  /** Its cursor survives a commit. */
  readonly hold: boolean;
}

const ENTRY_BYTES = 128;

export class HandleTable {
  private readonly table = new Map<string, Prepared>();
  private bytes = 0;
  /** Something was forgotten. */
  evicted = false;

  get(key: string): Prepared | undefined {
    const prepared = this.table.get(key);
    if (prepared !== undefined) {
      this.table.delete(key);
      this.table.set(key, prepared);
    }
    return prepared;
  }

  set(key: string, prepared: Prepared): void {
    this.delete(key);
    this.table.set(key, prepared);
    this.bytes += cost(key, prepared);
    for (const oldest of this.table.keys()) {
      if (this.table.size <= LIMITS.handlesMax && this.bytes <= HANDLE_BYTES_MAX) break;
      this.delete(oldest);
      this.evicted = true;
    }
  }

  delete(key: string): void {
    const prepared = this.table.get(key);
    if (prepared === undefined) return;
    this.table.delete(key);
    this.bytes -= cost(key, prepared);
  }

  clear(): void {
    this.table.clear();
    this.bytes = 0;
  }
}

function cost(key: string, prepared: Prepared): number {
  return ENTRY_BYTES + key.length + (prepared.text?.text.length ?? 0);
}
