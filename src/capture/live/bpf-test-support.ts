/**
 * An interpreter of classic BPF (linux/filter.h) as the kernel runs a program on a received frame: the outer VLAN
 * tag is gone, and loads are relative to the network header. The opcodes are those of `bpf.ts`.
 */
import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { ETHERTYPE_OFFSET, NETWORK_OFFSET } from './bpf.ts';

const INSTRUCTION_BYTES = 8;
/** Smaller numbers are the length of an 802.3 frame, for which the kernel has an EtherType of its own. */
const ETHERTYPES_FROM = 0x0600;
const ETHERTYPE_802_2 = 0x0004;

export class BpfMachine {
  readonly #program: DataView;
  readonly #little: boolean = endianness() === 'LE';
  readonly #cells = new Uint32Array(16);
  #data: DataView = new DataView(new ArrayBuffer(0));
  #network = 0;
  #a = 0;
  #x = 0;
  #pc = 0;

  constructor(program: Uint8Array) {
    this.#program = new DataView(program.buffer, program.byteOffset, program.length);
  }

  /** What the program returns for an Ethernet frame of at least 18 bytes. */
  run(frame: Uint8Array): number {
    this.#data = new DataView(frame.buffer, frame.byteOffset, frame.length);
    this.#network = [0x8100, 0x88a8].includes(this.#data.getUint16(12)) ? 18 : 14;
    this.#a = 0;
    this.#x = 0;
    // Jumps only lead forward, so every program ends.
    for (this.#pc = 0; ; this.#pc++) {
      const at = this.#pc * INSTRUCTION_BYTES;
      const code = this.#program.getUint16(at, this.#little);
      const k = this.#program.getUint32(at + 4, this.#little);
      if (code === 0x06) return k;
      if (code === 0x16) return this.#a;
      const isLoad = code === 0x20 || code === 0x40 || code === 0x48 || code === 0x50;
      if (isLoad && !this.#load(code, k | 0)) return 0;
      if (!isLoad && !this.#move(code, k) && !this.#compute(code, k)) this.#jump(code, k, at);
    }
  }

  #load(code: number, offset: number): boolean {
    if (code === 0x20) {
      assert.equal(offset, ETHERTYPE_OFFSET);
      const type = this.#data.getUint16(this.#network - 2);
      this.#a = type < ETHERTYPES_FROM ? ETHERTYPE_802_2 : type;
      return true;
    }
    const at = this.#network + ((offset - NETWORK_OFFSET + this.#x) | 0);
    const bytes = code === 0x40 ? 4 : code === 0x48 ? 2 : 1;
    if (at < 0 || at + bytes > this.#data.byteLength) return false;
    if (bytes === 4) this.#a = this.#data.getUint32(at);
    else this.#a = bytes === 2 ? this.#data.getUint16(at) : this.#data.getUint8(at);
    return true;
  }

  #move(code: number, k: number): boolean {
    if (code === 0x00) this.#a = k;
    else if (code === 0x01) this.#x = k;
    else if (code === 0x60) this.#a = this.#cells[k] as number;
    else if (code === 0x61) this.#x = this.#cells[k] as number;
    else if (code === 0x02) this.#cells[k] = this.#a;
    else if (code === 0x03) this.#cells[k] = this.#x;
    else if (code === 0x07) this.#x = this.#a;
    else if (code === 0x87) this.#a = this.#x;
    else return false;
    return true;
  }

  #compute(code: number, k: number): boolean {
    if (code === 0x04) this.#a = (this.#a + k) >>> 0;
    else if (code === 0x0c) this.#a = (this.#a + this.#x) >>> 0;
    else if (code === 0x24) this.#a = Math.imul(this.#a, k) >>> 0;
    else if (code === 0x54) this.#a = (this.#a & k) >>> 0;
    else if (code === 0x64) this.#a = (this.#a << k) >>> 0;
    else if (code === 0x74) this.#a >>>= k;
    else if (code === 0xac) this.#a = (this.#a ^ this.#x) >>> 0;
    else return false;
    return true;
  }

  #jump(code: number, k: number, at: number): void {
    let isTrue = false;
    if (code === 0x15) isTrue = this.#a === k;
    else if (code === 0x25) isTrue = this.#a > k;
    else if (code === 0x35) isTrue = this.#a >= k;
    else if (code === 0x45) isTrue = (this.#a & k) !== 0;
    else assert.equal(code, 0x05, `opcode ${code}`);
    this.#pc += code === 0x05 ? k : this.#program.getUint8(at + (isTrue ? 2 : 3));
  }
}
