/** Cursors of one session: what text and binds an id stands for, and the query that still fetches from it. */
import type { HeldMemory } from '../../base/memory-budget.ts';
import type { StatementEvent } from '../../contracts/event.ts';
import { HandleTable } from '../sdk/handles.ts';
import { eventWeight } from '../sdk/weight.ts';
import { LIMITS } from './limits.ts';
import type { BindType } from './values.ts';

export class CursorEntry {
  text: string | undefined = undefined;
  textLength: number | undefined = undefined;
  textSha256: string | undefined = undefined;
  /** Of the call that it comes from a part is missing: the end of the text, or types of binds. */
  isPartial = false;
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

/** What one session's cursors may hold, roughly in bytes: texts, types of binds, queries that are being fetched. */
const TABLE_BYTES_MAX = 8 * 1024 * 1024;
const BIND_BYTES = 64;
const DIRECTION_BYTES = 8;

export type CursorTable = HandleTable<number, CursorEntry>;

export function cursorTable(memory: HeldMemory): CursorTable {
  return new HandleTable(LIMITS.handlesMax, TABLE_BYTES_MAX, weightOf, memory);
}

function weightOf(_id: number, { text, binds, directions, open }: CursorEntry): number {
  const lists = BIND_BYTES * (binds?.length ?? 0) + DIRECTION_BYTES * (directions?.length ?? 0);
  return (text?.length ?? 0) + lists + (open === undefined ? 0 : eventWeight(open));
}
