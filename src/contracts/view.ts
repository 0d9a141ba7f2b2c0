/**
 * One decoded TCP segment: plain numbers over borrowed bytes. A single instance is reused for every packet.
 *
 * Addresses are four 32-bit words in network order; an IPv4 address a.b.c.d is ::ffff:a.b.c.d, so that one flow
 * table serves both families.
 */
export class PacketView {
  /** Microseconds since 1970, integral. */
  tsUs = 0;
  /** Nanoseconds within that microsecond (0 to 999). */
  tsNs = 0;
  /** The batch's bytes; borrowed. */
  bytes: Uint8Array = EMPTY;
  ipVersion = 0;
  src0 = 0;
  src1 = 0;
  src2 = 0;
  src3 = 0;
  dst0 = 0;
  dst1 = 0;
  dst2 = 0;
  dst3 = 0;
  srcPort = 0;
  dstPort = 0;
  /** Sequence and acknowledgement numbers as signed 32-bit words. */
  seq = 0;
  ack = 0;
  /** TCP flags, `TCP_*` bits. */
  flags = 0;
  window = 0;
  /** Captured payload: `bytes[payloadStart, payloadEnd)`. */
  payloadStart = 0;
  payloadEnd = 0;
  /** Payload bytes the IP header promises; more than captured when a snap length cut the frame. */
  payloadBytes = 0;
  /** Bytes of the frame on the wire. */
  wireBytes = 0;
  /** Outermost VLAN id, -1 when untagged. */
  vlanId = -1;
  /** Innermost tunnel, a `TUNNEL_*` constant, and its identifier (VNI, session). */
  tunnelKind = 0;
  tunnelId = 0;
  interfaceIndex = 0;
}

const EMPTY = new Uint8Array(0);

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;

export const TUNNEL_NONE = 0;
export const TUNNEL_VXLAN = 1;
export const TUNNEL_GRE = 2;
export const TUNNEL_ERSPAN = 3;
export const TUNNEL_GENEVE = 4;
export const TUNNEL_GTPU = 5;
export const TUNNEL_IPIP = 6;
export const TUNNEL_TZSP = 7;

/** Names of the tunnels as they appear in `audit.tunnel`, indexed by `TUNNEL_*`. */
const TUNNEL_NAMES: readonly string[] = ['', 'vxlan', 'gre', 'erspan', 'geneve', 'gtpu', 'ipip', 'tzsp'];

/** A tunnel as `audit.tunnel` names it: `vxlan:100`; empty for none. */
export function tunnelName(kind: number, id: number): string {
  const name = TUNNEL_NAMES[kind] ?? '';
  return id === 0 ? name : `${name}:${id >>> 0}`;
}
