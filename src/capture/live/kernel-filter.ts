/**
 * A classic BPF program (linux/filter.h) that lets only the traffic of named servers into the ring. What it cannot judge
 * it lets in: tunnels, fragments, frames with many tags, IPv6 extension headers. As in `fanout.ts`, loads are relative to
 * the network header; a load outside of the frame ends the program with 0, so a frame too short for TCP is not received.
 */
import {
  A_TO_X,
  ADD,
  ADD_X,
  AND,
  Assembler,
  ETHERTYPE_OFFSET,
  INSTRUCTION_BYTES,
  JUMP_EQUAL,
  JUMP_GREATER,
  JUMP_GREATER_EQUAL,
  JUMP_SET,
  LD_BYTE,
  LD_HALF,
  LD_WORD,
  LD_WORD_ABSOLUTE,
  LDX_IMMEDIATE,
  LDX_MEMORY,
  RETURN,
  SHIFT_LEFT,
  STORE,
  STORE_X,
  X_TO_A,
} from './bpf.ts';

/** Servers and their ports, both inclusive: 128-bit addresses, IPv4 as `::ffff:a.b.c.d`. */
export interface ServerRange {
  readonly firstAddress: bigint;
  readonly lastAddress: bigint;
  readonly firstPort: number;
  readonly lastPort: number;
}

/** BPF_MAXINSNS: what the kernel accepts. */
const INSTRUCTIONS_MAX = 4096;
/** Bytes of a frame to keep: all. */
const ACCEPT = 0x40000;
const DROP = 0;

const CELL_LAYER3 = 0;
const CELL_LAYER4 = 1;

const TAGS_MAX = 2;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const TAG_TYPES = [0x8100, 0x88a8];
/** Other tags, MPLS, PPPoE, transparent Ethernet bridging, 802.2 (by the kernel's number): IP may lie inside. */
const OPAQUE_TYPES = [0x0004, 0x9100, 0x9200, 0x8847, 0x8848, 0x8864, 0x880b, 0x6558];
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
/** IP in IP, GRE, MPLS in IP, and the authentication header; of IPv6 also the extension headers. */
const TUNNEL_PROTOCOLS = [4, 41, 47, 51, 137];
const EXTENSION_HEADERS = [0, 43, 44, 60, 135, 139, 140];
/** GTP-U, VXLAN, VXLAN-GPE, Geneve, VXLAN as in old Linux, TZSP. */
const TUNNEL_PORTS = [2152, 4789, 4790, 6081, 8472, 37_008];
const IPV4_FRAGMENT_MASK = 0x3fff;
const IPV6_BYTES = 40;
const V4_FIRST = 0xffff_0000_0000n;
const V4_LAST = 0xffff_ffff_ffffn;
const PORT_MAX = 65_535;

/** The program for `servers`; `undefined` when they are too many for the kernel, so that everything must be received. */
export function kernelFilter(servers: readonly ServerRange[]): Uint8Array | undefined {
  if (servers.length > INSTRUCTIONS_MAX) return undefined;
  const asm = new Assembler();
  asm.op(LDX_IMMEDIATE, 0);
  asm.op(LD_WORD_ABSOLUTE, ETHERTYPE_OFFSET);
  emitLink(asm);
  emitIpv4(asm, servers);
  emitIpv6(asm, servers);
  const program = asm.build();
  return program.length <= INSTRUCTIONS_MAX * INSTRUCTION_BYTES ? program : undefined;
}

/** Accepts when A is one of `values`. */
function acceptAny(asm: Assembler, values: readonly number[], label: string): void {
  for (const [index, value] of values.entries()) {
    asm.branch(JUMP_EQUAL, value, undefined, `${label}-${index}`);
    asm.op(RETURN, ACCEPT);
    asm.label(`${label}-${index}`);
  }
}

/** Enters with A = EtherType, X = 0; leaves with X = offset of the IP header, by a long jump. */
function emitLink(asm: Assembler): void {
  for (let tag = 0; tag < TAGS_MAX; tag++) {
    const [customer = 0, service = 0] = TAG_TYPES;
    asm.branch(JUMP_EQUAL, customer, `tag-${tag}`);
    asm.branch(JUMP_EQUAL, service, undefined, 'untagged');
    asm.label(`tag-${tag}`);
    asm.op(X_TO_A);
    asm.op(ADD, 4);
    asm.op(A_TO_X);
    // The type stands in the last two bytes of the tag that was passed.
    asm.load(LD_HALF, -2);
  }
  acceptAny(asm, TAG_TYPES, 'many-tags');
  asm.label('untagged');
  asm.op(STORE_X, CELL_LAYER3);
  acceptAny(asm, OPAQUE_TYPES, 'opaque');
  asm.branch(JUMP_EQUAL, ETHERTYPE_IPV4, undefined, 'not-ipv4');
  asm.jump('ipv4');
  asm.label('not-ipv4');
  asm.branch(JUMP_EQUAL, ETHERTYPE_IPV6, undefined, 'not-ip');
  asm.jump('ipv6');
  asm.label('not-ip');
  asm.op(RETURN, DROP);
}

function emitIpv4(asm: Assembler, servers: readonly ServerRange[]): void {
  asm.label('ipv4');
  asm.load(LD_HALF, 6);
  asm.branch(JUMP_SET, IPV4_FRAGMENT_MASK, undefined, 'whole');
  asm.op(RETURN, ACCEPT);
  asm.label('whole');
  asm.load(LD_BYTE, 0);
  asm.op(AND, 0x0f);
  asm.op(SHIFT_LEFT, 2);
  asm.op(ADD_X);
  asm.op(STORE, CELL_LAYER4);
  asm.load(LD_BYTE, 9);
  acceptAny(asm, TUNNEL_PROTOCOLS, 'tunnel-4');
  emitTransport(asm, '4');
  for (const [index, server] of servers.entries()) {
    const first = server.firstAddress < V4_FIRST ? V4_FIRST : server.firstAddress;
    const last = server.lastAddress > V4_LAST ? V4_LAST : server.lastAddress;
    if (first > last) continue;
    // Source, then destination.
    for (const [side, address] of [12, 16].entries()) {
      const next = `next-4-${index}-${side}`;
      asm.op(LDX_MEMORY, CELL_LAYER3);
      asm.load(LD_WORD, address);
      asm.branch(JUMP_GREATER_EQUAL, Number(first & 0xffff_ffffn), undefined, next);
      asm.branch(JUMP_GREATER, Number(last & 0xffff_ffffn), next);
      emitPorts(asm, server, side, next);
    }
  }
  asm.op(RETURN, DROP);
}

function emitIpv6(asm: Assembler, servers: readonly ServerRange[]): void {
  asm.label('ipv6');
  asm.op(X_TO_A);
  asm.op(ADD, IPV6_BYTES);
  asm.op(STORE, CELL_LAYER4);
  asm.load(LD_BYTE, 6);
  acceptAny(asm, [...TUNNEL_PROTOCOLS, ...EXTENSION_HEADERS], 'tunnel-6');
  emitTransport(asm, '6');
  for (const [index, server] of servers.entries()) {
    if (server.firstAddress >= V4_FIRST && server.lastAddress <= V4_LAST) continue;
    for (const [side, address] of [8, 24].entries()) {
      const next = `next-6-${index}-${side}`;
      asm.op(LDX_MEMORY, CELL_LAYER3);
      emitBound(asm, address, server.firstAddress, `${next}-from`, next, true);
      emitBound(asm, address, server.lastAddress, `${next}-to`, next, false);
      emitPorts(asm, server, side, next);
    }
  }
  asm.op(RETURN, DROP);
}

/** Goes on when the address is not below (`isLower`), or not above, `bound`; to `next` otherwise. */
function emitBound(
  asm: Assembler,
  address: number,
  bound: bigint,
  inside: string,
  next: string,
  isLower: boolean,
): void {
  for (const [index, shift] of [96n, 64n, 32n, 0n].entries()) {
    const word = Number((bound >> shift) & 0xffff_ffffn);
    asm.load(LD_WORD, address + index * 4);
    asm.branch(JUMP_GREATER, word, isLower ? inside : next);
    asm.branch(JUMP_EQUAL, word, undefined, isLower ? next : inside);
  }
  asm.label(inside);
}

/** Enters with A = protocol; accepts tunnels over UDP, drops all that is not TCP, and goes on with TCP. */
function emitTransport(asm: Assembler, family: string): void {
  asm.branch(JUMP_EQUAL, PROTOCOL_TCP, `tcp-${family}`);
  asm.branch(JUMP_EQUAL, PROTOCOL_UDP, `udp-${family}`);
  asm.op(RETURN, DROP);
  asm.label(`udp-${family}`);
  asm.op(LDX_MEMORY, CELL_LAYER4);
  asm.load(LD_HALF, 2);
  acceptAny(asm, TUNNEL_PORTS, `tunnel-port-${family}`);
  asm.op(RETURN, DROP);
  asm.label(`tcp-${family}`);
}

/** Accepts when the port of `side` (0: source) is the server's; `next` otherwise. */
function emitPorts(asm: Assembler, server: ServerRange, side: number, next: string): void {
  if (server.firstPort > 0 || server.lastPort < PORT_MAX) {
    asm.op(LDX_MEMORY, CELL_LAYER4);
    asm.load(LD_HALF, side * 2);
    asm.branch(JUMP_GREATER_EQUAL, server.firstPort, undefined, next);
    asm.branch(JUMP_GREATER, server.lastPort, next);
  }
  asm.op(RETURN, ACCEPT);
  asm.label(next);
}
