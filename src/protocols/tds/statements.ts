/** Texts of statements, and the handles by which a session calls the statements it has prepared. */
import type { HeldMemory } from '../../base/memory-budget.ts';
import type { TextEncodingName } from '../../base/text.ts';
import { MARK_TRUNCATED } from '../../contracts/event.ts';
import { HandleTable, type TextHolder } from '../sdk/handles.ts';
import { sha256 } from '../sdk/long.ts';
import { decodeChars, textEnd } from './collation.ts';
import { HANDLE_WEIGHT_MAX, LIMITS } from './limits.ts';
import type { RowShape } from './shape.ts';
import type { RawValue } from './values.ts';

export class Prepared implements TextHolder {
  /** Key under which it was stored last; empty: not yet. */
  key = '';
  /** Columns of its result: a client that remembers them asks for rows alone. */
  shape: RowShape | undefined = undefined;
  text: string | undefined = undefined;
  textLength: number | undefined = undefined;
  textSha256: string | undefined = undefined;
  marks = 0;
}

/**
 * Gives `holder` the text in `bytes[start, end)`, at most `sqlBytesMax` of it. `length` is its true length in bytes as
 * sent, more than what is there when the message was cut.
 */
export function takeText(
  holder: TextHolder,
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number,
  encoding: TextEncodingName,
): void {
  const size = end - start;
  if (length <= size && size <= LIMITS.sqlBytesMax) {
    holder.text = decodeChars(bytes, start, end, encoding);
    return;
  }
  const cut = textEnd(bytes, start, Math.min(end, start + LIMITS.sqlBytesMax), encoding);
  holder.text = decodeChars(bytes, start, cut, encoding);
  holder.textLength = Math.max(length, size);
  holder.marks |= MARK_TRUNCATED;
  if (length <= size) holder.textSha256 = sha256(bytes, start, end);
}

export function takeTextOf(holder: TextHolder, raw: RawValue): void {
  takeText(holder, raw.bytes, raw.start, raw.end, raw.length, raw.type.encoding);
}

/** By kind of handle and its value, or by name. */
export type PreparedTable = HandleTable<string, Prepared>;

export function preparedTable(memory: HeldMemory): PreparedTable {
  return new HandleTable(LIMITS.handlesMax, HANDLE_WEIGHT_MAX, weightOf, memory);
}

function weightOf(_key: string, { text, shape }: Prepared): number {
  return (text?.length ?? 0) + (shape?.weight ?? 0);
}

/** Stores what `key` stands for from now on. */
export function keepPrepared(handles: PreparedTable, key: string, prepared: Prepared): void {
  prepared.key = key;
  handles.set(key, prepared);
}

/** Its result has these columns. */
export function setShape(handles: PreparedTable, prepared: Prepared, shape: RowShape): void {
  handles.reweigh(prepared.key, prepared, () => {
    prepared.shape = shape;
  });
}
