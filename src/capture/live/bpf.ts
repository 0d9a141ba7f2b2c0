/** Classic BPF (linux/filter.h): opcodes, and an assembler with named jump targets. */
import { endianness } from 'node:os';

/** Opcodes of linux/filter.h. */
export const LD_WORD_ABSOLUTE = 0x20;
export const LD_WORD = 0x40;
export const LD_HALF = 0x48;
export const LD_BYTE = 0x50;
export const LD_IMMEDIATE = 0x00;
export const LD_MEMORY = 0x60;
export const LDX_IMMEDIATE = 0x01;
export const LDX_MEMORY = 0x61;
export const STORE = 0x02;
export const STORE_X = 0x03;
export const ADD = 0x04;
export const ADD_X = 0x0c;
export const MULTIPLY = 0x24;
export const AND = 0x54;
export const SHIFT_LEFT = 0x64;
export const SHIFT_RIGHT = 0x74;
export const XOR_X = 0xac;
export const JUMP = 0x05;
export const JUMP_EQUAL = 0x15;
export const JUMP_GREATER = 0x25;
export const JUMP_GREATER_EQUAL = 0x35;
export const JUMP_SET = 0x45;
export const RETURN = 0x06;
export const RETURN_A = 0x16;
export const A_TO_X = 0x07;
export const X_TO_A = 0x87;

/** Load offsets with a meaning of their own: the network header, and the EtherType that the kernel found. */
export const NETWORK_OFFSET: number = -0x100000;
export const ETHERTYPE_OFFSET: number = -0x1000;

/** Size of a `struct sock_filter`. */
export const INSTRUCTION_BYTES = 8;
const BRANCH_MAX = 255;

interface Instruction {
  readonly code: number;
  readonly operand: number;
  /** Labels; `undefined` is the next instruction. */
  readonly whenTrue: string | undefined;
  readonly whenFalse: string | undefined;
}

/** Instructions with named jump targets. */
export class Assembler {
  readonly #instructions: Instruction[] = [];
  readonly #labels = new Map<string, number>();

  label(name: string): void {
    this.#labels.set(name, this.#instructions.length);
  }

  op(code: number, operand = 0): void {
    this.#instructions.push({ code, operand, whenTrue: undefined, whenFalse: undefined });
  }

  /** Loads from X plus `offset` behind the network header. */
  load(code: number, offset: number): void {
    this.op(code, NETWORK_OFFSET + offset);
  }

  branch(code: number, operand: number, whenTrue: string | undefined, whenFalse?: string): void {
    this.#instructions.push({ code, operand, whenTrue, whenFalse });
  }

  jump(target: string): void {
    this.#instructions.push({ code: JUMP, operand: 0, whenTrue: target, whenFalse: undefined });
  }

  /** The program as `struct sock_filter[]` in this machine's byte order. */
  build(): Uint8Array {
    const program = new Uint8Array(this.#instructions.length * INSTRUCTION_BYTES);
    const view = new DataView(program.buffer);
    const little = endianness() === 'LE';
    for (const [index, instruction] of this.#instructions.entries()) {
      const at = index * INSTRUCTION_BYTES;
      const isJump = instruction.code === JUMP;
      const whenTrue = this.#distance(index, instruction.whenTrue, isJump ? Number.MAX_SAFE_INTEGER : BRANCH_MAX);
      view.setUint16(at, instruction.code, little);
      view.setUint8(at + 2, isJump ? 0 : whenTrue);
      view.setUint8(at + 3, this.#distance(index, instruction.whenFalse, BRANCH_MAX));
      view.setUint32(at + 4, isJump ? whenTrue : instruction.operand, little);
    }
    return program;
  }

  #distance(from: number, label: string | undefined, max: number): number {
    if (label === undefined) return 0;
    const target = this.#labels.get(label);
    const distance = (target ?? -1) - from - 1;
    if (distance < 0 || distance > max) throw new RangeError(`jump to ${label}: ${distance}`);
    return distance;
  }
}
