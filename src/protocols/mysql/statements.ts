/**
 * Prepared statements of one session. Bounded in number (least recently used dropped) and in bytes of text; an
 * execution of a dropped one is recorded as of an unknown handle.
 */
import type { StatementEvent } from '../../contracts/event.ts';
import { LongData } from './bodies.ts';

/** Bytes of statement text kept per session by the table. */
const TEXT_BYTES_MAX = 8 * 1024 * 1024;
/** Parameters sent apart that one session may have open; the pieces of further ones are dropped and counted. */
const LONG_PARAMETERS_MAX = 2048;

/** What holds a statement's text: an event, or a prepared statement until it is executed. */
export interface TextHolder {
  text: string | undefined;
  textLength: number | undefined;
  textSha256: string | undefined;
  marks: number;
}

export function copyText(from: TextHolder, to: TextHolder): void {
  to.text = from.text;
  to.textLength = from.textLength;
  to.textSha256 = from.textSha256;
  to.marks |= from.marks;
}

export class Prepared implements TextHolder {
  text: string | undefined = undefined;
  textLength: number | undefined = undefined;
  textSha256: string | undefined = undefined;
  marks = 0;
  /** -1 until the server has told. */
  parameterCount = -1;
  /** Types of the latest execution that sent them; later executions may leave them out. */
  types: readonly number[] | undefined = undefined;
  readonly longData: Map<number, LongData> = new Map();
  /** The execution whose cursor is open: its rows are still being fetched. */
  cursor: StatementEvent | undefined = undefined;
}

export class StatementTable {
  /** Statements dropped because the table was full. */
  evicted = 0;
  /** Pieces of parameters dropped because too many were open. */
  longDataDropped = 0;
  private longParameters = 0;
  private readonly byId = new Map<number, Prepared>();
  private readonly handlesMax: number;
  private textLength = 0;

  constructor(handlesMax: number) {
    this.handlesMax = handlesMax;
  }

  get(id: number): Prepared | undefined {
    const prepared = this.byId.get(id);
    if (prepared) {
      this.byId.delete(id);
      this.byId.set(id, prepared);
    }
    return prepared;
  }

  /** Adds a statement; returns those that had to go, for the caller to close their cursors. */
  add(id: number, prepared: Prepared): Prepared[] {
    const gone: Prepared[] = [];
    const replaced = this.delete(id);
    if (replaced) gone.push(replaced);
    this.byId.set(id, prepared);
    this.textLength += prepared.text?.length ?? 0;
    for (const oldest of this.byId.keys()) {
      if (this.byId.size <= this.handlesMax && this.textLength <= TEXT_BYTES_MAX) break;
      const dropped = this.delete(oldest);
      this.evicted++;
      if (dropped) gone.push(dropped);
    }
    return gone;
  }

  delete(id: number): Prepared | undefined {
    const prepared = this.byId.get(id);
    if (prepared) {
      this.byId.delete(id);
      this.textLength -= prepared.text?.length ?? 0;
      this.forgetLongData(prepared);
    }
    return prepared;
  }

  /** Where pieces of a parameter go. */
  longData(prepared: Prepared, index: number): LongData | undefined {
    let data = prepared.longData.get(index);
    if (data) return data;
    if (this.longParameters >= LONG_PARAMETERS_MAX) {
      this.longDataDropped++;
      return undefined;
    }
    data = new LongData();
    prepared.longData.set(index, data);
    this.longParameters++;
    return data;
  }

  forgetLongData(prepared: Prepared): void {
    this.longParameters -= prepared.longData.size;
    prepared.longData.clear();
  }

  all(): IterableIterator<Prepared> {
    return this.byId.values();
  }

  clear(): void {
    this.byId.clear();
    this.textLength = 0;
    this.longParameters = 0;
  }
}
