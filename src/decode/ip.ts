/**
 * IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200), TCP (RFC 9293) and the port dispatch of UDP (RFC 768).
 *
 * Checksums are not verified: mirrored frames of a host with offloading carry unfinished ones.
 */
import { type PacketView, TUNNEL_IPIP } from '../contracts/view.ts';
import {
  DECODE_CUT,
  DECODE_MALFORMED,
  DECODE_NOT_TCP,
  DECODE_TCP,
  DECODE_TOO_DEEP,
  type Frame,
  i32,
  LAYER_FRAGMENT,
  LAYER_GRE,
  LAYER_IPV4,
  LAYER_IPV6,
  LAYER_MPLS,
  LAYER_PROTOCOL,
  LAYER_TCP,
  LAYER_UDP,
  UNSIZED_BYTES_MAX,
  u16,
} from './layers.ts';
import { enterTunnel } from './tunnel.ts';

const PROTOCOL_IPV4 = 4;
const PROTOCOL_HOP_BY_HOP = 0;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const PROTOCOL_IPV6 = 41;
const PROTOCOL_ROUTING = 43;
const PROTOCOL_FRAGMENT = 44;
const PROTOCOL_GRE = 47;
const PROTOCOL_AUTHENTICATION = 51;
const PROTOCOL_DESTINATION = 60;
const PROTOCOL_MOBILITY = 135;
const PROTOCOL_HIP = 139;
const PROTOCOL_SHIM6 = 140;
const PROTOCOL_MPLS = 137;

const IPV4_BYTES = 20;
const IPV4_MORE_FRAGMENTS = 0x2000;
const IPV4_OFFSET_MASK = 0x1fff;
/** Third word of an IPv4 address in IPv6 form; the two before are 0. */
export const IPV4_MAPPED = 0x0000ffff;
const IPV6_BYTES = 40;
const IPV6_FRAGMENT_BYTES = 8;
const TCP_BYTES = 20;

/** IPv4 or IPv6 by the version nibble. */
export function ip(frame: Frame): number {
  if (frame.pos >= frame.end) return DECODE_CUT;
  const version = (frame.bytes[frame.pos] as number) >> 4;
  if (version === 4) return LAYER_IPV4;
  return version === 6 ? LAYER_IPV6 : DECODE_NOT_TCP;
}

export function ipv4(frame: Frame, view: PacketView): number {
  const { bytes, data } = frame;
  const p = frame.pos;
  if (p + IPV4_BYTES > frame.end) return DECODE_CUT;
  const first = bytes[p] as number;
  const headerBytes = (first & 0x0f) << 2;
  if (first >> 4 !== 4 || headerBytes < IPV4_BYTES) return DECODE_MALFORMED;
  const totalBytes = data.getUint16(p + 2);
  if (totalBytes === 0) {
    // Segmentation offload of more than 64 KiB (BIG TCP): only the frame knows the length.
    if (frame.wireEnd - p > UNSIZED_BYTES_MAX) return DECODE_MALFORMED;
  } else {
    if (totalBytes < headerBytes) return DECODE_MALFORMED;
    frame.wireEnd = p + totalBytes;
    if (frame.end > frame.wireEnd) frame.end = frame.wireEnd;
  }
  if (p + headerBytes > frame.end) return DECODE_CUT;
  view.ipVersion = 4;
  view.src0 = view.src1 = view.dst0 = view.dst1 = 0;
  view.src2 = view.dst2 = IPV4_MAPPED;
  view.src3 = data.getInt32(p + 12);
  view.dst3 = data.getInt32(p + 16);
  frame.pos = p + headerBytes;
  frame.type = bytes[p + 9] as number;
  const fragment = data.getUint16(p + 6);
  if ((fragment & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK)) !== 0) {
    frame.fragmentId = data.getUint16(p + 4);
    frame.fragmentOffset = (fragment & IPV4_OFFSET_MASK) << 3;
    frame.fragmentMore = (fragment & IPV4_MORE_FRAGMENTS) !== 0;
    return LAYER_FRAGMENT;
  }
  return frame.type === PROTOCOL_TCP ? LAYER_TCP : LAYER_PROTOCOL;
}

export function ipv6(frame: Frame, view: PacketView): number {
  const { bytes, data } = frame;
  const p = frame.pos;
  if (p + IPV6_BYTES > frame.end) return DECODE_CUT;
  if ((bytes[p] as number) >> 4 !== 6) return DECODE_MALFORMED;
  const payloadBytes = data.getUint16(p + 4);
  if (payloadBytes === 0) {
    // A jumbogram (RFC 2675) or BIG TCP. The frame's length is used, not the jumbo option's claim.
    if (frame.wireEnd - p > UNSIZED_BYTES_MAX) return DECODE_MALFORMED;
  } else {
    frame.wireEnd = p + IPV6_BYTES + payloadBytes;
    if (frame.end > frame.wireEnd) frame.end = frame.wireEnd;
  }
  view.ipVersion = 6;
  view.src0 = data.getInt32(p + 8);
  view.src1 = data.getInt32(p + 12);
  view.src2 = data.getInt32(p + 16);
  view.src3 = data.getInt32(p + 20);
  view.dst0 = data.getInt32(p + 24);
  view.dst1 = data.getInt32(p + 28);
  view.dst2 = data.getInt32(p + 32);
  view.dst3 = data.getInt32(p + 36);
  frame.pos = p + IPV6_BYTES;
  frame.type = bytes[p + 6] as number;
  return frame.type === PROTOCOL_TCP ? LAYER_TCP : LAYER_PROTOCOL;
}

/** Dispatches `frame.type`; an IPv6 extension header is read and followed by another `LAYER_PROTOCOL` step. */
export function protocol(frame: Frame, view: PacketView): number {
  switch (frame.type) {
    case PROTOCOL_IPV4:
      return enterTunnel(frame, view, TUNNEL_IPIP, 0) ? LAYER_IPV4 : DECODE_TOO_DEEP;
    case PROTOCOL_IPV6:
      return enterTunnel(frame, view, TUNNEL_IPIP, 0) ? LAYER_IPV6 : DECODE_TOO_DEEP;
    case PROTOCOL_TCP:
      return LAYER_TCP;
    case PROTOCOL_UDP:
      return LAYER_UDP;
    case PROTOCOL_GRE:
      return LAYER_GRE;
    case PROTOCOL_MPLS:
      return LAYER_MPLS;
    case PROTOCOL_HOP_BY_HOP:
    case PROTOCOL_ROUTING:
    case PROTOCOL_DESTINATION:
    case PROTOCOL_MOBILITY:
    case PROTOCOL_HIP:
    case PROTOCOL_SHIM6:
      return extension(frame, 3);
    case PROTOCOL_AUTHENTICATION:
      return extension(frame, 2);
    case PROTOCOL_FRAGMENT:
      return fragment(frame);
    default:
      return DECODE_NOT_TCP;
  }
}

/** An extension header whose second byte counts units of `1 << unitShift` bytes: all but 8 bytes of it. */
function extension(frame: Frame, unitShift: number): number {
  const p = frame.pos;
  if (p + 8 > frame.end) return DECODE_CUT;
  const headerBytes = 8 + ((frame.bytes[p + 1] as number) << unitShift);
  if (p + headerBytes > frame.wireEnd) return DECODE_MALFORMED;
  if (p + headerBytes > frame.end) return DECODE_CUT;
  frame.type = frame.bytes[p] as number;
  frame.pos = p + headerBytes;
  return LAYER_PROTOCOL;
}

function fragment(frame: Frame): number {
  const bytes = frame.bytes;
  const p = frame.pos;
  if (p + IPV6_FRAGMENT_BYTES > frame.end) return DECODE_CUT;
  frame.type = bytes[p] as number;
  frame.pos = p + IPV6_FRAGMENT_BYTES;
  const word = u16(bytes, p + 2);
  frame.fragmentId = i32(bytes, p + 4);
  frame.fragmentOffset = word & 0xfff8;
  frame.fragmentMore = (word & 1) !== 0;
  // An atomic fragment (RFC 6946) is a whole datagram.
  return frame.fragmentOffset === 0 && !frame.fragmentMore ? LAYER_PROTOCOL : LAYER_FRAGMENT;
}

export function tcp(frame: Frame, view: PacketView): number {
  const { bytes, data } = frame;
  const p = frame.pos;
  if (p + TCP_BYTES > frame.end) return p + TCP_BYTES > frame.wireEnd ? DECODE_MALFORMED : DECODE_CUT;
  const headerBytes = ((bytes[p + 12] as number) >> 4) << 2;
  const payloadStart = p + headerBytes;
  if (headerBytes < TCP_BYTES || payloadStart > frame.wireEnd) return DECODE_MALFORMED;
  view.bytes = bytes;
  view.srcPort = data.getUint16(p);
  view.dstPort = data.getUint16(p + 2);
  view.seq = data.getInt32(p + 4);
  view.ack = data.getInt32(p + 8);
  view.flags = bytes[p + 13] as number;
  view.window = data.getUint16(p + 14);
  view.payloadBytes = frame.wireEnd - payloadStart;
  view.payloadStart = Math.min(payloadStart, frame.end);
  view.payloadEnd = frame.end;
  return DECODE_TCP;
}
