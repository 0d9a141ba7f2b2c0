/**
 * Structure-aware mutation: frames are lost, doubled, moved, swapped between conversations; lengths, counts and types
 * take values at which readers break; bytes flip; segments are cut anywhere; parts of a stream are never seen.
 */
import type { Piece } from './conversations.ts';

/** One call of the driver: bytes, or a gap. Hexadecimal, so that a finding can be committed as it is. */
export interface Input {
  readonly midstream: boolean;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly direction: 0 | 1;
  readonly bytes: Uint8Array | undefined;
  readonly lost: number;
}

export type Random = () => number;

const PIECES_MAX = 120;
const CHANGES_MAX = 6;
const REPEATS_MAX = 300;
export const INTERESTING: readonly number[] = [
  0, 1, 2, 3, 4, 5, 7, 8, 0x16, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
];
const INTERESTING_WIDE: readonly number[] = [
  0, 1, 4, 0x7fff, 0x8000, 0xffff, 0xffffff, 0x7fffffff, 0x80000000, 0xffffffff,
];

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)] as T;
}

type Mutator = (pieces: Piece[], random: Random, others: readonly (readonly Piece[])[]) => void;

/** `pieces` with one piece's bytes changed by `change`, which gets a copy. */
function edit(pieces: Piece[], random: Random, change: (bytes: Uint8Array) => Uint8Array): void {
  const at = below(random, pieces.length);
  const piece = pieces[at];
  if (piece === undefined || piece.bytes.length === 0) return;
  pieces[at] = { ...piece, bytes: change(Uint8Array.from(piece.bytes)) };
}

const MUTATORS: readonly Mutator[] = [
  (pieces, random) =>
    edit(pieces, random, (bytes) => {
      bytes[below(random, bytes.length)] = pick(random, INTERESTING);
      return bytes;
    }),
  (pieces, random) =>
    edit(pieces, random, (bytes) => {
      // Headers are where lengths and types are.
      bytes[below(random, Math.min(8, bytes.length))] = pick(random, INTERESTING);
      return bytes;
    }),
  (pieces, random) =>
    edit(pieces, random, (bytes) => {
      const width = pick(random, [2, 3, 4]);
      const at = below(random, Math.max(1, bytes.length - width + 1));
      const value = pick(random, INTERESTING_WIDE);
      const big = random() < 0.5;
      for (let i = 0; i < width && at + i < bytes.length; i++)
        bytes[at + i] = value >>> (8 * (big ? width - 1 - i : i));
      return bytes;
    }),
  (pieces, random) =>
    edit(pieces, random, (bytes) => {
      const at = below(random, bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << below(random, 8));
      return bytes;
    }),
  (pieces, random) => edit(pieces, random, (bytes) => bytes.slice(0, below(random, bytes.length))),
  (pieces, random) =>
    edit(pieces, random, (bytes) => Uint8Array.from([...bytes, ...bytes.slice(below(random, bytes.length))])),
  (pieces, random) => pieces.splice(below(random, pieces.length), 1 + below(random, 3)),
  (pieces, random) => {
    const at = below(random, pieces.length);
    const piece = pieces[at];
    if (piece) pieces.splice(at, 0, piece);
  },
  (pieces, random) => {
    const [piece] = pieces.splice(below(random, pieces.length), 1);
    if (piece) pieces.splice(below(random, pieces.length + 1), 0, piece);
  },
  (pieces, random) => {
    const at = below(random, pieces.length);
    const piece = pieces[at];
    if (piece) pieces[at] = { ...piece, direction: piece.direction === 0 ? 1 : 0 };
  },
  (pieces, random, others) => {
    const other = pick(random, others);
    const from = below(random, other.length);
    pieces.splice(
      below(random, pieces.length + 1),
      below(random, 4),
      ...other.slice(from, from + 1 + below(random, 10)),
    );
  },
  (pieces, random) => {
    const at = below(random, pieces.length);
    const piece = pieces[at];
    if (piece && random() < 0.2) pieces.splice(at, 0, ...new Array<Piece>(1 + below(random, REPEATS_MAX)).fill(piece));
  },
];

/** A mutated conversation. The same `random` gives the same. */
export function mutate(conversations: readonly (readonly Piece[])[], random: Random): Input {
  const whole = pick(random, conversations);
  const from = random() < 0.7 ? 0 : below(random, whole.length);
  const pieces = whole.slice(from, from + PIECES_MAX);
  for (let changes = 1 + below(random, CHANGES_MAX); changes > 0 && pieces.length > 0; changes--) {
    pick(random, MUTATORS)(pieces, random, conversations);
  }
  return { midstream: from > 0 || random() < 0.1, steps: segmented(pieces, random) };
}

/** Pieces joined and cut anew, as TCP does, with gaps. */
function segmented(pieces: readonly Piece[], random: Random): Step[] {
  const steps: Step[] = [];
  const lossRate = random() < 0.5 ? 0 : 0.03;
  const cutRate = random() < 0.5 ? 0 : 0.3;
  for (const { direction, bytes } of pieces) {
    if (random() < lossRate) {
      steps.push({
        direction,
        bytes: undefined,
        lost: random() < 0.9 ? Math.max(1, bytes.length) : 1 + below(random, 2 ** 31),
      });
      continue;
    }
    const cut = random() < cutRate ? below(random, bytes.length + 1) : bytes.length;
    if (cut > 0) steps.push({ direction, bytes: bytes.subarray(0, cut), lost: 0 });
    if (cut < bytes.length) steps.push({ direction, bytes: bytes.subarray(cut), lost: 0 });
  }
  return steps;
}
