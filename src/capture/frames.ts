/**
 * Builders of frames for tests, benches and demonstrations: Ethernet II with VLAN tags (IEEE 802.1Q), IPv4 (RFC 791),
 * IPv6 (RFC 8200), TCP (RFC 9293) and UDP (RFC 768), checksums included.
 */
import { isIPv6 } from 'node:net';

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_VLAN = 0x8100;
export const ETHERTYPE_SERVICE_VLAN = 0x88a8;
export const IP_PROTOCOL_TCP = 6;
export const IP_PROTOCOL_UDP = 17;

const ETHERNET_BYTES = 14;
const VLAN_BYTES = 4;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const TCP_BYTES = 20;
const UDP_BYTES = 8;
const HOP_LIMIT = 64;
const IPV4_CHECKSUM = 10;
const TCP_CHECKSUM = 16;
const UDP_CHECKSUM = 6;

/** An address and port in the usual notation. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface EthernetHeader {
  /** Six bytes; a fixed locally administered address by default. */
  readonly source?: Uint8Array;
  readonly destination?: Uint8Array;
  /** Tags, outermost first: the whole TCI, or with the service tag's EtherType. */
  readonly vlans?: readonly (number | { readonly tci: number; readonly etherType: number })[];
}

export interface TcpHeader {
  readonly seq: number;
  readonly ack?: number;
  /** `TCP_*` bits. */
  readonly flags: number;
  readonly window?: number;
  /** Padded to four bytes by the builder. */
  readonly options?: Uint8Array;
}

const MAC_SOURCE: Uint8Array = Uint8Array.of(0x02, 0, 0, 0, 0, 0x01);
const MAC_DESTINATION: Uint8Array = Uint8Array.of(0x02, 0, 0, 0, 0, 0x02);

export function ethernetFrame(etherType: number, payload: Uint8Array, header: EthernetHeader = {}): Uint8Array {
  const vlans = header.vlans ?? [];
  const headerBytes = ETHERNET_BYTES + vlans.length * VLAN_BYTES;
  const frame = new Uint8Array(headerBytes + payload.length);
  const view = new DataView(frame.buffer);
  frame.set(header.destination ?? MAC_DESTINATION, 0);
  frame.set(header.source ?? MAC_SOURCE, 6);
  let at = 12;
  for (const vlan of vlans) {
    const tag = typeof vlan === 'number' ? { tci: vlan, etherType: ETHERTYPE_VLAN } : vlan;
    view.setUint16(at, tag.etherType);
    view.setUint16(at + 2, tag.tci);
    at += VLAN_BYTES;
  }
  view.setUint16(at, etherType);
  frame.set(payload, headerBytes);
  return frame;
}

/** An IPv4 or IPv6 packet, by the notation of the addresses. */
export function ipPacket(source: string, destination: string, protocol: number, payload: Uint8Array): Uint8Array {
  return isIPv6(source)
    ? ipv6Packet(source, destination, protocol, payload)
    : ipv4Packet(source, destination, protocol, payload);
}

export interface Ipv4Fields {
  readonly identification?: number;
  /** Flags and fragment offset as they stand in the header. */
  readonly fragment?: number;
}

export function ipv4Packet(
  source: string,
  destination: string,
  protocol: number,
  payload: Uint8Array,
  fields: Ipv4Fields = {},
): Uint8Array {
  const packet = new Uint8Array(IPV4_BYTES + payload.length);
  const view = new DataView(packet.buffer);
  packet[0] = 0x45;
  view.setUint16(2, packet.length);
  view.setUint16(4, fields.identification ?? 0);
  view.setUint16(6, fields.fragment ?? 0x4000);
  packet[8] = HOP_LIMIT;
  packet[9] = protocol;
  packet.set(addressBytes(source), 12);
  packet.set(addressBytes(destination), 16);
  view.setUint16(IPV4_CHECKSUM, checksum(sum16(packet, 0, IPV4_BYTES)));
  packet.set(payload, IPV4_BYTES);
  return packet;
}

export function ipv6Packet(source: string, destination: string, nextHeader: number, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(IPV6_BYTES + payload.length);
  const view = new DataView(packet.buffer);
  packet[0] = 0x60;
  view.setUint16(4, payload.length);
  packet[6] = nextHeader;
  packet[7] = HOP_LIMIT;
  packet.set(addressBytes(source), 8);
  packet.set(addressBytes(destination), 24);
  packet.set(payload, IPV6_BYTES);
  return packet;
}

/** A TCP segment inside IP inside Ethernet. */
export function tcpFrame(
  from: Endpoint,
  to: Endpoint,
  header: TcpHeader,
  payload: Uint8Array,
  ethernet: EthernetHeader = {},
): Uint8Array {
  const segment = tcpSegment(from, to, header, payload);
  const packet = ipPacket(from.address, to.address, IP_PROTOCOL_TCP, segment);
  return ethernetFrame(isIPv6(from.address) ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4, packet, ethernet);
}

export function tcpSegment(from: Endpoint, to: Endpoint, header: TcpHeader, payload: Uint8Array): Uint8Array {
  const options = header.options ?? new Uint8Array(0);
  const headerBytes = TCP_BYTES + ((options.length + 3) & ~3);
  const segment = new Uint8Array(headerBytes + payload.length);
  const view = new DataView(segment.buffer);
  view.setUint16(0, from.port);
  view.setUint16(2, to.port);
  view.setUint32(4, header.seq);
  view.setUint32(8, header.ack ?? 0);
  segment[12] = (headerBytes / 4) << 4;
  segment[13] = header.flags;
  view.setUint16(14, header.window ?? 0xffff);
  segment.set(options, TCP_BYTES);
  segment.set(payload, headerBytes);
  view.setUint16(TCP_CHECKSUM, transportChecksum(from, to, IP_PROTOCOL_TCP, segment));
  return segment;
}

export function udpDatagram(from: Endpoint, to: Endpoint, payload: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(UDP_BYTES + payload.length);
  const view = new DataView(datagram.buffer);
  view.setUint16(0, from.port);
  view.setUint16(2, to.port);
  view.setUint16(4, datagram.length);
  datagram.set(payload, UDP_BYTES);
  view.setUint16(UDP_CHECKSUM, transportChecksum(from, to, IP_PROTOCOL_UDP, datagram));
  return datagram;
}

/** Bytes of an address in dotted or colon notation (with `::` and an embedded IPv4 tail, without a zone). */
export function addressBytes(address: string): Uint8Array {
  if (!isIPv6(address)) return Uint8Array.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const front = groupBytes(head);
  if (tail === undefined) return Uint8Array.from(front);
  const back = groupBytes(tail);
  return Uint8Array.from([...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back]);
}

function groupBytes(groups: string): number[] {
  const bytes: number[] = [];
  for (const group of groups.split(':')) {
    if (group === '') continue;
    if (group.includes('.')) bytes.push(...group.split('.').map(Number));
    else bytes.push(Number.parseInt(group, 16) >>> 8, Number.parseInt(group, 16) & 0xff);
  }
  return bytes;
}

/** Ones' complement sum of 16-bit words (RFC 1071), not yet folded; an odd last byte is padded with zero. */
function sum16(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at += 2) sum += ((bytes[at] as number) << 8) | (bytes[at + 1] ?? 0);
  return sum;
}

function checksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

function transportChecksum(from: Endpoint, to: Endpoint, protocol: number, payload: Uint8Array): number {
  const source = addressBytes(from.address);
  const destination = addressBytes(to.address);
  const pseudo = sum16(source, 0, source.length) + sum16(destination, 0, destination.length) + protocol;
  const value = checksum(pseudo + payload.length + sum16(payload, 0, payload.length));
  // Zero would mean "no checksum" in UDP; both protocols read 0xffff as the same number.
  return value === 0 ? 0xffff : value;
}
