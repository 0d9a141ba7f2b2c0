/**
 * Known statement shapes. A shape's key is its tokens with every literal's content left out: two statements with equal
 * keys differ in literals, spaces and comments only, so all but the positions of their analysis is the same.
 *
 * Direct mapped: `SLOT_COUNT` entries; a shape replaces the one in its slot when it is met a second time, so that shapes
 * met once neither cost nor displace anything. Shapes with more than `KEY_TOKENS_MAX` tokens or `KEY_LENGTH_MAX` units
 * are not kept. A hash only finds the slot, the key decides.
 */
import type { SqlEffect, TextSpan } from '../contracts/sql.ts';
import type { DialectRules } from './dialects.ts';
import { KIND_OPERATOR, KIND_PARAMETER, KIND_QUOTED, KIND_SYSTEM_VARIABLE, KIND_WORD, type Tokens } from './tokens.ts';

const SLOT_COUNT = 2048;
const KEY_TOKENS_MAX = 512;
const KEY_LENGTH_MAX = 2048;

/** What is the same for all statements of a shape. */
export interface Shape {
  readonly operation: string | undefined;
  readonly operations: readonly string[];
  readonly objects: readonly string[];
  readonly objectsWritten: readonly string[];
  readonly columns: readonly string[];
  readonly functions: readonly string[];
  readonly procedure: string | undefined;
  readonly executes: string | undefined;
  readonly effect: SqlEffect | undefined;
  /** Token indices. */
  readonly secrets: readonly number[];
  /** Secrets inside literals that hold SQL; a shape with any is not kept. */
  readonly innerSecrets: readonly TextSpan[];
  readonly summary: string;
  readonly fingerprint: string;
}

interface Entry {
  readonly hash: number;
  readonly rules: DialectRules;
  readonly kinds: Uint8Array;
  /** Length of each token whose text matters, 0 for the others. */
  readonly lengths: Uint16Array;
  /** Texts of the tokens whose text matters, joined. */
  readonly key: string;
  readonly shape: Shape;
}

export class ShapeCache {
  private readonly slots: (Entry | undefined)[] = new Array(SLOT_COUNT).fill(undefined);
  /** Hash of the shape offered last, by slot. */
  private readonly offered = new Int32Array(SLOT_COUNT);

  find(tokens: Tokens, hash: number, rules: DialectRules): Shape | undefined {
    const entry = this.slots[slotOf(hash)];
    if (entry === undefined || entry.hash !== hash || entry.rules !== rules) return undefined;
    return isEqual(entry, tokens) ? entry.shape : undefined;
  }

  add(tokens: Tokens, hash: number, rules: DialectRules, shape: Shape): void {
    const slot = slotOf(hash);
    if (this.offered[slot] !== hash || tokens.count > KEY_TOKENS_MAX) {
      this.offered[slot] = hash;
      return;
    }
    const parts: string[] = [];
    const lengths = new Uint16Array(tokens.count);
    let length = 0;
    for (let i = 0; i < tokens.count; i++) {
      if (!hasText(tokens.kindAt(i))) continue;
      const size = tokens.endOf(i) - tokens.startOf(i);
      length += size;
      if (length > KEY_LENGTH_MAX) return;
      lengths[i] = size;
      parts.push(tokens.slice(i));
    }
    const kinds = tokens.kind.slice(0, tokens.count);
    this.slots[slot] = { hash, rules, kinds, lengths, key: detached(parts.join('')), shape: kept(shape) };
  }
}

/** The shape with names that are no slices of the text, so that keeping it does not keep the text. */
function kept(shape: Shape): Shape {
  return {
    ...shape,
    objects: shape.objects.map(detached),
    objectsWritten: shape.objectsWritten.map(detached),
    columns: shape.columns.map(detached),
    functions: shape.functions.map(detached),
    procedure: shape.procedure === undefined ? undefined : detached(shape.procedure),
    executes: shape.executes === undefined ? undefined : detached(shape.executes),
  };
}

function detached(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 11) ^ (hash >>> 22)) & (SLOT_COUNT - 1);
}

/** Kinds whose text is part of the shape; punctuation is its kind, values have no say. */
function hasText(kind: number): boolean {
  return (
    kind === KIND_WORD ||
    kind === KIND_QUOTED ||
    kind === KIND_OPERATOR ||
    (kind >= KIND_PARAMETER && kind <= KIND_SYSTEM_VARIABLE)
  );
}

function isEqual(entry: Entry, tokens: Tokens): boolean {
  const { kinds, lengths, key } = entry;
  const { text, kind, start, end, count } = tokens;
  if (kinds.length !== count) return false;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const k = kind[i] as number;
    if (k !== kinds[i]) return false;
    if (!hasText(k)) continue;
    const to = end[i] as number;
    if (to - (start[i] as number) !== lengths[i]) return false;
    for (let p = start[i] as number; p < to; p++) if (text.charCodeAt(p) !== key.charCodeAt(at++)) return false;
  }
  return true;
}
