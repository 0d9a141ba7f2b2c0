/**
 * Tunnels: GRE (RFC 2784, 2890; version 1 of RFC 2637), ERSPAN I to III (draft-foschiano-erspan), VXLAN (RFC 7348) and
 * VXLAN-GPE, Geneve (RFC 8926), GTP-U (3GPP TS 29.281), TZSP, and IP in IP (RFC 2003, 2473, 4213).
 *
 * UDP tunnels are told by their destination port alone: their source port is a hash of the inner flow.
 */
import {
  type PacketView,
  TUNNEL_ERSPAN,
  TUNNEL_GENEVE,
  TUNNEL_GRE,
  TUNNEL_GTPU,
  TUNNEL_TZSP,
  TUNNEL_VXLAN,
} from '../contracts/view.ts';
import {
  DECODE_CUT,
  DECODE_MALFORMED,
  DECODE_NOT_TCP,
  DECODE_TOO_DEEP,
  type Frame,
  i32,
  LAYER_ERSPAN_2,
  LAYER_ERSPAN_3,
  LAYER_ETHERNET,
  LAYER_ETHERTYPE,
  LAYER_IP,
  LAYER_IPV4,
  LAYER_IPV6,
  LAYER_PPP,
  TUNNELS_MAX,
  u16,
  u24,
} from './layers.ts';
import { ETHERTYPE_PPP } from './link.ts';

const UDP_BYTES = 8;
const PORT_GTPU = 2152;
const PORT_VXLAN = 4789;
const PORT_VXLAN_GPE = 4790;
const PORT_GENEVE = 6081;
/** VXLAN as Linux spoke it before the port was assigned. */
const PORT_VXLAN_LINUX = 8472;
const PORT_TZSP = 37008;

const GRE_CHECKSUM = 0x8000;
const GRE_ROUTING = 0x4000;
const GRE_KEY = 0x2000;
const GRE_SEQUENCE = 0x1000;
const GRE_ACKNOWLEDGEMENT = 0x0080;
const GRE_VERSION = 0x0007;
const ETHERTYPE_ERSPAN_2 = 0x88be;
const ETHERTYPE_ERSPAN_3 = 0x22eb;
const ERSPAN_SESSION_MASK = 0x03ff;
const ERSPAN_2_BYTES = 8;
const ERSPAN_3_BYTES = 12;
const ERSPAN_3_SUBHEADER_BYTES = 8;
const ERSPAN_3_SUBHEADER = 0x0001;
const ERSPAN_3_TYPE_SHIFT = 10;
const ERSPAN_3_TYPE_MASK = 0x1f;
const ERSPAN_3_TYPE_IP = 2;

const VXLAN_BYTES = 8;
const VXLAN_ID_VALID = 0x08;
const VXLAN_GPE_NEXT = 0x04;
const GENEVE_BYTES = 8;
const GTPU_BYTES = 8;
const GTPU_OPTIONAL_BYTES = 4;
const GTPU_G_PDU = 255;
const GTPU_EXTENSION = 0x04;
const GTPU_OPTIONAL = 0x07;
const GTPU_EXTENSIONS_MAX = 8;
const TZSP_BYTES = 4;
const TZSP_TAG_PADDING = 0;
const TZSP_TAG_END = 1;
const TZSP_TAGS_MAX = 64;
const TZSP_ETHERNET = 1;

/** Notes a tunnel in the view, the innermost one last. False when there are too many inside each other. */
export function enterTunnel(frame: Frame, view: PacketView, kind: number, id: number): boolean {
  view.tunnelKind = kind;
  view.tunnelId = id;
  frame.tunnels++;
  return frame.tunnels <= TUNNELS_MAX;
}

export function udp(frame: Frame, view: PacketView): number {
  const p = frame.pos;
  if (p + UDP_BYTES > frame.end) return DECODE_CUT;
  const port = u16(frame.bytes, p + 2);
  const length = u16(frame.bytes, p + 4);
  // 0 with segmentation offload; a length beyond the packet is the sender's error and changes nothing.
  if (length >= UDP_BYTES && p + length < frame.wireEnd) {
    frame.wireEnd = p + length;
    if (frame.end > frame.wireEnd) frame.end = frame.wireEnd;
  }
  frame.pos = p + UDP_BYTES;
  switch (port) {
    case PORT_VXLAN:
    case PORT_VXLAN_LINUX:
      return vxlan(frame, view, false);
    case PORT_VXLAN_GPE:
      return vxlan(frame, view, true);
    case PORT_GENEVE:
      return geneve(frame, view);
    case PORT_GTPU:
      return gtpu(frame, view);
    case PORT_TZSP:
      return tzsp(frame, view);
    default:
      return DECODE_NOT_TCP;
  }
}

function vxlan(frame: Frame, view: PacketView, gpe: boolean): number {
  const bytes = frame.bytes;
  const p = frame.pos;
  if (p + VXLAN_BYTES > frame.end) return DECODE_CUT;
  const flags = bytes[p] as number;
  if ((flags & VXLAN_ID_VALID) === 0) return DECODE_NOT_TCP;
  if (!enterTunnel(frame, view, TUNNEL_VXLAN, u24(bytes, p + 4))) return DECODE_TOO_DEEP;
  frame.pos = p + VXLAN_BYTES;
  if (!gpe || (flags & VXLAN_GPE_NEXT) === 0) return LAYER_ETHERNET;
  const next = bytes[p + 3] as number;
  if (next === 1) return LAYER_IPV4;
  if (next === 2) return LAYER_IPV6;
  return next === 3 ? LAYER_ETHERNET : DECODE_NOT_TCP;
}

function geneve(frame: Frame, view: PacketView): number {
  const bytes = frame.bytes;
  const p = frame.pos;
  if (p + GENEVE_BYTES > frame.end) return DECODE_CUT;
  const first = bytes[p] as number;
  if (first >> 6 !== 0) return DECODE_NOT_TCP;
  const headerBytes = GENEVE_BYTES + ((first & 0x3f) << 2);
  if (p + headerBytes > frame.end) return DECODE_CUT;
  if (!enterTunnel(frame, view, TUNNEL_GENEVE, u24(bytes, p + 4))) return DECODE_TOO_DEEP;
  frame.type = u16(bytes, p + 2);
  frame.pos = p + headerBytes;
  return LAYER_ETHERTYPE;
}

function gtpu(frame: Frame, view: PacketView): number {
  const bytes = frame.bytes;
  let p = frame.pos;
  if (p + GTPU_BYTES > frame.end) return DECODE_CUT;
  const flags = bytes[p] as number;
  // Version 1, protocol type GTP (not GTP').
  if (flags >> 4 !== 3 || bytes[p + 1] !== GTPU_G_PDU) return DECODE_NOT_TCP;
  if (!enterTunnel(frame, view, TUNNEL_GTPU, i32(bytes, p + 4))) return DECODE_TOO_DEEP;
  p += GTPU_BYTES;
  if ((flags & GTPU_OPTIONAL) !== 0) {
    if (p + GTPU_OPTIONAL_BYTES > frame.end) return DECODE_CUT;
    let next = (flags & GTPU_EXTENSION) !== 0 ? (bytes[p + 3] as number) : 0;
    p += GTPU_OPTIONAL_BYTES;
    for (let i = 0; next !== 0; i++) {
      if (i === GTPU_EXTENSIONS_MAX) return DECODE_MALFORMED;
      if (p >= frame.end) return DECODE_CUT;
      const extensionBytes = (bytes[p] as number) << 2;
      if (extensionBytes === 0) return DECODE_MALFORMED;
      if (p + extensionBytes > frame.end) return DECODE_CUT;
      next = bytes[p + extensionBytes - 1] as number;
      p += extensionBytes;
    }
  }
  frame.pos = p;
  return LAYER_IP;
}

function tzsp(frame: Frame, view: PacketView): number {
  const bytes = frame.bytes;
  let p = frame.pos;
  if (p + TZSP_BYTES > frame.end) return DECODE_CUT;
  // Version 1; type 0 (received) or 1 (to transmit) carry a frame.
  if (bytes[p] !== 1 || (bytes[p + 1] as number) > 1 || u16(bytes, p + 2) !== TZSP_ETHERNET) return DECODE_NOT_TCP;
  p += TZSP_BYTES;
  for (let tags = 0; ; tags++) {
    if (tags === TZSP_TAGS_MAX) return DECODE_MALFORMED;
    if (p >= frame.end) return DECODE_CUT;
    const tag = bytes[p++] as number;
    if (tag === TZSP_TAG_END) break;
    if (tag === TZSP_TAG_PADDING) continue;
    if (p >= frame.end) return DECODE_CUT;
    p += 1 + (bytes[p] as number);
  }
  frame.pos = p;
  return enterTunnel(frame, view, TUNNEL_TZSP, 0) ? LAYER_ETHERNET : DECODE_TOO_DEEP;
}

export function gre(frame: Frame, view: PacketView): number {
  const bytes = frame.bytes;
  let p = frame.pos;
  if (p + 4 > frame.end) return DECODE_CUT;
  const flags = u16(bytes, p);
  const type = u16(bytes, p + 2);
  const version = flags & GRE_VERSION;
  if (version > 1 || (flags & GRE_ROUTING) !== 0) return DECODE_NOT_TCP;
  p += 4;
  if ((flags & GRE_CHECKSUM) !== 0) p += 4;
  let key = 0;
  if ((flags & GRE_KEY) !== 0) {
    if (p + 4 > frame.end) return DECODE_CUT;
    // In version 1 the upper half of the key is a length, the lower one the call id.
    key = version === 1 ? u16(bytes, p + 2) : i32(bytes, p);
    p += 4;
  }
  if ((flags & GRE_SEQUENCE) !== 0) p += 4;
  if (version === 1 && (flags & GRE_ACKNOWLEDGEMENT) !== 0) p += 4;
  if (p > frame.end) return DECODE_CUT;
  frame.pos = p;
  if (type === ETHERTYPE_ERSPAN_3) return LAYER_ERSPAN_3;
  if (type === ETHERTYPE_ERSPAN_2) {
    // Type I has neither GRE sequence number nor header of its own.
    if ((flags & GRE_SEQUENCE) !== 0) return LAYER_ERSPAN_2;
    return enterTunnel(frame, view, TUNNEL_ERSPAN, 0) ? LAYER_ETHERNET : DECODE_TOO_DEEP;
  }
  if (!enterTunnel(frame, view, TUNNEL_GRE, key)) return DECODE_TOO_DEEP;
  if (version === 1) return type === ETHERTYPE_PPP ? LAYER_PPP : DECODE_NOT_TCP;
  frame.type = type;
  return LAYER_ETHERTYPE;
}

export function erspan2(frame: Frame, view: PacketView): number {
  const p = frame.pos;
  if (p + ERSPAN_2_BYTES > frame.end) return DECODE_CUT;
  const session = u16(frame.bytes, p + 2) & ERSPAN_SESSION_MASK;
  frame.pos = p + ERSPAN_2_BYTES;
  return enterTunnel(frame, view, TUNNEL_ERSPAN, session) ? LAYER_ETHERNET : DECODE_TOO_DEEP;
}

export function erspan3(frame: Frame, view: PacketView): number {
  const bytes = frame.bytes;
  const p = frame.pos;
  if (p + ERSPAN_3_BYTES > frame.end) return DECODE_CUT;
  const session = u16(bytes, p + 2) & ERSPAN_SESSION_MASK;
  const word = u16(bytes, p + 10);
  frame.pos = p + ERSPAN_3_BYTES + ((word & ERSPAN_3_SUBHEADER) !== 0 ? ERSPAN_3_SUBHEADER_BYTES : 0);
  if (frame.pos > frame.end) return DECODE_CUT;
  if (!enterTunnel(frame, view, TUNNEL_ERSPAN, session)) return DECODE_TOO_DEEP;
  return ((word >> ERSPAN_3_TYPE_SHIFT) & ERSPAN_3_TYPE_MASK) === ERSPAN_3_TYPE_IP ? LAYER_IP : LAYER_ETHERNET;
}
