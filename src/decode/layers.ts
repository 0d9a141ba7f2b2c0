/**
 * What the layers of a frame share: the part of the frame that is still unread, and the numbers that name the next
 * step. A layer function reads one header at `frame.pos`, moves the bounds inwards and answers the next layer, or a
 * verdict that ends the walk. Nothing is allocated and nothing is copied.
 */

/** `PacketView` describes a TCP segment. */
export const DECODE_TCP = 0;
/** A legal frame without a TCP segment (ARP, UDP, ICMP, …). */
export const DECODE_NOT_TCP = 1;
/** A fragment whose datagram is not complete yet; its bytes were copied or dropped, and counted. */
export const DECODE_FRAGMENT = 2;
/** The snap length cut the frame inside a header. */
export const DECODE_CUT = 3;
/** A header contradicts itself. */
export const DECODE_MALFORMED = 4;
/** More headers inside each other than `LAYERS_MAX`. */
export const DECODE_TOO_DEEP = 5;
/** A link type that Wiretrail does not read. */
export const DECODE_LINK_UNKNOWN = 6;
export type DecodeVerdict = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** Steps of the walk; every number from `LAYER_FIRST` on is a layer, below are verdicts. */
export const LAYER_FIRST = 16;
export const LAYER_ETHERNET = 16;
/** Payload named by `frame.type`, an EtherType. */
export const LAYER_ETHERTYPE = 17;
/** Payload named by `frame.type`, an IP protocol number. */
export const LAYER_PROTOCOL = 18;
export const LAYER_IPV4 = 19;
export const LAYER_IPV6 = 20;
/** IPv4 or IPv6, by the version nibble. */
export const LAYER_IP = 21;
export const LAYER_TCP = 22;
export const LAYER_UDP = 23;
export const LAYER_GRE = 24;
export const LAYER_MPLS = 25;
export const LAYER_PPP = 26;
/** An IP fragment described by the `fragment*` fields. */
export const LAYER_FRAGMENT = 27;
export const LAYER_ERSPAN_2 = 28;
export const LAYER_ERSPAN_3 = 29;

/**
 * Steps of one frame, tunnels and tags included; a bound on the work that one frame can cause. A tunnel that carries
 * frames takes six: Ethernet, EtherType, IP, protocol, GRE, EtherType.
 */
export const LAYERS_MAX = 64;
/** Tunnels inside each other. */
export const TUNNELS_MAX = 8;
/** Longest IP packet without a length of its own (BIG TCP): Linux allows 512 KiB. */
export const UNSIZED_BYTES_MAX: number = 1 << 20;

/** The unread part of a frame. One instance is reused. */
export class Frame {
  bytes: Uint8Array = EMPTY;
  /** The same bytes: a number of several is one load through it. */
  data: DataView = EMPTY_DATA;
  /** Next unread byte. */
  pos = 0;
  /** End of the captured bytes. */
  end = 0;
  /** End of the packet as its headers or the wire length tell; beyond `end` when the frame was cut. */
  wireEnd = 0;
  /** EtherType or IP protocol, for `LAYER_ETHERTYPE` and `LAYER_PROTOCOL`. */
  type = 0;
  tunnels = 0;
  /** Of the fragment at `pos`: identification, offset in bytes, and whether more follow. */
  fragmentId = 0;
  fragmentOffset = 0;
  fragmentMore = false;
}

const EMPTY = new Uint8Array(0);
const EMPTY_DATA = new DataView(EMPTY.buffer);

/** Unsigned 16 bits at `p`; the caller has checked `p + 2 <= end`. */
export function u16(bytes: Uint8Array, p: number): number {
  return ((bytes[p] as number) << 8) | (bytes[p + 1] as number);
}

/** 24 bits at `p`; the caller has checked `p + 3 <= end`. */
export function u24(bytes: Uint8Array, p: number): number {
  return ((bytes[p] as number) << 16) | ((bytes[p + 1] as number) << 8) | (bytes[p + 2] as number);
}

/** Signed 32 bits at `p`; the caller has checked `p + 4 <= end`. */
export function i32(bytes: Uint8Array, p: number): number {
  return (
    ((bytes[p] as number) << 24) |
    ((bytes[p + 1] as number) << 16) |
    ((bytes[p + 2] as number) << 8) |
    (bytes[p + 3] as number)
  );
}
