/** Every header that leads to a TCP segment, one frame each; then cut, mutated and made-up frames. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  LINK_ETHERNET,
  LINK_IPV4,
  LINK_IPV6,
  LINK_LINUX_SLL,
  LINK_LINUX_SLL2,
  LINK_LOOP,
  LINK_NULL,
  LINK_RAW_IP,
  VLAN_PRESENT,
  VLAN_SERVICE,
} from '../contracts/packet.ts';
import {
  PacketView,
  TCP_ACK,
  TCP_PSH,
  TUNNEL_ERSPAN,
  TUNNEL_GENEVE,
  TUNNEL_GRE,
  TUNNEL_GTPU,
  TUNNEL_IPIP,
  TUNNEL_NONE,
  TUNNEL_TZSP,
  TUNNEL_VXLAN,
} from '../contracts/view.ts';
import { Decoder } from './decoder.ts';
import {
  DECODE_CUT,
  DECODE_LINK_UNKNOWN,
  DECODE_MALFORMED,
  DECODE_NOT_TCP,
  DECODE_TCP,
  DECODE_TOO_DEEP,
  TUNNELS_MAX,
} from './layers.ts';
import {
  type Bytes,
  batchOf,
  ethernet,
  type FrameFields,
  ipv4,
  ipv6,
  tcp,
  text,
  u16,
  u32,
  udp,
  vlan,
} from './testing.ts';

const QUERY = text('SELECT 1');
const SEGMENT = tcp(QUERY);
const V4 = ipv4(6, SEGMENT);
const V6 = ipv6(6, SEGMENT);
const FRAME = ethernet(0x0800, V4);

function decode(frame: Bytes, fields: FrameFields = {}): { verdict: number; view: PacketView; payload: string } {
  const decoder = new Decoder();
  const view = new PacketView();
  const verdict = decoder.decode(batchOf(frame, fields), 0, view);
  const payload = Buffer.from(view.bytes.subarray(view.payloadStart, view.payloadEnd)).toString('latin1');
  return { verdict, view, payload };
}

test('a plain frame: every field of the view', () => {
  const { verdict, view, payload } = decode(FRAME, { seconds: -1, nanoseconds: 123_456_789 });
  assert.equal(verdict, DECODE_TCP);
  assert.equal(payload, 'SELECT 1');
  const { bytes: _bytes, payloadStart: _start, payloadEnd: _end, ...rest } = view;
  assert.deepEqual(rest, {
    tsUs: 4_294_967_295_123_456,
    tsNs: 789,
    ipVersion: 4,
    src0: 0,
    src1: 0,
    src2: 0xffff,
    src3: 0x0a000001,
    dst0: 0,
    dst1: 0,
    dst2: 0xffff,
    dst3: 0x0a000002,
    srcPort: 40_000,
    dstPort: 5432,
    seq: 7,
    ack: 9,
    flags: TCP_ACK | TCP_PSH,
    window: 256,
    payloadBytes: 8,
    wireBytes: 62,
    vlanId: -1,
    tunnelKind: TUNNEL_NONE,
    tunnelId: 0,
    interfaceIndex: 3,
  });
});

const EXTENSIONS = [
  ...[60, 0, ...new Array(6).fill(1)],
  ...[43, 1, ...new Array(14).fill(1)],
  ...[51, 0, ...new Array(6).fill(1)],
  ...[44, 1, ...new Array(10).fill(1)],
  ...[6, 0, 0, 0, 0, 0, 0, 1],
];
const MPLS_TWO = [...u32(0x00064040), ...u32(0x000c8140)];
const ERSPAN_2 = [...u16(0x1000), ...u16(0x0155), ...u32(0)];
const ERSPAN_3 = (word: number): Bytes => [...u16(0x2000), ...u16(0x0155), ...u32(0), ...u16(0), ...u16(word)];

/** name, frame, expected parts of the view; payload and verdict are the same for all. */
const FRAMES: readonly (readonly [string, Bytes, Partial<PacketView>, FrameFields?])[] = [
  ['Ethernet padding', [...FRAME, 0, 0, 0, 0, 0, 0], { payloadBytes: 8 }],
  ['IPv4 options', ethernet(0x0800, ipv4(6, SEGMENT, { options: [1, 1, 1, 1, 7, 4, 4, 0] })), {}],
  ['TCP options', ethernet(0x0800, ipv4(6, tcp(QUERY, new Array(12).fill(1)))), {}],
  ['IPv4 length 0 (BIG TCP)', ethernet(0x0800, ipv4(6, SEGMENT, { totalBytes: 0 })), { payloadBytes: 8 }],
  ['IPv6', ethernet(0x86dd, V6), { ipVersion: 6, src0: 0x20010db8, dst3: 2 }],
  ['IPv6 length 0 (BIG TCP)', ethernet(0x86dd, ipv6(6, SEGMENT, 0)), { payloadBytes: 8 }],
  [
    'IPv6 jumbogram',
    ethernet(0x86dd, ipv6(0, [6, 0, 0xc2, 4, ...u32(36), ...SEGMENT], 0)),
    { ipVersion: 6, payloadBytes: 8 },
  ],
  ['IPv6 extension headers', ethernet(0x86dd, ipv6(0, [...EXTENSIONS, ...SEGMENT])), { ipVersion: 6 }],
  ['802.1Q', ethernet(0x8100, vlan(5, 0x0800, V4)), { vlanId: 5 }],
  ['priority tag', ethernet(0x8100, vlan(0, 0x0800, V4)), { vlanId: -1 }],
  ['QinQinQ', ethernet(0x88a8, vlan(5, 0x9100, vlan(6, 0x8100, vlan(7, 0x0800, V4)))), { vlanId: 5 }],
  ['VLAN of the descriptor', FRAME, { vlanId: 9 }, { vlan: VLAN_PRESENT | 0x2009 }],
  [
    'service VLAN of the descriptor, customer VLAN in the frame',
    ethernet(0x8100, vlan(5, 0x86dd, V6)),
    { vlanId: 9 },
    { vlan: VLAN_PRESENT | VLAN_SERVICE | 9 },
  ],
  ['SNAP', ethernet(60, [0xaa, 0xaa, 3, 0, 0, 0, 8, 0, ...V4]), {}],
  ['MPLS, two labels', ethernet(0x8847, [...MPLS_TWO, ...V4]), {}],
  ['MPLS, IPv6', ethernet(0x8847, [...MPLS_TWO, ...V6]), { ipVersion: 6 }],
  ['MPLS pseudowire with control word', ethernet(0x8847, [...MPLS_TWO, 0, 0, 0, 0, ...FRAME]), {}],
  ['PPPoE', ethernet(0x8864, [0x11, 0, 0, 1, 0, 50, 0, 0x21, ...V4]), {}],
  ['PPPoE, IPv6, short protocol field', ethernet(0x8864, [0x11, 0, 0, 1, 0, 90, 0x57, ...V6]), { ipVersion: 6 }],
  ['raw IP', V4, {}, { link: LINK_RAW_IP }],
  ['raw IP, version 6', V6, { ipVersion: 6 }, { link: LINK_RAW_IP }],
  ['IPv4 link', V4, {}, { link: LINK_IPV4 }],
  ['IPv6 link', V6, { ipVersion: 6 }, { link: LINK_IPV6 }],
  ['BSD loopback', [2, 0, 0, 0, ...V4], {}, { link: LINK_NULL }],
  ['OpenBSD loopback', [0, 0, 0, 24, ...V6], { ipVersion: 6 }, { link: LINK_LOOP }],
  ['Linux cooked', [0, 0, 0, 1, 0, 6, ...new Array(8).fill(0), 8, 0, ...V4], {}, { link: LINK_LINUX_SLL }],
  [
    'Linux cooked 2, tagged',
    [0x81, 0, ...new Array(18).fill(0), ...vlan(5, 0x0800, V4)],
    { vlanId: 5 },
    { link: LINK_LINUX_SLL2 },
  ],
  ['VXLAN', tunnel(4789, [8, 0, 0, 0, 0, 0x12, 0x34, 0, ...FRAME]), { tunnelKind: TUNNEL_VXLAN, tunnelId: 0x1234 }],
  ['VXLAN-GPE, IPv4', tunnel(4790, [12, 0, 0, 1, 0, 0, 9, 0, ...V4]), { tunnelKind: TUNNEL_VXLAN, tunnelId: 9 }],
  [
    'Geneve with options',
    tunnel(6081, [1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 4, ...FRAME]),
    { tunnelKind: TUNNEL_GENEVE, tunnelId: 7 },
  ],
  ['GTP-U', tunnel(2152, [0x30, 255, 0, 68, 0, 0, 1, 2, ...V4]), { tunnelKind: TUNNEL_GTPU, tunnelId: 258 }],
  [
    'GTP-U with extension header',
    tunnel(2152, [0x34, 255, 0, 68, 0, 0, 1, 2, 0, 0, 0, 0x85, 1, 0, 0, 0, ...V6]),
    { tunnelKind: TUNNEL_GTPU, tunnelId: 258, ipVersion: 6 },
  ],
  ['TZSP', tunnel(37008, [1, 0, 0, 1, 10, 1, 99, 0, 1, ...FRAME]), { tunnelKind: TUNNEL_TZSP }],
  ['GRE', gre([0, 0, 8, 0, ...V4]), { tunnelKind: TUNNEL_GRE, tunnelId: 0 }],
  [
    'GRE with checksum, key and sequence number, Ethernet inside',
    gre([0xb0, 0, 0x65, 0x58, ...u32(0), ...u32(77), ...u32(1), ...FRAME]),
    { tunnelKind: TUNNEL_GRE, tunnelId: 77 },
  ],
  [
    'GRE version 1 (PPTP)',
    gre([0x30, 0x81, 0x88, 0x0b, 0, 66, 0, 5, ...u32(1), ...u32(2), 0xff, 3, 0, 0x21, ...V4]),
    { tunnelKind: TUNNEL_GRE, tunnelId: 5 },
  ],
  ['ERSPAN I', gre([0, 0, 0x88, 0xbe, ...FRAME]), { tunnelKind: TUNNEL_ERSPAN, tunnelId: 0 }],
  [
    'ERSPAN II',
    gre([0x10, 0, 0x88, 0xbe, ...u32(1), ...ERSPAN_2, ...FRAME]),
    { tunnelKind: TUNNEL_ERSPAN, tunnelId: 0x155 },
  ],
  [
    'ERSPAN III',
    gre([0x10, 0, 0x22, 0xeb, ...u32(1), ...ERSPAN_3(0), ...FRAME]),
    { tunnelKind: TUNNEL_ERSPAN, tunnelId: 0x155 },
  ],
  [
    'ERSPAN III, IP inside, with subheader',
    gre([0x10, 0, 0x22, 0xeb, ...u32(1), ...ERSPAN_3((2 << 10) | 1), ...u32(0), ...u32(0), ...V4]),
    { tunnelKind: TUNNEL_ERSPAN, tunnelId: 0x155 },
  ],
  ['IPv4 in IPv4', ethernet(0x0800, ipv4(4, V4)), { tunnelKind: TUNNEL_IPIP }],
  ['IPv6 in IPv4', ethernet(0x0800, ipv4(41, V6)), { tunnelKind: TUNNEL_IPIP, ipVersion: 6 }],
  ['IPv4 in IPv6', ethernet(0x86dd, ipv6(4, V4)), { tunnelKind: TUNNEL_IPIP, ipVersion: 4 }],
  ['IPv6 in IPv6', ethernet(0x86dd, ipv6(41, V6)), { tunnelKind: TUNNEL_IPIP, ipVersion: 6 }],
  [
    'a tunnel in a tunnel: the inner one and the outermost VLAN count',
    ethernet(
      0x8100,
      vlan(5, 0x0800, ipv4(47, [0, 0, 8, 0, ...ipv4(17, udp(4789, [8, 0, 0, 0, 0, 0, 3, 0, ...FRAME]))])),
    ),
    { tunnelKind: TUNNEL_VXLAN, tunnelId: 3, vlanId: 5 },
  ],
];

function tunnel(port: number, payload: Bytes): Bytes {
  return ethernet(0x0800, ipv4(17, udp(port, payload)));
}

function gre(payload: Bytes): Bytes {
  return ethernet(0x0800, ipv4(47, payload));
}

for (const [name, frame, expected, fields] of FRAMES) {
  test(name, () => {
    const { verdict, view, payload } = decode(frame, fields);
    assert.equal(verdict, DECODE_TCP);
    assert.equal(payload, 'SELECT 1');
    assert.deepEqual({ ...view, ...expected }, { ...view });
    // The same frame, cut at every length: never more payload than there is, and never a byte beyond it.
    for (let captured = 0; captured < frame.length; captured++) {
      const cut = decode(frame, { ...fields, capturedBytes: captured, wireBytes: frame.length });
      if (cut.verdict === DECODE_TCP) {
        assert.equal(cut.view.payloadBytes, 8);
        assert.ok('SELECT 1'.startsWith(cut.payload), cut.payload);
      } else {
        assert.ok(cut.verdict === DECODE_CUT || cut.verdict === DECODE_NOT_TCP, `verdict ${cut.verdict}`);
      }
    }
  });
}

test('frames that hold no TCP segment, or none that can be believed', () => {
  const cases: readonly (readonly [string, number, Bytes, FrameFields?])[] = [
    ['ARP', DECODE_NOT_TCP, ethernet(0x0806, new Array(28).fill(0))],
    ['ICMP', DECODE_NOT_TCP, ethernet(0x0800, ipv4(1, [8, 0, 0, 0]))],
    ['UDP', DECODE_NOT_TCP, tunnel(53, SEGMENT)],
    ['no next header', DECODE_NOT_TCP, ethernet(0x86dd, ipv6(59, SEGMENT))],
    ['unknown link', DECODE_LINK_UNKNOWN, FRAME, { link: 147 }],
    ['version 4 said to be 6', DECODE_MALFORMED, V4, { link: LINK_IPV6 }],
    ['IP header length', DECODE_MALFORMED, ethernet(0x0800, [0x44, ...V4.slice(1)])],
    ['IP total length', DECODE_MALFORMED, ethernet(0x0800, ipv4(6, SEGMENT, { totalBytes: 19 }))],
    [
      'TCP header length',
      DECODE_MALFORMED,
      ethernet(0x0800, ipv4(6, [...SEGMENT.slice(0, 12), 0x40, ...SEGMENT.slice(13)])),
    ],
    [
      'TCP header beyond the packet',
      DECODE_MALFORMED,
      ethernet(0x0800, ipv4(6, [...SEGMENT.slice(0, 12), 0xf0, ...SEGMENT.slice(13)])),
    ],
    ['TCP header too short', DECODE_MALFORMED, ethernet(0x0800, ipv4(6, SEGMENT.slice(0, 12)))],
    ['extension header beyond the packet', DECODE_MALFORMED, ethernet(0x86dd, ipv6(0, [6, 255, ...SEGMENT]))],
    [
      'unsized packet of more than a megabyte',
      DECODE_MALFORMED,
      ethernet(0x0800, ipv4(6, SEGMENT, { totalBytes: 0 })),
      { wireBytes: 2_000_000 },
    ],
    ['endless MPLS', DECODE_MALFORMED, ethernet(0x8847, new Array(400).fill(0))],
    ['endless VLAN tags', DECODE_TOO_DEEP, ethernet(0x8100, new Array(200).fill([0, 1, 0x81, 0]).flat())],
    [
      'GTP-U extension of length 0',
      DECODE_MALFORMED,
      tunnel(2152, [0x34, 255, 0, 9, 0, 0, 0, 1, 0, 0, 0, 5, 0, ...V4]),
    ],
  ];
  for (const [name, verdict, frame, fields] of cases) assert.equal(decode(frame, fields).verdict, verdict, name);
  let nested: Bytes = V4;
  for (let i = 0; i < 9; i++) nested = ipv4(4, nested);
  assert.equal(decode(ethernet(0x0800, nested)).verdict, DECODE_TOO_DEEP);
  // Frames in frames, the deepest way down.
  let frame: Bytes = ethernet(0x0800, V4);
  for (let i = 0; i < TUNNELS_MAX; i++) frame = ethernet(0x0800, ipv4(47, [0, 0, 0x65, 0x58, ...frame]));
  assert.equal(decode(frame).verdict, DECODE_TCP);
  assert.equal(decode(ethernet(0x0800, ipv4(47, [0, 0, 0x65, 0x58, ...frame]))).verdict, DECODE_TOO_DEEP);
});

test('mutated and made-up frames: always a verdict, payload always inside the frame, counters add up', () => {
  const decoder = new Decoder();
  const view = new PacketView();
  let frames = 0;
  const check = (frame: Bytes, fields: FrameFields): void => {
    const batch = batchOf(frame, fields);
    const verdict = decoder.decode(batch, 0, view);
    frames++;
    assert.ok(verdict >= DECODE_TCP && verdict <= DECODE_LINK_UNKNOWN);
    if (verdict !== DECODE_TCP) return;
    const end = view.bytes === batch.bytes ? 32 + frame.length : view.bytes.length;
    assert.ok(view.payloadStart <= view.payloadEnd && view.payloadEnd <= end);
    assert.ok(view.payloadEnd - view.payloadStart <= view.payloadBytes);
    assert.ok(view.payloadBytes <= 1 << 20);
  };
  const links = [LINK_ETHERNET, LINK_RAW_IP, LINK_NULL, LINK_LINUX_SLL, LINK_LINUX_SLL2];
  const mutations = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.nat(FRAMES.length - 1), mutations, (which, changes) => {
      const [, frame, , fields] = FRAMES[which] as (typeof FRAMES)[number];
      const mutated = [...frame];
      for (const [at, value] of changes) mutated[at % frame.length] = value;
      check(mutated, fields ?? {});
    }),
    { seed: 42, numRuns: 5000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(...links), fc.nat(2000), (bytes, link, extra) => {
      check([...bytes], { link, wireBytes: bytes.length + extra });
    }),
    { seed: 42, numRuns: 2000 },
  );
  const { counters } = decoder;
  assert.equal(counters.frames, frames);
  const { tcp: segments, notTcp, fragment, cut, malformed, tooDeep, linkUnknown } = counters;
  assert.equal(segments + notTcp + fragment + cut + malformed + tooDeep + linkUnknown, frames);
});
