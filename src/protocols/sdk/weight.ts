/** What a statement takes in memory, roughly: for the bounds on what waits. */
import type { BindValue, StatementEvent } from '../../contracts/event.ts';

/** Bytes that a value takes beside its content. */
const VALUE_BYTES = 48;

/** Bytes, roughly: its text, the procedure it calls, and its parameters. */
export function eventWeight({ text, procedure, parameters }: StatementEvent): number {
  let bytes = (text?.length ?? 0) + (procedure?.length ?? 0);
  if (parameters !== undefined) for (const value of parameters) bytes += valueWeight(value);
  return bytes;
}

function valueWeight(value: BindValue): number {
  if (typeof value === 'string') return VALUE_BYTES + value.length;
  if (value === null || typeof value !== 'object') return VALUE_BYTES;
  return VALUE_BYTES + ('hex' in value ? value.hex : value.text).length;
}
