/**
 * What happens to packets between two hosts and a sensor, and what somebody may do to them on purpose: loss, copies,
 * delays, clocks, cuts, tunnels, fragments; flags, sequence and acknowledgement numbers; headers that lie.
 */
import { ethernetFrame, ipPacket, ipv4Packet, udpDatagram } from '#src/capture/frames.js';
import type { SyntheticPacket } from '#src/capture/synthetic.js';
import { LINK_ETHERNET } from '#src/contracts/packet.js';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '#src/contracts/view.js';
import { below, INTERESTING, pick, type Random } from './mutate.ts';

export type Packet = SyntheticPacket & { readonly link: number };

const PACKETS_MAX = 160;
const CHANGES_MAX = 10;
const FLOOD_MAX = 400;
const STEP_NS = 1000n;
/** Of a frame, where the headers of most are. */
const HEADER_BYTES = 78;
const ETHERNET_BYTES = 14;
const ETHERTYPE_IPV4 = 0x0800;
const PROTOCOL_IPIP = 4;
const PROTOCOL_TCP = 6;
const PROTOCOL_GRE = 47;
const VXLAN_PORT = 4789;
const FLAGS: readonly number[] = [
  TCP_SYN,
  TCP_SYN | TCP_ACK,
  TCP_FIN | TCP_ACK,
  TCP_RST,
  TCP_RST | TCP_ACK,
  TCP_ACK,
  TCP_ACK | TCP_PSH,
  0,
  0xff,
];
const NUMBER_STEPS: readonly number[] = [1, -1, 2, 10, -10, 1448, -1448, 65_536, 2 ** 24, 2 ** 30, 2 ** 31, -(2 ** 30)];
const TIME_STEPS_NS: readonly bigint[] = [1_000n, 60_000_000n, 4_000_000_000n, 40_000_000_000n, 200_000_000_000n];
const CLOCK_STEPS_NS: readonly bigint[] = [
  ...TIME_STEPS_NS,
  -5_000_000_000n,
  -90_000_000_000_000n,
  172_800_000_000_000n,
];

type Mutator = (packets: Packet[], random: Random, others: readonly (readonly Packet[])[]) => void;

/** Where the TCP header of an Ethernet frame with IPv4 begins; -1 of any other. */
function tcpAt({ bytes, link }: Packet): number {
  if (link !== LINK_ETHERNET || bytes.length < ETHERNET_BYTES + 40) return -1;
  if (bytes[12] !== 0x08 || bytes[13] !== 0 || bytes[ETHERNET_BYTES + 9] !== PROTOCOL_TCP) return -1;
  const at = ETHERNET_BYTES + ((bytes[ETHERNET_BYTES] as number) & 0x0f) * 4;
  return at + 20 <= bytes.length ? at : -1;
}

function edited(packet: Packet, change: (view: DataView, tcp: number) => void): Packet {
  const bytes = Uint8Array.from(packet.bytes);
  change(new DataView(bytes.buffer), tcpAt(packet));
  return { ...packet, bytes };
}

/** Changes one packet, or puts a changed copy in front of it. */
function touch(packets: Packet[], random: Random, change: (packet: Packet) => Packet | undefined): void {
  const at = below(random, packets.length);
  const packet = packets[at];
  const changed = packet && change(packet);
  if (changed !== undefined) packets.splice(at, random() < 0.5 ? 1 : 0, changed);
}

function renumbered(random: Random, field: 4 | 8): (packet: Packet) => Packet | undefined {
  return (packet) => {
    if (tcpAt(packet) < 0) return undefined;
    const step = pick(random, NUMBER_STEPS);
    return edited(packet, (view, tcp) => view.setUint32(tcp + field, view.getUint32(tcp + field) + step));
  };
}

/** The frame inside another: what is between two switches. */
function wrapped(packet: Packet, random: Random): Packet | undefined {
  if (packet.link !== LINK_ETHERNET || packet.bytes.length < ETHERNET_BYTES) return undefined;
  const inner = packet.bytes.subarray(ETHERNET_BYTES);
  const etherType = ((packet.bytes[12] as number) << 8) | (packet.bytes[13] as number);
  const from = { address: '10.9.0.1', port: 40_000 };
  const to = { address: '10.9.0.2', port: VXLAN_PORT };
  const tunnels: readonly (() => Uint8Array)[] = [
    () => ethernetFrame(etherType, inner, { vlans: [1 + below(random, 4000), 7].slice(0, 1 + below(random, 2)) }),
    () => ethernetFrame(ETHERTYPE_IPV4, ipPacket(from.address, to.address, PROTOCOL_IPIP, inner)),
    () => {
      const gre = Uint8Array.of(0, 0, etherType >> 8, etherType & 0xff, ...inner);
      return ethernetFrame(ETHERTYPE_IPV4, ipPacket(from.address, to.address, PROTOCOL_GRE, gre));
    },
    () => {
      const vxlan = Uint8Array.of(0x08, 0, 0, 0, 0, 0, below(random, 3), 0, ...packet.bytes);
      return ethernetFrame(ETHERTYPE_IPV4, ipPacket(from.address, to.address, 17, udpDatagram(from, to, vxlan)));
    },
  ];
  return { ...packet, bytes: pick(random, tunnels)() };
}

/** The packet as IPv4 fragments: in any order, now and then one too few, or one that reaches into the next. */
function fragmented(packet: Packet, random: Random): Packet[] {
  const tcp = tcpAt(packet);
  if (tcp < 0) return [packet];
  const ip = packet.bytes.subarray(ETHERNET_BYTES, tcp);
  const payload = packet.bytes.subarray(tcp);
  const [source, destination] = [ip.subarray(12, 16).join('.'), ip.subarray(16, 20).join('.')];
  const identification = below(random, 3);
  const fragments: Packet[] = [];
  for (let at = 0; at < payload.length; ) {
    const length = 8 * (1 + below(random, 12));
    const reach = random() < 0.1 ? 8 : 0;
    const more = at + length < payload.length ? 0x2000 : 0;
    const part = payload.subarray(at, at + length + reach);
    const fields = { identification, fragment: more | (at >> 3) };
    const bytes = ethernetFrame(ETHERTYPE_IPV4, ipv4Packet(source, destination, PROTOCOL_TCP, part, fields));
    if (random() > 0.03) fragments.splice(random() < 0.7 ? fragments.length : 0, 0, { ...packet, bytes });
    at += length;
  }
  return fragments;
}

const MUTATORS: readonly Mutator[] = [
  (packets, random) => packets.splice(below(random, packets.length), 1 + below(random, 3)),
  (packets, random) => {
    const packet = packets[below(random, packets.length)];
    if (packet) packets.splice(below(random, packets.length + 1), 0, packet);
  },
  (packets, random) => {
    const from = below(random, packets.length);
    const moved = packets.splice(from, 1 + below(random, 3));
    packets.splice(Math.max(0, from - 6 + below(random, 13)), 0, ...moved);
  },
  (packets, random) => touch(packets, random, renumbered(random, 4)),
  (packets, random) => touch(packets, random, renumbered(random, 8)),
  (packets, random) =>
    touch(packets, random, (packet) => {
      if (tcpAt(packet) < 0) return undefined;
      return edited(packet, (view, tcp) => view.setUint8(tcp + 13, pick(random, FLAGS)));
    }),
  (packets, random) =>
    touch(packets, random, (packet) =>
      edited(packet, (view) => {
        if (view.byteLength === 0) return;
        view.setUint8(below(random, Math.min(HEADER_BYTES, view.byteLength)), pick(random, INTERESTING));
      }),
    ),
  (packets, random) =>
    touch(packets, random, (packet) => {
      const bytes = packet.bytes.slice(0, below(random, packet.bytes.length + 1));
      return random() < 0.5 ? { ...packet, bytes } : { ...packet, bytes, wireBytes: packet.bytes.length };
    }),
  (packets, random) => {
    const stepNs = pick(random, random() < 0.7 ? TIME_STEPS_NS : CLOCK_STEPS_NS);
    for (let at = below(random, packets.length); at < packets.length; at++) {
      const packet = packets[at] as Packet;
      packets[at] = { ...packet, tsNs: packet.tsNs + stepNs };
    }
  },
  (packets, random) => touch(packets, random, (packet) => wrapped(packet, random)),
  (packets, random) => {
    const at = below(random, packets.length);
    const packet = packets[at];
    if (packet) packets.splice(at, 1, ...fragmented(packet, random));
  },
  (packets, random, others) => {
    const other = pick(random, others);
    const from = below(random, other.length);
    let at = below(random, packets.length + 1);
    for (const packet of other.slice(from, from + 40)) {
      packets.splice(at, 0, packet);
      at = Math.min(packets.length, at + 1 + below(random, 3));
    }
  },
  (packets, random) => {
    // One direction is not seen from here on.
    const from = below(random, packets.length);
    const port = packets[from] && sourcePort(packets[from]);
    const kept = packets.filter((packet, at) => at < from || sourcePort(packet) !== port);
    packets.splice(0, packets.length, ...kept);
  },
  (packets, random) => {
    const at = below(random, packets.length);
    const packet = packets[at];
    if (packet === undefined || tcpAt(packet) < 0 || random() > 0.2) return;
    const flood = Array.from({ length: 1 + below(random, FLOOD_MAX) }, (_, i) =>
      edited(packet, (view, tcp) => {
        view.setUint16(tcp, i + 1);
        if (random() < 0.5) view.setUint8(tcp + 13, TCP_SYN);
      }),
    );
    packets.splice(at, 0, ...flood);
  },
];

function sourcePort(packet: Packet): number {
  const tcp = tcpAt(packet);
  return tcp < 0 ? -1 : ((packet.bytes[tcp] as number) << 8) | (packet.bytes[tcp + 1] as number);
}

/** A part of a capture, changed. The same `random` gives the same. */
export function mutatePackets(captures: readonly (readonly Packet[])[], random: Random): Packet[] {
  const whole = pick(random, captures);
  const from = random() < 0.6 ? 0 : below(random, whole.length);
  const packets = whole.slice(from, from + 1 + below(random, PACKETS_MAX));
  for (let changes = 1 + below(random, CHANGES_MAX); changes > 0 && packets.length > 0; changes--) {
    pick(random, MUTATORS)(packets, random, captures);
  }
  return packets.map(atItsOwnTime());
}

/** A session is named by its ends and the time of its first packet: no two packets have the same, whatever clocks did. */
function atItsOwnTime(): (packet: Packet) => Packet {
  const taken = new Set<bigint>();
  return (packet) => {
    let tsNs = packet.tsNs;
    while (taken.has(tsNs)) tsNs += STEP_NS;
    taken.add(tsNs);
    return { ...packet, tsNs };
  };
}
