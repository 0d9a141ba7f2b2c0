import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LINK_ETHERNET, LINK_IPV4, VLAN_PRESENT } from '../contracts/packet.ts';
import { PacketView } from '../contracts/view.ts';
import { Decoder } from './decoder.ts';
import { DECODE_CUT, DECODE_FRAGMENT, DECODE_MALFORMED, DECODE_NOT_TCP, DECODE_TCP } from './layers.ts';
import { plainTcp } from './plain.ts';
import { type Bytes, batchOf, ethernet, type FrameFields, ipv4, tcp, text, u16 } from './testing.ts';

const ETHERNET_BYTES = 14;
const ETHERTYPE_IPV4 = 0x0800;
const PLAIN = ethernet(ETHERTYPE_IPV4, ipv4(6, tcp(text('SELECT 1'))));

interface Decoded {
  readonly verdict: number;
  readonly counters: unknown;
  /** Without its bytes; payload as bytes, where it is in them as distances from the beginning of the IP header. */
  readonly segment: unknown;
}

/** What the decoder makes of bytes whose IP header begins at `ipStart`. */
function decoded(bytes: Bytes, ipStart: number, fields: FrameFields): Decoded {
  const decoder = new Decoder();
  const view = new PacketView();
  const batch = batchOf(bytes, fields);
  const verdict = decoder.decode(batch, 0, view);
  const { bytes: held, payloadStart, payloadEnd, wireBytes, ...rest } = view;
  const at = (batch.descriptors[0] as number) + ipStart;
  const segment =
    verdict === DECODE_TCP
      ? {
          ...rest,
          wireBytes: wireBytes - ipStart,
          from: payloadStart - at,
          payload: held.slice(payloadStart, payloadEnd),
        }
      : undefined;
  return { verdict, counters: { ...decoder.counters }, segment };
}

/** Whether the short cut takes a frame, of which `captured` bytes are there. */
function taken(frame: Bytes, captured: number = frame.length): boolean {
  const bytes = Uint8Array.from([...frame, ...new Uint8Array(64)]);
  return plainTcp(bytes, new DataView(bytes.buffer), 0, captured, new PacketView());
}

test('plain frames take the short cut, others do not', () => {
  const bytes = (at: number, value: number): Bytes => PLAIN.map((byte, i) => (i === at ? value : byte));
  const cases: readonly (readonly [string, boolean, Bytes])[] = [
    ['as it is', true, PLAIN],
    ['without payload', true, ethernet(ETHERTYPE_IPV4, ipv4(6, tcp([])))],
    ['TCP options', true, ethernet(ETHERTYPE_IPV4, ipv4(6, tcp(text('x'), [1, 1, 1, 0])))],
    ['do not fragment', true, ethernet(ETHERTYPE_IPV4, ipv4(6, tcp([]), { fragment: 0x4000 }))],
    ['another type', false, bytes(13, 6)],
    ['IP version 5', false, bytes(14, 0x55)],
    ['IP options', false, ethernet(ETHERTYPE_IPV4, ipv4(6, tcp([]), { options: [1, 1, 1, 0] }))],
    ['more fragments', false, ethernet(ETHERTYPE_IPV4, ipv4(6, tcp([]), { fragment: 0x2000 }))],
    ['a fragment', false, ethernet(ETHERTYPE_IPV4, ipv4(6, tcp([]), { fragment: 1 }))],
    ['UDP', false, ethernet(ETHERTYPE_IPV4, ipv4(17, tcp([])))],
    ['no IP length', false, ethernet(ETHERTYPE_IPV4, ipv4(6, tcp([]), { totalBytes: 0 }))],
    ['an IP length within the TCP header', false, ethernet(ETHERTYPE_IPV4, ipv4(6, tcp([]), { totalBytes: 39 }))],
    ['a TCP header of 16 bytes', false, bytes(46, 0x40)],
    ['TCP options beyond the IP length', false, bytes(46, 0xf0)],
  ];
  for (const [name, expected, frame] of cases) assert.equal(taken(frame), expected, name);
  assert.equal(taken(PLAIN, 54), true);
  assert.equal(taken(PLAIN, 53), false, 'cut within the TCP header');
});

test('a frame that is not taken leaves the view as it was', () => {
  const view = new PacketView();
  const bytes = Uint8Array.from(PLAIN);
  bytes[46] = 0xf0;
  assert.equal(plainTcp(bytes, new DataView(bytes.buffer), 0, bytes.length, view), false);
  assert.deepEqual(view, new PacketView());
});

test('the short cut finds what the layers find, in frames of all kinds of damage', () => {
  const header = ETHERNET_BYTES + 40;
  const damage = fc.array(fc.tuple(fc.integer({ min: ETHERNET_BYTES, max: header - 1 }), fc.nat(255)), {
    maxLength: 3,
  });
  const frames = fc.record({
    payload: fc.array(fc.nat(255), { maxLength: 40 }),
    options: fc.constantFrom<Bytes>([], [1, 1, 1, 0], [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]),
    padding: fc.nat(8),
    damage,
    totalBytes: fc.option(fc.nat(100), { nil: undefined }),
    cut: fc.nat(80),
    beyond: fc.nat(20),
    vlan: fc.constantFrom(0, VLAN_PRESENT | 7),
    nanoseconds: fc.nat(999_999_999),
  });
  const seen = new Map<number, number>();
  let short = 0;
  fc.assert(
    fc.property(frames, ({ payload, options, padding, damage, totalBytes, cut, beyond, vlan, nanoseconds }) => {
      const packet = ipv4(6, tcp(payload, options));
      const whole = [...ethernet(ETHERTYPE_IPV4, packet), ...new Array<number>(padding).fill(0)];
      if (totalBytes !== undefined) whole.splice(ETHERNET_BYTES + 2, 2, ...u16(totalBytes));
      for (const [at, value] of damage) whole[at] = value;
      const captured = Math.max(ETHERNET_BYTES, whole.length - Math.max(0, cut - 40));
      const fields = { vlan, nanoseconds, seconds: 1_700_000_000 };
      const shortCut = decoded(whole, ETHERNET_BYTES, {
        ...fields,
        link: LINK_ETHERNET,
        capturedBytes: captured,
        wireBytes: whole.length + beyond,
      });
      // The same packet without an Ethernet header goes from layer to layer.
      const layers = decoded(whole.slice(ETHERNET_BYTES), 0, {
        ...fields,
        link: LINK_IPV4,
        capturedBytes: captured - ETHERNET_BYTES,
        wireBytes: whole.length + beyond - ETHERNET_BYTES,
      });
      assert.deepEqual(shortCut, layers);
      if (taken(whole, captured)) short++;
      seen.set(layers.verdict, (seen.get(layers.verdict) ?? 0) + 1);
    }),
    { seed: 42, numRuns: 4000 },
  );
  for (const verdict of [DECODE_TCP, DECODE_NOT_TCP, DECODE_FRAGMENT, DECODE_CUT, DECODE_MALFORMED]) {
    assert.ok((seen.get(verdict) ?? 0) > 20, `verdict ${verdict}: ${seen.get(verdict)} frames`);
  }
  assert.ok(short > 500, `${short} frames took the short cut`);
});
