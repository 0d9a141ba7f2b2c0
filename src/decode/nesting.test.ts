/** Every encapsulation inside every other, and deeper; compared with tshark where it is installed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { PacketView, TUNNEL_NONE } from '../contracts/view.ts';
import { Decoder } from './decoder.ts';
import { DECODE_CUT, DECODE_FRAGMENT, DECODE_TCP, DECODE_TOO_DEEP, TUNNELS_MAX } from './layers.ts';
import { type Bytes, batchOf, ipv4, ipv6, tcp, text } from './testing.ts';
import { asFrame, ENCAPSULATIONS, type Encapsulation, type Nested, nest, PSEUDOWIRE_LABEL } from './testing-nesting.ts';

const PAYLOAD = 'SELECT 1 FROM nested';
const SEGMENT: Bytes = tcp(text(PAYLOAD));
const INNERMOST: readonly Nested[] = [
  { kind: 'ipv4', bytes: ipv4(6, SEGMENT) },
  { kind: 'ipv6', bytes: ipv6(6, SEGMENT) },
];
/** So few layers inside each other are always read, whatever they are. */
const DEPTH_SURE = 6;

interface Case {
  readonly name: string;
  readonly chain: readonly Encapsulation[];
  readonly frame: Bytes;
}

/** `chain` from the outside to the inside. */
function build(chain: readonly Encapsulation[], inner: Nested): Bytes | undefined {
  const whole = chain.reduceRight<Nested | undefined>((packet, outer) => packet && nest(outer, packet), inner);
  return whole && asFrame(whole);
}

/** Each alone, and each in each. */
function pairs(): Case[] {
  const chains = ENCAPSULATIONS.flatMap((outer) => [[outer], ...ENCAPSULATIONS.map((inner) => [outer, inner])]);
  return chains.flatMap((chain) =>
    INNERMOST.flatMap((inner) => {
      const frame = build(chain, inner);
      const name = [...chain.map((each) => each.name), inner.kind].join(' > ');
      return frame === undefined ? [] : [{ name, chain, frame }];
    }),
  );
}

function payloadOf({ bytes, payloadStart, payloadEnd }: PacketView): string {
  return Buffer.from(bytes.subarray(payloadStart, payloadEnd)).toString('latin1');
}

function checkRead(frame: Bytes, chain: readonly Encapsulation[], name: string): void {
  const view = new PacketView();
  assert.equal(new Decoder().decode(batchOf(frame), 0, view), DECODE_TCP, name);
  assert.equal(payloadOf(view), PAYLOAD, name);
  assert.deepEqual([view.srcPort, view.dstPort, view.seq, view.payloadBytes], [40_000, 5432, 7, PAYLOAD.length], name);
  const innermost = chain.findLast(({ tunnel }) => tunnel !== TUNNEL_NONE);
  assert.deepEqual([view.tunnelKind, view.tunnelId], [innermost?.tunnel ?? TUNNEL_NONE, innermost?.id ?? 0], name);
}

test('each encapsulation inside each other one', () => {
  const cases = pairs();
  assert.ok(cases.length > 500, `${cases.length} frames`);
  for (const { frame, chain, name } of cases) checkRead(frame, chain, name);
});

test('frames that segmentation offload made, in each encapsulation', () => {
  const large: Bytes = tcp(Array.from({ length: 60_000 }, (_, i) => i & 0xff));
  for (const outer of ENCAPSULATIONS) {
    const frame = build([outer], { kind: 'ipv4', bytes: ipv4(6, large) });
    assert.ok(frame !== undefined);
    const view = new PacketView();
    assert.equal(new Decoder().decode(batchOf(frame), 0, view), DECODE_TCP, outer.name);
    assert.deepEqual([view.payloadBytes, view.payloadEnd - view.payloadStart], [60_000, 60_000], outer.name);
  }
});

test('chains of any encapsulations: read up to the depth limit, refused beyond it', () => {
  const link = fc.constantFrom(...ENCAPSULATIONS);
  fc.assert(
    fc.property(fc.array(link, { maxLength: 14 }), fc.constantFrom(...INNERMOST), (chain, inner) => {
      const frame = build(chain, inner);
      if (frame === undefined) return;
      const tunnels = chain.filter(({ tunnel }) => tunnel !== TUNNEL_NONE).length;
      const name = chain.map((each) => each.name).join(' > ');
      if (chain.length <= DEPTH_SURE) checkRead(frame, chain, name);
      const verdict = new Decoder().decode(batchOf(frame), 0, new PacketView());
      if (tunnels > TUNNELS_MAX) assert.equal(verdict, DECODE_TOO_DEEP, name);
      else assert.ok(verdict === DECODE_TCP || (verdict === DECODE_TOO_DEEP && chain.length > DEPTH_SURE), name);
    }),
    { seed: 20_261_122, numRuns: 3000 },
  );
});

test('a snap length anywhere in nested headers cuts the frame, in the payload only the payload', () => {
  for (const { frame, chain, name } of pairs().filter((_, i) => i % 7 === 0)) {
    const view = new PacketView();
    for (let captured = 0; captured < frame.length; captured++) {
      const verdict = new Decoder().decode(batchOf(frame, { capturedBytes: captured }), 0, view);
      const missing = frame.length - captured;
      if (missing > PAYLOAD.length) assert.ok(verdict === DECODE_CUT, `${name}: ${captured} bytes, verdict ${verdict}`);
      else {
        assert.equal(verdict, DECODE_TCP, name);
        assert.equal(payloadOf(view), PAYLOAD.slice(0, PAYLOAD.length - missing), name);
        assert.equal(view.payloadBytes, PAYLOAD.length);
      }
    }
    assert.ok(chain.length > 0);
  }
});

test('fragments inside of each tunnel, and in each pair', () => {
  const parts: readonly Bytes[] = [SEGMENT.slice(0, 24), SEGMENT.slice(24)];
  for (const chain of pairs().map((each) => each.chain)) {
    const frames = parts.map((part, i) => build(chain, { kind: 'ipv4', bytes: ipv4(6, part, fragmentOf(i)) }));
    const decoder = new Decoder();
    const view = new PacketView();
    const verdicts = frames.map((frame) => frame && decoder.decode(batchOf(frame), 0, view));
    const name = chain.map((each) => each.name).join(' > ');
    if (frames.includes(undefined)) continue;
    assert.deepEqual(verdicts, [DECODE_FRAGMENT, DECODE_TCP], name);
    assert.equal(payloadOf(view), PAYLOAD, name);
  }
});

/** The first 24 bytes, and what follows them. */
function fragmentOf(index: number): { readonly id: number; readonly fragment: number } {
  return { id: 9, fragment: index === 0 ? 0x2000 : 3 };
}

test('tshark finds the same segment in the same frames', (t) => {
  const cases = pairs();
  const folder = mkdtempSync(join(tmpdir(), 'wiretrail-nesting-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'nested.pcap');
  writeFileSync(path, pcapOf(cases.map(({ frame }) => frame)));
  const fields = ['frame.protocols', 'tcp.seq_raw', 'tcp.payload'].flatMap((field) => ['-e', field]);
  const pseudowire = ['-d', `mpls.label==${PSEUDOWIRE_LABEL},pwethcw`];
  const args = ['-n', '-r', path, ...pseudowire, '-T', 'fields', '-E', 'occurrence=l', ...fields];
  const { error, stdout } = spawnSync('tshark', args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (error !== undefined) {
    t.skip('tshark is not here');
    return;
  }
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, cases.length);
  const wanted = `7\t${Buffer.from(PAYLOAD).toString('hex')}`;
  const others = cases.filter((_, i) => !lines[i]?.endsWith(wanted));
  assert.deepEqual(
    others.map(({ name }) => name),
    [],
    lines.filter((line) => !line.endsWith(wanted)).join('\n'),
  );
});

function pcapOf(frames: readonly Bytes[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  const records = frames.flatMap((frame) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return [record, Buffer.from(frame)];
  });
  return Buffer.concat([header, ...records]);
}
