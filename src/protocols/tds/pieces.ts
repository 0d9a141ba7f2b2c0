/**
 * Reads a stream that comes in pieces of any size, one step at a time: in place where a step's bytes are there, carried
 * over where they are not. Never holds more than `TOKEN_BYTES_MAX`.
 */
import type { HeldMemory } from '../../base/memory-budget.ts';
import { TOKEN_BYTES_MAX } from './limits.ts';

/** A carried piece that grew beyond this is freed with its message. */
const KEPT_BYTES = 4096;

export abstract class PieceReader {
  /** Nothing more can be told apart. */
  lost = false;
  /** Bytes that were read. */
  taken = 0;
  /** Bytes the next step needs; 0 when it made progress. */
  protected need = 0;
  /** Bytes to be passed over. */
  protected skipLeft = 0;
  private carry: Uint8Array = NOTHING;
  private carried = 0;
  private readonly memory: HeldMemory;

  constructor(memory: HeldMemory) {
    this.memory = memory;
  }

  /** Reads at `pos`; returns where it stopped: `pos` itself, with `need` set, when too few bytes are there. */
  protected abstract step(bytes: Uint8Array, pos: number, end: number): number;

  protected clear(): void {
    this.lost = false;
    this.taken = 0;
    this.carried = 0;
    this.skipLeft = 0;
    if (this.carry.length > KEPT_BYTES) this.replace(NOTHING);
  }

  /** Gives back what is carried: a token of which that was a part can't be read, nor what follows in the message. */
  free(): void {
    if (this.carried > 0) this.lost = true;
    this.carried = 0;
    this.replace(NOTHING);
  }

  private replace(carry: Uint8Array): void {
    this.memory.add(carry.length - this.carry.length);
    this.carry = carry;
  }

  /** Reads what is carried as if no more were wanted. */
  protected drain(): void {
    const { carry, carried } = this;
    if (carried === 0 || this.lost) return;
    this.carried = 0;
    this.replace(NOTHING);
    const next = this.step(carry, 0, carried);
    if (next > 0) this.feed(carry, next, carried);
    else this.carried = carried;
  }

  protected get isEmpty(): boolean {
    return !this.lost && this.carried === 0 && this.skipLeft === 0;
  }

  /** Takes the next bytes of the message. */
  feed(bytes: Uint8Array, start: number, end: number): void {
    let pos = start;
    while (pos < end && !this.lost) {
      if (this.skipLeft > 0) {
        const count = Math.min(this.skipLeft, end - pos);
        this.skipLeft -= count;
        this.taken += count;
        pos += count;
      } else if (this.carried > 0) {
        pos = this.fill(bytes, pos, end);
      } else {
        const next = this.step(bytes, pos, end);
        if (next === pos && !this.lost && this.need > 0) {
          this.keep(bytes, pos, end);
          return;
        }
        this.taken += next - pos;
        pos = next;
      }
    }
  }

  /** Adds to the carried bytes what one step needs, and takes the step when it is there. Returns where reading goes on. */
  private fill(bytes: Uint8Array, pos: number, end: number): number {
    const count = Math.min(this.need - this.carried, end - pos);
    this.append(bytes, pos, pos + count);
    if (this.carried < this.need || this.lost) return pos + count;
    const length = this.carried;
    const carry = this.carry;
    const next = this.step(carry, 0, length);
    if (this.lost) return pos + count;
    if (next === 0 && this.need > length) return pos + count;
    this.carried = 0;
    this.taken += next;
    const left = length - next;
    if (left <= count) return pos + count - left;
    // A need that was guessed may have been too much: bytes that came before are left over as well.
    this.feed(carry, next, length);
    return pos + count;
  }

  private keep(bytes: Uint8Array, pos: number, end: number): void {
    this.carried = 0;
    this.append(bytes, pos, end);
  }

  private append(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.carried + end - start;
    if (needed > TOKEN_BYTES_MAX) {
      this.lost = true;
      return;
    }
    if (needed > this.carry.length) {
      const grown = new Uint8Array(Math.max(64, 2 * this.carry.length, needed));
      grown.set(this.carry.subarray(0, this.carried));
      this.replace(grown);
    }
    for (let i = start; i < end; i++) this.carry[this.carried++] = bytes[i] as number;
  }

  protected lose(pos: number): number {
    this.lost = true;
    return pos;
  }

  protected wants(need: number, pos: number): number {
    this.need = need;
    return pos;
  }
}

const NOTHING = new Uint8Array(0);
