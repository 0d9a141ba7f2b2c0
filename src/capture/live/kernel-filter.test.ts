import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TCP_ACK } from '../../contracts/view.ts';
import {
  addressBytes,
  type Endpoint,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_SERVICE_VLAN,
  ethernetFrame,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
  ipPacket,
  ipv4Packet,
  tcpFrame,
  udpDatagram,
} from '../frames.ts';
import { packetsOf } from '../test-support.ts';
import { BpfMachine } from './bpf-test-support.ts';
import { kernelFilter, type ServerRange } from './kernel-filter.ts';
import { TestNet } from './net-test-support.ts';
import { openRing } from './ring.ts';

const PAYLOAD: Uint8Array = new Uint8Array(20).fill(7);
const ANY_ADDRESS = { firstAddress: 0n, lastAddress: (1n << 128n) - 1n };
const ANY_PORT = { firstPort: 0, lastPort: 65_535 };
const ADDRESSES = ['10.0.0.9', '10.0.0.10', '10.0.1.0', '192.168.7.7', 'fd00::1', 'fd00::ffff:1', 'fd00:0:0:1::'];
const CLIENT: Endpoint = { address: '10.9.9.9', port: 40_000 };

function numberOf(address: string): bigint {
  const bytes = addressBytes(address);
  const value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return bytes.length === 4 ? 0xffff_0000_0000n | value : value;
}

function machine(servers: readonly ServerRange[]): BpfMachine {
  const program = kernelFilter(servers);
  assert.ok(program);
  return new BpfMachine(program);
}

function frame(from: Endpoint, to: Endpoint, vlans: readonly number[] = []): Uint8Array {
  const tags = vlans.map((tci, i) => (i === 0 ? { tci, etherType: ETHERTYPE_SERVICE_VLAN } : tci));
  return tcpFrame(from, to, { seq: 1, flags: TCP_ACK }, PAYLOAD, { vlans: tags });
}

function typeOf(address: string): number {
  return address.includes(':') ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
}

const endpoints: fc.Arbitrary<Endpoint> = fc.record({
  address: fc.constantFrom(...ADDRESSES),
  port: fc.constantFrom(1, 1521, 1522, 1530, 5432, 65_535),
});

const ranges: fc.Arbitrary<ServerRange> = fc
  .record({ a: endpoints, b: endpoints, anyPort: fc.boolean() })
  .map(({ a, b, anyPort }) => {
    const addresses = [numberOf(a.address), numberOf(b.address)].sort((x, y) => (x < y ? -1 : x > y ? 1 : 0));
    return {
      firstAddress: addresses[0] ?? 0n,
      lastAddress: addresses[1] ?? 0n,
      ...(anyPort ? ANY_PORT : { firstPort: Math.min(a.port, b.port), lastPort: Math.max(a.port, b.port) }),
    };
  });

function isIn({ address, port }: Endpoint, server: ServerRange): boolean {
  const number = numberOf(address);
  const isAddress = server.firstAddress <= number && number <= server.lastAddress;
  return isAddress && server.firstPort <= port && port <= server.lastPort;
}

test('TCP is let in when one end is in a range, whichever it is and under up to two tags', () => {
  fc.assert(
    fc.property(fc.array(ranges, { maxLength: 5 }), endpoints, endpoints, fc.nat(2), (servers, a, b, tags) => {
      fc.pre(typeOf(a.address) === typeOf(b.address));
      const wanted = servers.some((server) => isIn(a, server) || isIn(b, server));
      assert.equal(machine(servers).run(frame(a, b, [100, 200].slice(0, tags))) > 0, wanted);
    }),
    { seed: 42, numRuns: 1500 },
  );
});

test('what may hide TCP is let in, what cannot is not', () => {
  const filter = machine([{ ...ANY_ADDRESS, firstPort: 5432, lastPort: 5432 }]);
  const [a, b] = ['10.1.1.1', '10.1.1.2'];
  const other = { address: a, port: 99 };
  for (const [from, to] of [
    [a, b],
    ['fd00::1', 'fd00::2'],
  ] as const) {
    const ip = (protocol: number, payload: Uint8Array): Uint8Array =>
      ethernetFrame(typeOf(from), ipPacket(from, to, protocol, payload));
    for (const protocol of [4, 41, 47, 51, 137])
      assert.ok(filter.run(ip(protocol, PAYLOAD)) > 0, `protocol ${protocol}`);
    for (const port of [2152, 4789, 4790, 6081, 8472, 37_008]) {
      const datagram = udpDatagram({ address: from, port: 5 }, { address: to, port }, PAYLOAD);
      assert.ok(filter.run(ip(IP_PROTOCOL_UDP, datagram)) > 0, `UDP port ${port}`);
    }
    const dns = udpDatagram({ address: from, port: 5432 }, { address: to, port: 53 }, PAYLOAD);
    assert.equal(filter.run(ip(IP_PROTOCOL_UDP, dns)), 0);
    assert.equal(filter.run(ip(1, PAYLOAD)), 0);
  }
  const fragment = ipv4Packet(a, b, IP_PROTOCOL_TCP, PAYLOAD, { fragment: 0x0005 });
  assert.ok(filter.run(ethernetFrame(ETHERTYPE_IPV4, fragment)) > 0);
  for (const header of [0, 43, 44, 60, 135, 139, 140]) {
    const extended = ethernetFrame(ETHERTYPE_IPV6, ipPacket('fd00::1', 'fd00::2', header, PAYLOAD));
    assert.ok(filter.run(extended) > 0, `header ${header}`);
  }
  const snap = Uint8Array.of(0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0, ...PAYLOAD);
  assert.ok(filter.run(ethernetFrame(snap.length, snap)) > 0, '802.2 with SNAP');
  for (const type of [0x8847, 0x8864, 0x9100]) assert.ok(filter.run(ethernetFrame(type, PAYLOAD)) > 0);
  assert.ok(filter.run(frame(other, CLIENT, [1, 2, 3, 4])) > 0, 'four tags');
  assert.equal(filter.run(frame(other, CLIENT)), 0);
  assert.equal(filter.run(ethernetFrame(0x0806, new Uint8Array(28))), 0);
});

test('any bytes end in a verdict', () => {
  const filter = machine([{ ...ANY_ADDRESS, firstPort: 1, lastPort: 9 }]);
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 18, maxLength: 90 }),
      fc.constantFrom(0x0800, 0x86dd, 0x8100),
      (bytes, type) => {
        bytes.set([type >> 8, type & 0xff], 12);
        assert.ok([0, 0x40000].includes(filter.run(bytes)));
      },
    ),
    { seed: 42, numRuns: 2000 },
  );
});

test('more servers than the kernel takes give no program', () => {
  const server = { firstAddress: numberOf('10.0.0.9'), lastAddress: numberOf('10.0.0.9'), firstPort: 1, lastPort: 2 };
  assert.ok(kernelFilter(new Array<ServerRange>(150).fill(server)));
  assert.equal(kernelFilter(new Array<ServerRange>(1500).fill(server)), undefined);
});

test('in the kernel: only wanted servers are received, and a new program takes over', (t) => {
  const net = TestNet.create(t);
  if (net === undefined) return;
  net.addPair('out0', 'in0');
  const ring = openRing({ interfaces: ['in0'], blockBytes: 64 * 1024, blockCount: 16, retireMs: 2 });
  t.after(() => ring.close());
  const serverAt = (address: string, port: number): ServerRange => {
    const number = numberOf(address);
    return { firstAddress: number, lastAddress: number, firstPort: port, lastPort: port };
  };
  const all = [serverAt('10.0.0.10', 5432), serverAt('fd00::1', 3306)];
  const client6 = { address: 'fd00::99', port: 40_000 };
  const sent = [
    frame(CLIENT, { address: '10.0.0.10', port: 5432 }),
    frame({ address: '10.0.0.10', port: 5432 }, CLIENT, [10, 20]),
    frame(CLIENT, { address: '10.0.0.10', port: 80 }),
    frame(client6, { address: 'fd00::1', port: 3306 }, [10]),
    frame(client6, { address: 'fd00::2', port: 3306 }),
  ].map((bytes) => ({ bytes }));
  for (const servers of [all, all.slice(1), []]) {
    const program = kernelFilter(servers);
    assert.ok(program);
    ring.setFilter(program);
    const expected = sent.filter(({ bytes }) => new BpfMachine(program).run(bytes) > 0).length;
    assert.equal(net.send('out0', sent), sent.length);
    let count = 0;
    for (let batch = ring.poll(100); batch !== undefined; batch = ring.poll(100)) {
      count += packetsOf(batch).length;
      ring.release(batch);
    }
    assert.equal(count, expected);
    assert.equal(expected, [0, 1, 3][servers.length === 2 ? 2 : servers.length]);
  }
});
