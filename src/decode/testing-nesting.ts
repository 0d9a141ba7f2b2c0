/** Every encapsulation that the decoder reads, as a function from what is inside to what is outside. */
import {
  TUNNEL_ERSPAN,
  TUNNEL_GENEVE,
  TUNNEL_GRE,
  TUNNEL_GTPU,
  TUNNEL_IPIP,
  TUNNEL_NONE,
  TUNNEL_TZSP,
  TUNNEL_VXLAN,
} from '../contracts/view.ts';
import { type Bytes, ethernet, ipv4, ipv6, u16, u32, udp } from './testing.ts';

const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const;
const BRIDGED = 0x6558;

/** An IP packet or an Ethernet frame. */
export interface Nested {
  readonly kind: 'ipv4' | 'ipv6' | 'frame';
  readonly bytes: Bytes;
}

type Wrap = (inner: Nested) => Bytes;

export interface Encapsulation {
  readonly name: string;
  /** What can be inside. */
  readonly carries: 'ip' | 'frame' | 'both';
  /** What it makes of it. */
  readonly kind: Nested['kind'];
  /** A `TUNNEL_*`, and what the decoder says of its identifier. */
  readonly tunnel: number;
  readonly id: number;
  readonly wrap: Wrap;
}

/** The packet as a frame of its own. */
export function asFrame({ kind, bytes }: Nested): Bytes {
  return kind === 'frame' ? bytes : ethernet(ETHERTYPE[kind], bytes);
}

/** Puts `inner` into `outer`; `undefined` where that does not exist: a frame in what carries only IP. */
export function nest(outer: Encapsulation, inner: Nested): Nested | undefined {
  if (inner.kind === 'frame' && outer.carries === 'ip') return undefined;
  const own: Nested = outer.carries === 'frame' ? { kind: 'frame', bytes: asFrame(inner) } : inner;
  return { kind: outer.kind, bytes: outer.wrap(own) };
}

function typeOf({ kind }: Nested): number {
  return kind === 'frame' ? BRIDGED : ETHERTYPE[kind];
}

function versionOf({ kind }: Nested): number {
  return kind === 'ipv4' ? 4 : 41;
}

/** A tag behind the addresses of a frame. */
function tagged(frame: Bytes, ...tag: Bytes): Bytes {
  return [...frame.slice(0, 12), ...tag, ...frame.slice(12)];
}

/** Of a label whose payload is a frame behind a control word: nothing in the packet says so. */
export const PSEUDOWIRE_LABEL = 200;

function mplsLabel(label: number, bottom: boolean): Bytes {
  return [...u16(label >> 4), ((label & 15) << 4) | (bottom ? 1 : 0), 64];
}

function inGre(flags: number, type: number, fields: Bytes, payload: Bytes): Bytes {
  return ipv4(47, [...u16(flags), ...u16(type), ...fields, ...payload]);
}

function inUdp(port: number, header: Bytes, payload: Bytes): Bytes {
  return ipv4(17, udp(port, [...header, ...payload]));
}

/** Hop-by-hop, routing, destination and authentication headers, in that order, before `next`. */
function extensions(next: number, payload: Bytes): Bytes {
  const padding: Bytes = [1, 4, 0, 0, 0, 0];
  const authentication: Bytes = [next, 1, 0, 0, ...u32(1), ...u32(1)];
  return [43, 0, ...padding, 60, 0, 0, 0, 0, 0, 0, 0, 51, 0, ...padding, ...authentication, ...payload];
}

const LINKS: readonly Encapsulation[] = [
  { name: '802.1Q', carries: 'frame', wrap: ({ bytes }: Nested) => tagged(bytes, 0x81, 0x00, 0x20, 7) },
  {
    name: '802.1ad',
    carries: 'frame',
    wrap: ({ bytes }: Nested) => tagged(bytes, 0x88, 0xa8, 0x20, 8, 0x81, 0x00, 0x20, 9),
  },
  {
    name: 'MPLS',
    carries: 'ip',
    wrap: ({ bytes }: Nested) => ethernet(0x8847, [...mplsLabel(100, false), ...mplsLabel(101, true), ...bytes]),
  },
  {
    name: 'MPLS pseudowire',
    carries: 'frame',
    wrap: ({ bytes }: Nested) => ethernet(0x8847, [...mplsLabel(PSEUDOWIRE_LABEL, true), 0, 0, 0, 0, ...bytes]),
  },
  {
    name: 'PPPoE',
    carries: 'ip',
    wrap: ({ kind, bytes }: Nested) =>
      ethernet(0x8864, [0x11, 0, 0, 1, ...u16(bytes.length + 2), ...u16(kind === 'ipv4' ? 0x21 : 0x57), ...bytes]),
  },
].map((each) => ({ ...each, kind: 'frame', tunnel: TUNNEL_NONE, id: 0 }) as Encapsulation);

const GRE: readonly Encapsulation[] = [
  {
    ...{ name: 'GRE', carries: 'both', kind: 'ipv4', tunnel: TUNNEL_GRE, id: 0 },
    wrap: (inner) => inGre(0, typeOf(inner), [], inner.bytes),
  },
  {
    ...{ name: 'GRE with checksum, key and sequence', carries: 'both', kind: 'ipv4', tunnel: TUNNEL_GRE, id: 77 },
    wrap: (inner) => inGre(0xb000, typeOf(inner), [...u32(0), ...u32(77), ...u32(1)], inner.bytes),
  },
  {
    ...{ name: 'PPTP', carries: 'ip', kind: 'ipv4', tunnel: TUNNEL_GRE, id: 5 },
    wrap: ({ kind, bytes }) =>
      inGre(
        0x3081,
        0x880b,
        [...u16(bytes.length + 4), ...u16(5), ...u32(1), ...u32(1)],
        [0xff, 0x03, ...u16(kind === 'ipv4' ? 0x21 : 0x57), ...bytes],
      ),
  },
  {
    ...{ name: 'ERSPAN I', carries: 'frame', kind: 'ipv4', tunnel: TUNNEL_ERSPAN, id: 0 },
    wrap: ({ bytes }) => inGre(0, 0x88be, [], bytes),
  },
  {
    ...{ name: 'ERSPAN II', carries: 'frame', kind: 'ipv4', tunnel: TUNNEL_ERSPAN, id: 33 },
    wrap: ({ bytes }) => inGre(0x1000, 0x88be, u32(1), [0x10, 0, ...u16(33), ...u32(0), ...bytes]),
  },
  {
    ...{ name: 'ERSPAN III', carries: 'frame', kind: 'ipv4', tunnel: TUNNEL_ERSPAN, id: 34 },
    wrap: ({ bytes }) => inGre(0x1000, 0x22eb, u32(1), [0x20, 0, ...u16(34), ...u32(0), 0, 0, 0, 0, ...bytes]),
  },
];

const UDP: readonly Encapsulation[] = [
  {
    ...{ name: 'VXLAN', carries: 'frame', kind: 'ipv4', tunnel: TUNNEL_VXLAN, id: 100 },
    wrap: ({ bytes }) => inUdp(4789, [8, 0, 0, 0, 0, 0, 100, 0], bytes),
  },
  {
    ...{ name: 'VXLAN-GPE', carries: 'ip', kind: 'ipv4', tunnel: TUNNEL_VXLAN, id: 101 },
    wrap: ({ kind, bytes }) => inUdp(4790, [0x0c, 0, 0, kind === 'ipv4' ? 1 : 2, 0, 0, 101, 0], bytes),
  },
  {
    ...{ name: 'Geneve', carries: 'both', kind: 'ipv4', tunnel: TUNNEL_GENEVE, id: 102 },
    wrap: (inner) => inUdp(6081, [2, 0, ...u16(typeOf(inner)), 0, 0, 102, 0, 1, 2, 0x80, 1, 0, 0, 0, 0], inner.bytes),
  },
  {
    ...{ name: 'GTP-U', carries: 'ip', kind: 'ipv4', tunnel: TUNNEL_GTPU, id: 103 },
    wrap: ({ bytes }) =>
      inUdp(2152, [0x34, 255, ...u16(bytes.length + 8), ...u32(103), 0, 0, 0, 0x85, 1, 0, 0, 0], bytes),
  },
  {
    ...{ name: 'TZSP', carries: 'frame', kind: 'ipv4', tunnel: TUNNEL_TZSP, id: 0 },
    wrap: ({ bytes }) => inUdp(37_008, [1, 0, 0, 1, 10, 1, 0, 1], bytes),
  },
];

const IP_IN_IP: readonly Encapsulation[] = [
  {
    ...{ name: 'IP in IPv4', carries: 'ip', kind: 'ipv4', tunnel: TUNNEL_IPIP, id: 0 },
    wrap: (inner) => ipv4(versionOf(inner), inner.bytes),
  },
  {
    ...{ name: 'IP in IPv6', carries: 'ip', kind: 'ipv6', tunnel: TUNNEL_IPIP, id: 0 },
    wrap: (inner) => ipv6(versionOf(inner), inner.bytes),
  },
  {
    ...{ name: 'IP in IPv6 with extension headers', carries: 'ip', kind: 'ipv6', tunnel: TUNNEL_IPIP, id: 0 },
    wrap: (inner) => ipv6(0, extensions(versionOf(inner), inner.bytes)),
  },
];

export const ENCAPSULATIONS: readonly Encapsulation[] = [...LINKS, ...GRE, ...UDP, ...IP_IN_IP];
