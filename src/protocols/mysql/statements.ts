/**
 * Prepared statements of one session. Bounded in number (least recently used dropped) and in bytes of text; an
 * execution of a dropped one is recorded as of an unknown handle.
 */
import type { HeldMemory } from '../../base/memory-budget.ts';
import type { StatementEvent } from '../../contracts/event.ts';
import { HandleTable, type TextHolder } from '../sdk/handles.ts';
import { LongData } from './bodies.ts';

/** Bytes of statement text, and of parameter types, kept per session by the table. */
const TABLE_BYTES_MAX = 8 * 1024 * 1024;
const TYPE_BYTES = 8;
/** Parameters sent apart that one session may have open; the pieces of further ones are dropped and counted. */
const LONG_PARAMETERS_MAX = 2048;

export class Prepared implements TextHolder {
  /** -1 until the server has told. */
  id = -1;
  text: string | undefined = undefined;
  textLength: number | undefined = undefined;
  textSha256: string | undefined = undefined;
  marks = 0;
  /** -1 until the server has told. */
  parameterCount = -1;
  /** Types of the latest execution that sent them; later executions may leave them out. See `keepTypes`. */
  types: readonly number[] | undefined = undefined;
  /** There was no room to keep them. */
  typesDropped = false;
  readonly longData: Map<number, LongData> = new Map();
  /** The execution whose cursor is open: its rows are still being fetched. */
  cursor: StatementEvent | undefined = undefined;
  /** Memory that execution is taken to hold. */
  cursorBytes = 0;
}

function weightOf(_id: number, prepared: Prepared): number {
  return (prepared.text?.length ?? 0) + TYPE_BYTES * (prepared.types?.length ?? 0);
}

/** By the id that the server gave out. */
export class StatementTable {
  /** Pieces of parameters dropped because too many were open. */
  longDataDropped = 0;
  private longParameters = 0;
  /** Some statement may have types or long data. */
  private remembers = false;
  private readonly table: HandleTable<number, Prepared>;
  private readonly memory: HeldMemory;

  constructor(handlesMax: number, memory: HeldMemory) {
    this.table = new HandleTable(handlesMax, TABLE_BYTES_MAX, weightOf, memory);
    this.memory = memory;
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
    prepared.id = id;
    this.table.set(id, prepared, (dropped) => {
      this.forgetLongData(dropped);
      gone(dropped);
    });
  }

  /** An execution has sent types, which later ones may leave out. Kept as far as there is room. */
  keepTypes(prepared: Prepared, types: readonly number[] | undefined): void {
    this.remembers = true;
    if (prepared.types?.length === types?.length) {
      prepared.types = types;
      return;
    }
    this.table.reweigh(prepared.id, prepared, () => {
      prepared.types = undefined;
    });
    prepared.typesDropped = types !== undefined && TYPE_BYTES * types.length > this.table.weightLeft;
    if (prepared.typesDropped) return;
    this.table.reweigh(prepared.id, prepared, () => {
      prepared.types = types;
    });
  }

  /** Executions may have been lost: what they changed for later ones is not known. */
  loseExecutions(): void {
    // Hostile bytes can lose as often as there are packets.
    if (!this.remembers) return;
    for (const prepared of this.table.values()) {
      this.keepTypes(prepared, undefined);
      this.forgetLongData(prepared);
    }
    this.remembers = false;
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
    data = new LongData(this.memory);
    this.remembers = true;
    prepared.longData.set(index, data);
    this.longParameters++;
    return data;
  }

  forgetLongData(prepared: Prepared): void {
    this.longParameters -= prepared.longData.size;
    for (const data of prepared.longData.values()) data.forget();
    prepared.longData.clear();
  }

  values(): Iterable<Prepared> {
    return this.table.values();
  }

  clear(): void {
    for (const prepared of this.table.values()) this.forgetLongData(prepared);
    this.table.clear();
  }

  /** Memory is short: all statements are dropped, as if the table had been full; `gone` as for `set`. */
  evictAll(gone: (prepared: Prepared) => void): void {
    this.table.evictAll((dropped) => {
      this.forgetLongData(dropped);
      gone(dropped);
    });
  }
}
