/**
 * Link layers: Ethernet II and 802.3/SNAP, VLAN tags (802.1Q, 802.1ad, and the older 0x9100 family), MPLS label stacks
 * (RFC 3032, RFC 4385), PPPoE (RFC 2516), Linux cooked captures, BSD loopback, raw IP.
 */
import {
  LINK_ETHERNET,
  LINK_IPV4,
  LINK_IPV6,
  LINK_LINUX_SLL,
  LINK_LINUX_SLL2,
  LINK_LOOP,
  LINK_NULL,
  LINK_RAW_IP,
} from '../contracts/packet.ts';
import type { PacketView } from '../contracts/view.ts';
import {
  DECODE_CUT,
  DECODE_LINK_UNKNOWN,
  DECODE_MALFORMED,
  DECODE_NOT_TCP,
  type Frame,
  LAYER_ETHERNET,
  LAYER_ETHERTYPE,
  LAYER_IP,
  LAYER_IPV4,
  LAYER_IPV6,
  LAYER_MPLS,
  LAYER_PPP,
  u16,
} from './layers.ts';

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_TEB = 0x6558;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_VLAN_SERVICE = 0x88a8;
const ETHERTYPE_VLAN_9100 = 0x9100;
const ETHERTYPE_VLAN_9200 = 0x9200;
const ETHERTYPE_MPLS = 0x8847;
const ETHERTYPE_MPLS_MULTICAST = 0x8848;
const ETHERTYPE_PPPOE = 0x8864;
export const ETHERTYPE_PPP = 0x880b;
/** A type field up to this is a length (802.3). */
const LENGTH_MAX = 1500;

const ETHERNET_BYTES = 14;
const VLAN_BYTES = 4;
const SNAP_BYTES = 8;
const PPPOE_BYTES = 6;
const SLL_BYTES = 16;
const SLL2_BYTES = 20;
const FAMILY_BYTES = 4;
const MPLS_BYTES = 4;
const MPLS_BOTTOM = 0x01;
const MPLS_LABELS_MAX = 16;
const VLAN_ID_MASK = 0x0fff;

const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;
const PPP_MPLS = 0x0281;

/** First layer of a link type, with the link's own header read where it is not Ethernet. */
export function linkLayer(link: number, frame: Frame): number {
  switch (link) {
    case LINK_ETHERNET:
      return LAYER_ETHERNET;
    case LINK_RAW_IP:
      return LAYER_IP;
    case LINK_IPV4:
      return LAYER_IPV4;
    case LINK_IPV6:
      return LAYER_IPV6;
    case LINK_LINUX_SLL:
      return cooked(frame, 14, SLL_BYTES);
    case LINK_LINUX_SLL2:
      return cooked(frame, 0, SLL2_BYTES);
    case LINK_NULL:
    case LINK_LOOP:
      return loopback(frame);
    default:
      return DECODE_LINK_UNKNOWN;
  }
}

function cooked(frame: Frame, typeOffset: number, headerBytes: number): number {
  const p = frame.pos;
  if (p + headerBytes > frame.end) return DECODE_CUT;
  frame.type = u16(frame.bytes, p + typeOffset);
  frame.pos = p + headerBytes;
  return LAYER_ETHERTYPE;
}

/** The family's number for IPv6 differs by system, and its byte order by the capturing host: the packet decides. */
function loopback(frame: Frame): number {
  if (frame.pos + FAMILY_BYTES > frame.end) return DECODE_CUT;
  frame.pos += FAMILY_BYTES;
  return LAYER_IP;
}

export function ethernet(frame: Frame): number {
  const p = frame.pos;
  if (p + ETHERNET_BYTES > frame.end) return DECODE_CUT;
  frame.type = frame.data.getUint16(p + 12);
  frame.pos = p + ETHERNET_BYTES;
  return LAYER_ETHERTYPE;
}

export function ethertype(frame: Frame, view: PacketView): number {
  switch (frame.type) {
    case ETHERTYPE_IPV4:
      return LAYER_IPV4;
    case ETHERTYPE_IPV6:
      return LAYER_IPV6;
    case ETHERTYPE_VLAN:
    case ETHERTYPE_VLAN_SERVICE:
    case ETHERTYPE_VLAN_9100:
    case ETHERTYPE_VLAN_9200:
      return vlan(frame, view);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
      return LAYER_MPLS;
    case ETHERTYPE_PPPOE:
      return pppoe(frame);
    case ETHERTYPE_PPP:
      return LAYER_PPP;
    case ETHERTYPE_TEB:
      return LAYER_ETHERNET;
    default:
      return frame.type <= LENGTH_MAX ? snap(frame) : DECODE_NOT_TCP;
  }
}

function vlan(frame: Frame, view: PacketView): number {
  const p = frame.pos;
  if (p + VLAN_BYTES > frame.end) return DECODE_CUT;
  setVlan(view, u16(frame.bytes, p));
  frame.type = u16(frame.bytes, p + 2);
  frame.pos = p + VLAN_BYTES;
  return LAYER_ETHERTYPE;
}

/** Keeps the outermost VLAN. An id of 0 is a priority tag and names no VLAN. */
export function setVlan(view: PacketView, tci: number): void {
  const id = tci & VLAN_ID_MASK;
  if (view.vlanId < 0 && id !== 0) view.vlanId = id;
}

/** 802.2 with SNAP and an EtherType (RFC 1042); other 802.3 frames carry no IP. */
function snap(frame: Frame): number {
  const p = frame.pos;
  if (p + SNAP_BYTES > frame.end) return DECODE_NOT_TCP;
  if (u16(frame.bytes, p) !== 0xaaaa || frame.bytes[p + 2] !== 0x03) return DECODE_NOT_TCP;
  const type = u16(frame.bytes, p + 6);
  if (type <= LENGTH_MAX) return DECODE_NOT_TCP;
  frame.type = type;
  frame.pos = p + SNAP_BYTES;
  return LAYER_ETHERTYPE;
}

/** Below the stack nothing names the payload: IP by its version, else a pseudowire with or without control word. */
export function mpls(frame: Frame): number {
  const bytes = frame.bytes;
  let p = frame.pos;
  for (let labels = 0; ; labels++) {
    if (labels === MPLS_LABELS_MAX) return DECODE_MALFORMED;
    if (p + MPLS_BYTES > frame.end) return DECODE_CUT;
    const bottom = ((bytes[p + 2] as number) & MPLS_BOTTOM) !== 0;
    p += MPLS_BYTES;
    if (bottom) break;
  }
  frame.pos = p;
  if (p + MPLS_BYTES > frame.end) return DECODE_CUT;
  const nibble = (bytes[p] as number) >> 4;
  if (nibble === 4) return LAYER_IPV4;
  if (nibble === 6) return LAYER_IPV6;
  if (nibble === 0) frame.pos = p + MPLS_BYTES;
  return LAYER_ETHERNET;
}

function pppoe(frame: Frame): number {
  const p = frame.pos;
  if (p + PPPOE_BYTES > frame.end) return DECODE_CUT;
  if (frame.bytes[p] !== 0x11) return DECODE_MALFORMED;
  if (frame.bytes[p + 1] !== 0) return DECODE_NOT_TCP;
  frame.pos = p + PPPOE_BYTES;
  return LAYER_PPP;
}

/** PPP (RFC 1661), address and control field optional, protocol field of one byte when its low bit is set. */
export function ppp(frame: Frame): number {
  const bytes = frame.bytes;
  let p = frame.pos;
  if (p + 2 > frame.end) return DECODE_CUT;
  if (bytes[p] === 0xff && bytes[p + 1] === 0x03) p += 2;
  if (p + 2 > frame.end) return DECODE_CUT;
  const first = bytes[p] as number;
  const short = (first & 1) !== 0;
  const protocol = short ? first : u16(bytes, p);
  frame.pos = p + (short ? 1 : 2);
  if (protocol === PPP_IPV4) return LAYER_IPV4;
  if (protocol === PPP_IPV6) return LAYER_IPV6;
  return protocol === PPP_MPLS ? LAYER_MPLS : DECODE_NOT_TCP;
}
