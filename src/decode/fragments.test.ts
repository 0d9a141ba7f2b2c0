/** IP fragments: any order, copies, overlaps, limits, time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PacketView, TUNNEL_VXLAN } from '../contracts/view.ts';
import { type DecodeOptions, Decoder } from './decoder.ts';
import { DECODE_FRAGMENT, DECODE_MALFORMED, DECODE_TCP } from './layers.ts';
import { type Bytes, batchOf, ethernet, type FrameFields, ipv4, ipv6, tcp, text, u16, u32, udp } from './testing.ts';

const MORE = 0x2000;
const PAYLOAD = text('The quick brown fox jumps over the lazy dog. '.repeat(4));
const SEGMENT = tcp(PAYLOAD);

class Rig {
  readonly decoder: Decoder;
  readonly view = new PacketView();

  constructor(options?: DecodeOptions) {
    this.decoder = new Decoder(options);
  }

  push(frame: Bytes, fields: FrameFields = {}): number {
    return this.decoder.decode(batchOf(frame, fields), 0, this.view);
  }

  get payload(): Bytes {
    return [...this.view.bytes.subarray(this.view.payloadStart, this.view.payloadEnd)];
  }
}

/** IPv4 fragment with bytes `[start, end)` of a datagram. */
function fragment(datagram: Bytes, start: number, end: number, id = 1, protocol = 6): Bytes {
  const more = end < datagram.length ? MORE : 0;
  return ethernet(0x0800, ipv4(protocol, datagram.slice(start, end), { id, fragment: more | (start / 8) }));
}

function fragment6(datagram: Bytes, start: number, end: number): Bytes {
  const more = end < datagram.length ? 1 : 0;
  return ethernet(0x86dd, ipv6(44, [6, 0, ...u16(start | more), ...u32(99), ...datagram.slice(start, end)]));
}

/** Cuts at multiples of 8. */
function pieces(datagram: Bytes, size: number): [number, number][] {
  const result: [number, number][] = [];
  for (let at = 0; at < datagram.length; at += size) result.push([at, Math.min(datagram.length, at + size)]);
  return result;
}

test('fragments of both families, in any order, with copies, give the segment once', () => {
  const orders = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(fc.constantFrom(fragment, fragment6), orders, fc.nat(7), (cut, order, copy) => {
      const rig = new Rig();
      const parts = pieces(SEGMENT, 32).map(([start, end]) => cut(SEGMENT, start, end));
      assert.ok(parts.length <= 8);
      const verdicts: number[] = [];
      for (const i of order.filter((index) => index < parts.length)) {
        if (i === copy && verdicts.length < parts.length - 1) verdicts.push(rig.push(parts[i] as Bytes));
        verdicts.push(rig.push(parts[i] as Bytes));
      }
      assert.equal(verdicts.filter((verdict) => verdict === DECODE_TCP).length, 1);
      assert.equal(verdicts.at(-1), DECODE_TCP);
      assert.deepEqual(rig.payload, PAYLOAD);
      assert.equal(rig.view.srcPort, 40_000);
      assert.equal(rig.decoder.counters.datagrams, 1);
    }),
    { seed: 42, numRuns: 300 },
  );
});

test('copies that follow a complete datagram are not taken for the next one of its number', () => {
  for (const cut of [fragment, fragment6]) {
    const rig = new Rig();
    const other = tcp(text('Pack my box with five dozen liquor jugs. '.repeat(4)));
    for (const datagram of [SEGMENT, other, SEGMENT]) {
      const parts = pieces(datagram, 64).map(([start, end]) => cut(datagram, start, end));
      // Each fragment twice, as two mirror ports show it.
      const verdicts = parts.flatMap((part) => [rig.push(part), rig.push(part)]);
      assert.deepEqual(
        verdicts.map((verdict) => verdict === DECODE_TCP),
        verdicts.map((_, i) => i === verdicts.length - 2),
      );
      // And once more, late.
      for (const part of parts) assert.equal(rig.push(part), DECODE_FRAGMENT);
    }
    assert.equal(rig.decoder.counters.datagrams, 3);
    assert.equal(rig.decoder.counters.datagramsEvicted, 0);
    assert.equal(rig.decoder.counters.fragmentsDropped, 0);
  }
});

test('a complete datagram is known for a second, and makes room for others before they do for each other', () => {
  const rig = new Rig();
  const [first, last] = [fragment(SEGMENT, 0, 64), fragment(SEGMENT, 64, SEGMENT.length)];
  rig.push(first, { seconds: 100 });
  assert.equal(rig.push(last, { seconds: 100 }), DECODE_TCP);
  rig.push(last, { seconds: 101 });
  assert.equal(rig.decoder.counters.fragmentsRepeated, 1);
  rig.push(last, { seconds: 102 });
  assert.equal(rig.push(first, { seconds: 102 }), DECODE_TCP);
  // One that waits for its second half all the while.
  const waiting = 60_000;
  rig.push(fragment(SEGMENT, 0, 64, waiting), { seconds: 102 });
  for (let id = 2; id < 60_000; id++) {
    rig.push(fragment(SEGMENT, 0, 64, id), { seconds: 102 });
    assert.equal(rig.push(fragment(SEGMENT, 64, SEGMENT.length, id), { seconds: 102 }), DECODE_TCP);
  }
  assert.equal(rig.push(fragment(SEGMENT, 64, SEGMENT.length, waiting), { seconds: 102 }), DECODE_TCP);
  assert.equal(rig.decoder.counters.datagramsEvicted, 0);
  assert.equal(rig.decoder.counters.datagramsTimedOut, 0);
});

test('where fragments overlap, what came first stays, and it is counted', () => {
  const rig = new Rig();
  const forged = SEGMENT.map((byte, i) => (i >= 24 ? 0x21 : byte));
  rig.push(fragment(SEGMENT, 24, 64));
  rig.push(fragment(forged, 16, 80));
  rig.push(fragment(SEGMENT, 0, 24));
  assert.equal(rig.push(fragment(SEGMENT, 40, SEGMENT.length)), DECODE_TCP);
  const expected = SEGMENT.map((byte, i) => (i >= 64 && i < 80 ? 0x21 : byte)).slice(20);
  assert.deepEqual(rig.payload, expected);
  assert.equal(rig.decoder.counters.fragmentsOverlapping, 3);
});

test('datagrams are told apart by address, identification and protocol', () => {
  const rig = new Rig();
  const middle = 64;
  rig.push(fragment(SEGMENT, 0, middle, 1));
  assert.equal(rig.push(fragment(SEGMENT, middle, SEGMENT.length, 2)), DECODE_FRAGMENT);
  assert.equal(rig.push(fragment(SEGMENT, middle, SEGMENT.length, 1, 17)), DECODE_FRAGMENT);
  assert.equal(rig.push(fragment(SEGMENT, middle, SEGMENT.length, 1)), DECODE_TCP);
});

test('a fragmented tunnel, and fragments inside a tunnel', () => {
  const inner = ethernet(0x0800, ipv4(6, SEGMENT));
  const vxlan = udp(4789, [8, 0, 0, 0, 0, 0, 7, 0, ...inner]);
  const outside = new Rig();
  outside.push(fragment(vxlan, 0, 80, 1, 17));
  assert.equal(outside.push(fragment(vxlan, 80, vxlan.length, 1, 17)), DECODE_TCP);
  assert.deepEqual([outside.view.tunnelKind, outside.view.tunnelId], [TUNNEL_VXLAN, 7]);
  assert.deepEqual(outside.payload, PAYLOAD);
  const inside = new Rig();
  const wrap = (frame: Bytes): Bytes => ethernet(0x0800, ipv4(17, udp(4789, [8, 0, 0, 0, 0, 0, 7, 0, ...frame])));
  inside.push(wrap(fragment(SEGMENT, 0, 80)));
  assert.equal(inside.push(wrap(fragment(SEGMENT, 80, SEGMENT.length))), DECODE_TCP);
  assert.deepEqual(inside.payload, PAYLOAD);
});

test('fragments that no datagram can have', () => {
  const rig = new Rig();
  assert.equal(rig.push(ethernet(0x0800, ipv4(6, [], { fragment: MORE }))), DECODE_MALFORMED);
  assert.equal(rig.push(ethernet(0x0800, ipv4(6, [1, 2, 3], { fragment: MORE }))), DECODE_MALFORMED);
  assert.equal(rig.push(ethernet(0x0800, ipv4(6, SEGMENT, { fragment: 0x1fff }))), DECODE_MALFORMED);
  rig.push(fragment(SEGMENT, 64, SEGMENT.length));
  // A second, different end; bytes beyond the end.
  assert.equal(rig.push(fragment(SEGMENT.slice(0, 100), 64, 100)), DECODE_FRAGMENT);
  assert.equal(rig.push(fragment([...SEGMENT, ...SEGMENT], 192, 320)), DECODE_FRAGMENT);
  assert.equal(rig.decoder.counters.fragmentsDropped, 5);
  assert.equal(rig.push(fragment(SEGMENT, 0, 64)), DECODE_TCP);
  assert.deepEqual(rig.payload, PAYLOAD);
});

test('a fragment cut by the snap length is dropped', () => {
  const rig = new Rig();
  const first = fragment(SEGMENT, 0, 64);
  assert.equal(rig.push(first, { capturedBytes: first.length - 1, wireBytes: first.length }), DECODE_FRAGMENT);
  assert.equal(rig.push(fragment(SEGMENT, 64, SEGMENT.length)), DECODE_FRAGMENT);
  assert.equal(rig.decoder.counters.fragmentsDropped, 1);
});

test('an incomplete datagram is given up after its time', () => {
  const rig = new Rig({ bytesMax: 1 << 20, timeoutUs: 30_000_000 });
  rig.push(fragment(SEGMENT, 0, 64), { seconds: 100 });
  assert.equal(rig.push(fragment(SEGMENT, 64, SEGMENT.length), { seconds: 131 }), DECODE_FRAGMENT);
  assert.equal(rig.decoder.counters.datagramsTimedOut, 1);
  assert.equal(rig.push(fragment(SEGMENT, 0, 64), { seconds: 161 }), DECODE_TCP);
});

test('a flood of first fragments stays within its bytes, and the newest datagram survives', () => {
  const rig = new Rig({ bytesMax: 10_000, timeoutUs: 30_000_000 });
  for (let id = 0; id < 20_000; id++) rig.push(fragment(SEGMENT, 0, 64, id));
  const { counters } = rig.decoder;
  const heldMax = Math.floor(10_000 / 64);
  assert.ok(counters.datagramsEvicted >= 20_000 - heldMax && counters.datagramsEvicted < 20_000);
  assert.equal(rig.push(fragment(SEGMENT, 64, SEGMENT.length, 19_999)), DECODE_TCP);
  let held = 1;
  for (let id = 0; id < 19_999; id++) {
    if (rig.push(fragment(SEGMENT, 64, SEGMENT.length, id)) === DECODE_TCP) held++;
  }
  assert.ok(held <= heldMax, `${held} are complete with their second half, ${heldMax} fit`);
});
