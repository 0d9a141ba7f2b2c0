/** Texts of prepared sections. */
import type { HeldMemory } from '../../base/memory-budget.ts';
import { HandleTable } from '../sdk/handles.ts';
import { HANDLE_BYTES_MAX, LIMITS } from './limits.ts';
import type { StatementText } from './text.ts';

/** A prepared section. */
export interface Prepared {
  readonly text: StatementText;
  /** Its cursor survives a commit. */
  readonly hold: boolean;
}

const ENTRY_BYTES = 128;

/** By package and section, or whatever else the key says. */
export type PreparedTable = HandleTable<string, Prepared>;

export function preparedTable(memory: HeldMemory): PreparedTable {
  return new HandleTable(LIMITS.handlesMax, HANDLE_BYTES_MAX, weightOf, memory);
}

function weightOf(key: string, { text }: Prepared): number {
  return ENTRY_BYTES + key.length + (text.text?.length ?? 0);
}
