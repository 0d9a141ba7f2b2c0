/**
 * The classic BPF program that spreads packets over the rings of a PACKET_FANOUT group (packet(7)) such that both
 * directions of a connection reach the same ring, also when they travel in a tunnel whose outer ports or VLANs differ by
 * direction: the innermost addresses and ports are combined with XOR.
 *
 * A fanout program sees received frames from their network header on. Loads are therefore relative to it (SKF_NET_OFF),
 * which holds for sent frames too. A load outside of the frame ends the program with 0: the first ring.
 */

import {
  A_TO_X,
  ADD,
  ADD_X,
  AND,
  Assembler,
  ETHERTYPE_OFFSET,
  JUMP_EQUAL,
  JUMP_SET,
  LD_BYTE,
  LD_HALF,
  LD_IMMEDIATE,
  LD_MEMORY,
  LD_WORD,
  LD_WORD_ABSOLUTE,
  LDX_IMMEDIATE,
  LDX_MEMORY,
  MULTIPLY,
  RETURN,
  RETURN_A,
  SHIFT_LEFT,
  SHIFT_RIGHT,
  STORE,
  STORE_X,
  X_TO_A,
  XOR_X,
} from './bpf.ts';

/** Scratch cells. */
const CELL_LAYER3 = 0;
const CELL_TYPE = 1;
const CELL_HASH = 2;
const CELL_PROTOCOL = 3;
const CELL_PORT = 4;
const CELL_GRE = 5;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_SERVICE_VLAN = 0x88a8;
const GRE_ETHERNET = 0x6558;
const GRE_ERSPAN_2 = 0x88be;
const GRE_ERSPAN_3 = 0x22eb;

const PROTOCOL_HOP_BY_HOP = 0;
const PROTOCOL_IPV4 = 4;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const PROTOCOL_IPV6 = 41;
const PROTOCOL_GRE = 47;

const PORT_VXLAN = 4789;
/** What Linux used before the port was assigned, and some overlays still do. */
const PORT_VXLAN_LINUX = 8472;
const PORT_GENEVE = 6081;

const ETHERNET_BYTES = 14;
const IPV4_FRAGMENT_MASK = 0x3fff;
const IPV6_BYTES = 40;
/** An outer header, and two tunnels inside of each other. */
const LEVELS = 3;
/** VLAN tags skipped at each level, besides the one that the kernel strips. */
const TAGS_MAX = 2;
/** 2^32 divided by the golden ratio: spreads the low bits, where addresses and ports differ, over the high ones. */
const SPREAD = 0x9e3779b1;

/** The program. About 350 instructions; a plain TCP packet runs through some 30 of them. */
export function symmetricFanoutProgram(): Uint8Array {
  const asm = new Assembler();
  asm.op(LDX_IMMEDIATE, 0);
  asm.op(LD_WORD_ABSOLUTE, ETHERTYPE_OFFSET);
  for (let level = 0; level < LEVELS; level++) emitLevel(asm, level);
  asm.label('finish');
  asm.op(MULTIPLY, SPREAD);
  asm.op(SHIFT_RIGHT, 16);
  asm.op(RETURN_A);
  return asm.build();
}

/** Enters with A = EtherType and X = offset of what follows it. */
function emitLevel(asm: Assembler, level: number): void {
  const at = (name: string) => `${name}-${level}`;
  asm.label(at('type'));
  for (let tag = 0; tag < TAGS_MAX; tag++) {
    asm.branch(JUMP_EQUAL, ETHERTYPE_VLAN, at(`strip-${tag}`));
    asm.branch(JUMP_EQUAL, ETHERTYPE_SERVICE_VLAN, undefined, at('layer3'));
    asm.label(at(`strip-${tag}`));
    asm.load(LD_HALF, 2);
    moveOn(asm, 4);
  }
  asm.label(at('layer3'));
  asm.op(STORE_X, CELL_LAYER3);
  asm.branch(JUMP_EQUAL, ETHERTYPE_IPV4, at('ipv4'));
  asm.branch(JUMP_EQUAL, ETHERTYPE_IPV6, at('ipv6'));
  // Inside a tunnel the outer addresses are known and have to do.
  if (level === 0) asm.op(RETURN, 0);
  else asm.jump(at('addresses'));
  emitIpv4(asm, at);
  emitIpv6(asm, at);
  emitLayer4(asm, at, level);
  asm.label(at('addresses'));
  asm.op(LD_MEMORY, CELL_HASH);
  asm.jump('finish');
  if (level + 1 < LEVELS) emitTunnels(asm, at, `type-${level + 1}`);
}

/** Advances X by `bytes` and keeps A. */
function moveOn(asm: Assembler, bytes: number): void {
  asm.op(STORE, CELL_TYPE);
  asm.op(X_TO_A);
  asm.op(ADD, bytes);
  asm.op(A_TO_X);
  asm.op(LD_MEMORY, CELL_TYPE);
}

/** XOR of the words at `offsets` behind X into the hash cell; X is the network header before and after. */
function hashWords(asm: Assembler, offsets: readonly number[]): void {
  for (const [index, offset] of offsets.entries()) {
    asm.load(LD_WORD, offset);
    if (index > 0) {
      asm.op(LDX_MEMORY, CELL_HASH);
      asm.op(XOR_X);
    }
    asm.op(STORE, CELL_HASH);
    asm.op(LDX_MEMORY, CELL_LAYER3);
  }
}

function emitIpv4(asm: Assembler, at: (name: string) => string): void {
  asm.label(at('ipv4'));
  hashWords(asm, [12, 16]);
  asm.load(LD_BYTE, 9);
  asm.op(STORE, CELL_PROTOCOL);
  // Fragments do not all have ports.
  asm.load(LD_HALF, 6);
  asm.branch(JUMP_SET, IPV4_FRAGMENT_MASK, at('addresses'));
  asm.load(LD_BYTE, 0);
  asm.op(AND, 0x0f);
  asm.op(SHIFT_LEFT, 2);
  asm.op(ADD_X);
  asm.op(A_TO_X);
  asm.jump(at('layer4'));
}

function emitIpv6(asm: Assembler, at: (name: string) => string): void {
  asm.label(at('ipv6'));
  hashWords(asm, [8, 12, 16, 20, 24, 28, 32, 36]);
  asm.load(LD_BYTE, 6);
  asm.op(STORE, CELL_PROTOCOL);
  asm.op(X_TO_A);
  asm.op(ADD, IPV6_BYTES);
  asm.op(A_TO_X);
  // Segmentation offload puts a hop-by-hop header before jumbo packets of a flow, and only before those.
  asm.op(LD_MEMORY, CELL_PROTOCOL);
  asm.branch(JUMP_EQUAL, PROTOCOL_HOP_BY_HOP, undefined, at('layer4'));
  asm.load(LD_BYTE, 0);
  asm.op(STORE, CELL_PROTOCOL);
  asm.load(LD_BYTE, 1);
  asm.op(ADD, 1);
  asm.op(SHIFT_LEFT, 3);
  asm.op(ADD_X);
  asm.op(A_TO_X);
}

/** Enters with X = offset of the transport header. */
function emitLayer4(asm: Assembler, at: (name: string) => string, level: number): void {
  const hasTunnels = level + 1 < LEVELS;
  asm.label(at('layer4'));
  asm.op(LD_MEMORY, CELL_PROTOCOL);
  asm.branch(JUMP_EQUAL, PROTOCOL_TCP, at('ports'));
  if (hasTunnels) {
    asm.branch(JUMP_EQUAL, PROTOCOL_UDP, at('udp'));
    asm.branch(JUMP_EQUAL, PROTOCOL_GRE, at('gre'));
    asm.branch(JUMP_EQUAL, PROTOCOL_IPV4, at('inner-ipv4'));
    asm.branch(JUMP_EQUAL, PROTOCOL_IPV6, at('inner-ipv6'));
    asm.jump(at('addresses'));
    asm.label(at('udp'));
    asm.load(LD_HALF, 2);
    asm.branch(JUMP_EQUAL, PORT_VXLAN, at('vxlan'));
    asm.branch(JUMP_EQUAL, PORT_VXLAN_LINUX, at('vxlan'));
    asm.branch(JUMP_EQUAL, PORT_GENEVE, at('geneve'));
  } else {
    asm.branch(JUMP_EQUAL, PROTOCOL_UDP, at('ports'), at('addresses'));
  }
  asm.label(at('ports'));
  asm.load(LD_HALF, 0);
  asm.op(STORE, CELL_PORT);
  asm.load(LD_HALF, 2);
  asm.op(LDX_MEMORY, CELL_PORT);
  asm.op(XOR_X);
  asm.op(LDX_MEMORY, CELL_HASH);
  asm.op(XOR_X);
  asm.jump('finish');
}

/** Enters with X = offset of the transport header; ends at `next`, the level inside. */
function emitTunnels(asm: Assembler, at: (name: string) => string, next: string): void {
  for (const [name, type] of [
    ['inner-ipv4', ETHERTYPE_IPV4],
    ['inner-ipv6', ETHERTYPE_IPV6],
  ] as const) {
    asm.label(at(name));
    asm.op(LD_IMMEDIATE, type);
    asm.jump(next);
  }
  asm.label(at('vxlan'));
  asm.op(X_TO_A);
  asm.op(ADD, 16);
  asm.op(A_TO_X);
  asm.jump(at('ethernet'));
  asm.label(at('geneve'));
  asm.load(LD_BYTE, 8);
  asm.op(AND, 0x3f);
  asm.op(SHIFT_LEFT, 2);
  asm.op(ADD, 16);
  asm.op(ADD_X);
  asm.op(A_TO_X);
  asm.jump(at('ethernet'));
  emitGre(asm, at, next);
  asm.label(at('ethernet'));
  asm.load(LD_HALF, 12);
  moveOn(asm, ETHERNET_BYTES);
  asm.jump(next);
}

/** GRE (RFC 2784, 2890), with IP, Ethernet or ERSPAN inside. */
function emitGre(asm: Assembler, at: (name: string) => string, next: string): void {
  asm.label(at('gre'));
  asm.load(LD_HALF, 2);
  asm.op(STORE, CELL_TYPE);
  asm.load(LD_HALF, 0);
  asm.op(STORE, CELL_GRE);
  // Checksum, key and sequence number take four bytes each, when their flag is set.
  for (const shift of [13, 11, 10]) {
    asm.op(LD_MEMORY, CELL_GRE);
    asm.op(SHIFT_RIGHT, shift);
    asm.op(AND, 4);
    asm.op(ADD_X);
    asm.op(A_TO_X);
  }
  asm.op(X_TO_A);
  asm.op(ADD, 4);
  asm.op(A_TO_X);
  asm.op(LD_MEMORY, CELL_TYPE);
  asm.branch(JUMP_EQUAL, GRE_ETHERNET, at('ethernet'));
  asm.branch(JUMP_EQUAL, GRE_ERSPAN_2, at('erspan2'));
  asm.branch(JUMP_EQUAL, GRE_ERSPAN_3, at('erspan3'));
  asm.jump(next);
  asm.label(at('erspan3'));
  // Twelve bytes, and a subheader of eight when the last bit says so.
  asm.load(LD_BYTE, 11);
  asm.op(AND, 1);
  asm.op(SHIFT_LEFT, 3);
  asm.op(ADD, 12);
  asm.op(ADD_X);
  asm.op(A_TO_X);
  asm.jump(at('ethernet'));
  asm.label(at('erspan2'));
  // Eight bytes; type I, which has no sequence number, has no header either.
  asm.op(LD_MEMORY, CELL_GRE);
  asm.op(SHIFT_RIGHT, 9);
  asm.op(AND, 8);
  asm.op(ADD_X);
  asm.op(A_TO_X);
}
