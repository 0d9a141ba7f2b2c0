/**
 * Two mirror ports that show the same frames, as one capture with two interfaces: plain, under another VLAN, or through
 * a tunnel. Every statement is recorded once, exactly as without the second port, and the copies are counted.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type CapturedPacket, PcapngWriter } from '#src/capture/files/pcap-writer.js';
import {
  ETHERTYPE_IPV4,
  ETHERTYPE_VLAN,
  ethernetFrame,
  IP_PROTOCOL_UDP,
  ipv4Packet,
  udpDatagram,
} from '#src/capture/frames.js';
import { readPcap } from '../support/pcap.ts';
import { wiretrail } from '../support/replay.ts';

const PCAPS = join(import.meta.dirname, '../../../pcaps');
const SCENARIOS = ['postgres/pipelined', 'mysql/prepared-types'];
const ETHERNET_ADDRESSES_BYTES = 12;
const IP_PROTOCOL_GRE = 47;
const PORT_VXLAN = 4789;
const OUTER = { address: '192.0.2.1', port: 50_000 };
const COLLECTOR = { address: '192.0.2.2', port: PORT_VXLAN };

function tagged(frame: Uint8Array): Uint8Array {
  const tag = Uint8Array.of(ETHERTYPE_VLAN >> 8, ETHERTYPE_VLAN & 0xff, 0, 77);
  return concat(frame.subarray(0, ETHERNET_ADDRESSES_BYTES), tag, frame.subarray(ETHERNET_ADDRESSES_BYTES));
}

function inVxlan(frame: Uint8Array): Uint8Array {
  const datagram = udpDatagram(OUTER, COLLECTOR, concat(Uint8Array.of(8, 0, 0, 0, 0, 0, 5, 0), frame));
  return ethernetFrame(ETHERTYPE_IPV4, ipv4Packet(OUTER.address, COLLECTOR.address, IP_PROTOCOL_UDP, datagram));
}

function inErspan(frame: Uint8Array): Uint8Array {
  const header = Uint8Array.of(0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 7, 0, 9, 0, 0, 0, 0);
  const packet = ipv4Packet(OUTER.address, COLLECTOR.address, IP_PROTOCOL_GRE, concat(header, frame));
  return ethernetFrame(ETHERTYPE_IPV4, packet);
}

/** What the second mirror port makes of a frame, and by how many places it is late: too few to give a hole up for it. */
const COPIES: readonly [how: string, copy: (frame: Uint8Array) => Uint8Array, lag: number][] = [
  ['plain', (frame) => frame, 0],
  ['plain', (frame) => frame, 3],
  ['under another VLAN', tagged, 2],
  ['through VXLAN', inVxlan, 1],
  ['through ERSPAN II', inErspan, 3],
];

const directory = mkdtempSync(join(tmpdir(), 'wiretrail-duplicates-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function packetsOf(path: string): CapturedPacket[] {
  const { records, frames } = readPcap(path);
  return frames.map((bytes, i) => {
    const record = records[i] as Buffer;
    const tsNs = BigInt(record.readUInt32LE(0)) * 1_000_000_000n + BigInt(record.readUInt32LE(4)) * 1000n;
    return { bytes, tsNs };
  });
}

/** Both interfaces' packets in the order of their arrival; of a frame and its copy, the frame comes first. */
function merge(packets: readonly CapturedPacket[], copy: (frame: Uint8Array) => Uint8Array, lag: number): Uint8Array {
  const writer = new PcapngWriter();
  const parts = [writer.section(), writer.interface({ resolution: 9 }), writer.interface({ resolution: 9 })];
  for (let i = 0; i < packets.length + lag; i++) {
    const own = packets[i];
    const late = packets[i - lag];
    const nowNs = (own ?? (packets.at(-1) as CapturedPacket)).tsNs;
    if (own) parts.push(writer.enhancedPacket(0, own.tsNs, own));
    if (late) parts.push(writer.enhancedPacket(1, nowNs + 900n, { bytes: copy(late.bytes) }));
  }
  return concat(...parts);
}

function replay(path: string): { records: string; seenBefore: number } {
  const { status, stdout, stderr } = wiretrail(['replay', path, '--jsonl', '-']);
  assert.equal(status, 0, stderr);
  const found = /^duplicates +([\d,]+) segments? seen before/m.exec(stderr)?.[1];
  return { records: stdout, seenBefore: Number((found ?? '0').replaceAll(',', '')) };
}

/** Segments with payload, by the lengths in their headers. */
function payloadSegments(packets: readonly CapturedPacket[]): number {
  return packets.filter(({ bytes }) => {
    const ip = Buffer.from(bytes).subarray(14);
    const headerBytes = ((ip[0] as number) & 0x0f) * 4;
    const tcpBytes = ((ip[headerBytes + 12] as number) >> 4) * 4;
    return ip.readUInt16BE(2) > headerBytes + tcpBytes;
  }).length;
}

for (const scenario of SCENARIOS) {
  const capture = join(PCAPS, scenario, 'capture.pcap');
  const packets = packetsOf(capture);
  const alone = replay(capture);
  for (const [how, copy, lag] of COPIES) {
    test(`${scenario}: a second mirror port, ${how}, ${lag} packets behind`, () => {
      const path = join(directory, 'merged.pcapng');
      writeFileSync(path, merge(packets, copy, lag));
      const both = replay(path);
      assert.equal(both.records, alone.records);
      assert.ok(alone.records.length > 1000);
      assert.equal(both.seenBefore, alone.seenBefore + payloadSegments(packets));
    });
  }
}
