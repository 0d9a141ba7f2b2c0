/**
 * What most frames are, read at one go: Ethernet II, IPv4 (RFC 791) without options and no fragment, TCP (RFC 9293).
 * It believes what the layer functions believe (`plain.test.ts` compares them); every other frame is theirs.
 */
import type { PacketView } from '../contracts/view.ts';
import { IPV4_MAPPED } from './ip.ts';

const ETHERNET_BYTES = 14;
/** Of an IPv4 header, and of a TCP header, without options. */
const HEADER_BYTES = 20;
const HEADERS_BYTES = 2 * HEADER_BYTES;
/** EtherType, version and header length. */
const ETHERTYPE_IPV4_PLAIN = 0x080045;
/** More fragments, fragment offset; and the protocol two bytes behind. */
const FRAGMENT_AND_PROTOCOL = 0x3fff00ff;
const PROTOCOL_TCP = 6;

/**
 * Describes in `view` the segment of a frame that lies in `bytes[start, end)` (`data`: the same bytes). False, with the
 * view untouched, when the frame is not as plain as that, or not whole to the end of its TCP header.
 */
export function plainTcp(bytes: Uint8Array, data: DataView, start: number, end: number, view: PacketView): boolean {
  const ipv4 = start + ETHERNET_BYTES;
  const tcp = ipv4 + HEADER_BYTES;
  if (tcp + HEADER_BYTES > end) return false;
  if (data.getUint32(start + 12) >>> 8 !== ETHERTYPE_IPV4_PLAIN) return false;
  if ((data.getInt32(ipv4 + 6) & FRAGMENT_AND_PROTOCOL) !== PROTOCOL_TCP) return false;
  const totalBytes = data.getUint16(ipv4 + 2);
  const packetEnd = ipv4 + totalBytes;
  // Data offset, flags, window.
  const word = data.getInt32(tcp + 12);
  const headerBytes = (word >>> 28) << 2;
  const payloadStart = tcp + headerBytes;
  if (totalBytes < HEADERS_BYTES || headerBytes < HEADER_BYTES || payloadStart > packetEnd) return false;
  const src3 = data.getInt32(ipv4 + 12);
  const dst3 = data.getInt32(ipv4 + 16);
  const ports = data.getInt32(tcp);
  const seq = data.getInt32(tcp + 4);
  const ack = data.getInt32(tcp + 8);
  const payloadEnd = Math.min(end, packetEnd);
  view.bytes = bytes;
  view.ipVersion = 4;
  view.src0 = view.src1 = view.dst0 = view.dst1 = 0;
  view.src2 = view.dst2 = IPV4_MAPPED;
  view.src3 = src3;
  view.dst3 = dst3;
  view.srcPort = ports >>> 16;
  view.dstPort = ports & 0xffff;
  view.seq = seq;
  view.ack = ack;
  view.flags = (word >>> 16) & 0xff;
  view.window = word & 0xffff;
  view.payloadBytes = packetEnd - payloadStart;
  view.payloadStart = Math.min(payloadStart, payloadEnd);
  view.payloadEnd = payloadEnd;
  return true;
}
