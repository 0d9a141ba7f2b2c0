/** What a session remembers by name: prepared statements and portals. */
import type { HeldMemory } from '../../base/memory-budget.ts';
import type { StatementEvent } from '../../contracts/event.ts';
import { HandleTable, type TextHolder } from '../sdk/handles.ts';
import { HANDLE_BYTES_MAX, LIMITS } from './limits.ts';

/** Bytes that a statement, and each parameter type of it, take beside its text. */
const STATEMENT_WEIGHT = 128;
const TYPE_WEIGHT = 8;

/** A prepared statement as Parse described it. */
export class Statement implements TextHolder {
  readonly name: string;
  text = '';
  textLength: number | undefined = undefined;
  textSha256: string | undefined = undefined;
  /** Type OIDs of the parameters; 0 where the client left the choice to the server and its answer was not seen. */
  types: readonly number[] = [];
  /** Whether executing it returns rows, as Describe told; `undefined` while nobody asked. */
  returnsRows: boolean | undefined = undefined;
  marks = 0;
  /** `Session.requestLosses` when it was prepared. */
  readonly losses: number;
  constructor(name: string, losses: number) {
    this.name = name;
    this.losses = losses;
  }

  get weight(): number {
    return STATEMENT_WEIGHT + this.text.length + TYPE_WEIGHT * this.types.length;
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

/** Prepared statements or portals by name, bounded in number and in bytes. */
export function handlesByName<T extends { readonly weight: number }>(memory: HeldMemory): HandleTable<string, T> {
  return new HandleTable<string, T>(LIMITS.handlesMax, HANDLE_BYTES_MAX, weightOf, memory);
}

function weightOf(name: string, entry: { readonly weight: number }): number {
  return name.length + entry.weight;
}
