/**
 * Reassembly against tshark's follow-stream, on every capture of the project and of the shared ones: the bytes of each
 * direction must be the same, lost ones included. Where the two differ, `DIFFERENCES` says who is right and why.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openFiles } from '#src/capture/files/file.js';
import {
  type FlowReader,
  type Side,
  STREAM_KEEP,
  type StreamReceiver,
  type StreamWish,
} from '#src/contracts/stream.js';
import { PacketView } from '#src/contracts/view.js';
import { Decoder } from '#src/decode/decoder.js';
import { DECODE_TCP } from '#src/decode/layers.js';
import { Reassembler } from '#src/reassembly/reassembler.js';
import { follow, STREAMS_MAX, type Stream, tsharkVersion } from './tshark.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CAPTURE = /\.(pcap|pcapng)$/;
const TIMEOUT_MS = 30_000;
/** Captures by others that are always compared; of the rest one in `SHARE`, to end within half a minute. */
const HARD = /\/(tcp|encap|mixed|tds)\//;
const SHARE = 4;

interface Flow {
  readonly nodes: readonly [string, string];
  readonly hex: [string, string];
  /** Lost bytes that follow `hex`. */
  readonly lost: [number, number];
}

/** Writes down both directions of every flow. */
class Listener implements StreamReceiver {
  readonly flows: Flow[] = [];
  private readonly open = new Map<number, Flow>();
  private readonly reader: FlowReader;

  constructor(reader: FlowReader) {
    this.reader = reader;
  }

  onData(slot: number, side: Side, bytes: Uint8Array, start: number, end: number): StreamWish {
    const flow = this.of(slot);
    writeLost(flow, side);
    flow.hex[side] += Buffer.from(bytes.subarray(start, end)).toString('hex');
    return STREAM_KEEP;
  }

  onGap(slot: number, side: Side, lostBytes: number): StreamWish {
    this.of(slot).lost[side] += lostBytes;
    return STREAM_KEEP;
  }

  onEnd(slot: number): void {
    // What is lost behind the last byte, known from acknowledgements only, tshark does not show.
    this.open.delete(slot);
  }

  private of(slot: number): Flow {
    let flow = this.open.get(slot);
    if (flow === undefined) {
      flow = { nodes: [this.node(slot, 0), this.node(slot, 1)], hex: ['', ''], lost: [0, 0] };
      this.open.set(slot, flow);
      this.flows.push(flow);
    }
    return flow;
  }

  private node(slot: number, side: Side): string {
    const address = this.reader.address(slot, side);
    return `${address.includes(':') ? `[${address}]` : address}:${this.reader.port(slot, side)}`;
  }
}

/** Puts tshark's text, which ends in a NUL, in the place of lost bytes. */
function writeLost(flow: Flow, side: Side): void {
  if (flow.lost[side] > 0) {
    flow.hex[side] += Buffer.from(`[${flow.lost[side]} bytes missing in capture file]\0`).toString('hex');
  }
  flow.lost[side] = 0;
}

function reassemble(path: string): Flow[] {
  const reassembler = new Reassembler({ flowsMax: 16_384, pagesMax: 4096 });
  const listener = new Listener(reassembler);
  reassembler.setReceiver(listener);
  const decoder = new Decoder();
  const view = new PacketView();
  const source = openFiles([path]);
  for (let batch = source.poll(0); batch !== undefined; batch = source.poll(0)) {
    for (let i = 0; i < batch.count; i++) if (decoder.decode(batch, i, view) === DECODE_TCP) reassembler.push(view);
    source.release(batch);
  }
  source.close();
  reassembler.flush(0);
  return listener.flows;
}

/** Bytes by `sender > receiver`; connections that reused a 4-tuple one after the other. */
function byDirection(streams: readonly Stream[]): Map<string, string> {
  const map = new Map<string, string>();
  const add = (from: string, to: string, hex: string): void => {
    if (hex !== '') map.set(`${from} > ${to}`, (map.get(`${from} > ${to}`) ?? '') + hex);
  };
  for (const { node0, node1, from0, from1 } of streams) {
    add(node0, node1, from0);
    add(node1, node0, from1);
  }
  return map;
}

/** Captures by their name under the root folder. */
function captures(): string[] {
  const found: string[] = [];
  for (const folder of ['pcaps', '../shared/pcaps']) {
    const path = join(ROOT, folder);
    if (!existsSync(path)) continue;
    const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
    found.push(...names.filter((name) => CAPTURE.test(name)).map((name) => join(folder, name)));
  }
  return found.sort().filter((name, i) => name.startsWith('pcaps') || HARD.test(name) || i % SHARE === 0);
}

/** Captures in which the two differ, with the reason. */
const DIFFERENCES: ReadonlyMap<string, string> = new Map([
  [
    '../shared/pcaps/tcp/pcapplusplus__unidirectional_tcp_stream_with_missing_packet.pcap',
    'one direction only, with a segment missing: tshark gives up at the hole, six segments follow',
  ],
  [
    '../shared/pcaps/tds/malcolm__TDS.pcap',
    'every segment has the same number and other bytes: what the snap length cut off the first, tshark takes from others',
  ],
]);

const version = await tsharkVersion();
const options = { timeout: TIMEOUT_MS, ...(version === undefined ? { skip: 'NOT RUN: tshark is not here' } : {}) };

describe(`the same bytes as ${version ?? 'tshark'}`, { concurrency: availableParallelism() }, () => {
  for (const name of captures()) {
    test(name, options, async () => {
      const path = join(ROOT, name);
      const streams = await follow(path);
      const theirs = byDirection(streams);
      const ours = byDirection(
        reassemble(path).map(({ nodes, hex }) => ({ node0: nodes[0], node1: nodes[1], from0: hex[0], from1: hex[1] })),
      );
      const different = [...theirs].filter(([direction, hex]) => ours.get(direction) !== hex);
      if (DIFFERENCES.has(name)) {
        assert.equal(different.length, 1);
        return;
      }
      for (const [direction, hex] of different) assert.equal(ours.get(direction), hex, direction);
      if (streams.length < STREAMS_MAX) assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort());
    });
  }
});
