/**
 * Prepared statements of one session. Bounded in number (least recently used dropped) and in bytes of text; an
 * execution of a dropped one is recorded as of an unknown handle.
 */
import type { StatementEvent } from '../../contracts/event.ts';
import { HandleTable, type TextHolder } from '../sdk/handles.ts';
import { LongData } from './bodies.ts';

/** Bytes of statement text kept per session by the table. */
const TEXT_BYTES_MAX = 8 * 1024 * 1024;
/** Parameters sent apart that one session may have open; the pieces of further ones are dropped and counted. */
const LONG_PARAMETERS_MAX = 2048;

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

function weightOf(_id: number, prepared: Prepared): number {
  return prepared.text?.length ?? 0;
}

/** By the id that the server gave out. */
export class StatementTable {
  /** Pieces of parameters dropped because too many were open. */
  longDataDropped = 0;
  private longParameters = 0;
  private readonly table: HandleTable<number, Prepared>;

  constructor(handlesMax: number) {
    this.table = new HandleTable(handlesMax, TEXT_BYTES_MAX, weightOf);
  }

  /** Statements dropped because the table was full. */
  get evicted(): number {
    return this.table.evicted;
  }

  get(id: number): Prepared | undefined {
    return this.table.get(id);
  }

  /** Adds a statement; `gone` receives those that had to go, to close their cursors. */
  set(id: number, prepared: Prepared, gone: (prepared: Prepared) => void): void {
    this.table.set(id, prepared, (dropped) => {
      this.forgetLongData(dropped);
      gone(dropped);
    });
  }

  delete(id: number): Prepared | undefined {
    const prepared = this.table.delete(id);
    if (prepared) this.forgetLongData(prepared);
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

  values(): IterableIterator<Prepared> {
    return this.table.values();
  }

  clear(): void {
    this.table.clear();
    this.longParameters = 0;
  }
}
