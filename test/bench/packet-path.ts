/**
 * Bench of the packet path: decode, flow lookup, reassembly, with a receiver that only counts.
 *
 *     node dist/test/bench/packet-path.js [flows [rounds [pools|random [turns|random]]]]
 *
 * Workload: conversations of a handshake, eight requests of 90 bytes with replies of 3 x 300 and their
 * acknowledgements, and FINs; the flows take turns packet by packet, so that with many flows none is in the cache when
 * its turn comes. `pools`: each client has 16,384 connections, from ports in a row, opened and used one after the other,
 * as the flows of a pool or of a generator of load are; `random`: clients and ports are drawn, so that no two flows have
 * to do with each other. `turns`: the same order each time; `random`: drawn anew for each step of the conversation.
 *
 * The frames lie in one buffer in memory. The run fails when it does not find exactly what was put in.
 */
import assert from 'node:assert/strict';
import { DESCRIPTOR_WORDS, LINK_ETHERNET, type PacketBatch } from '#src/contracts/packet.js';
import { STREAM_KEEP, type StreamReceiver, type StreamWish } from '#src/contracts/stream.js';
import { PacketView, TCP_ACK, TCP_FIN, TCP_PSH, TCP_SYN } from '#src/contracts/view.js';
import { Decoder } from '#src/decode/decoder.js';
import { DECODE_TCP } from '#src/decode/layers.js';
import { Reassembler } from '#src/reassembly/reassembler.js';
import { randomFrom } from '../support/random.ts';

const HEADER_BYTES = 54;
const REQUEST_BYTES = 90;
const REPLY_BYTES = 300;
const REPLY_SEGMENTS = 3;
const TURNS = 8;
const PACKETS_MAX = 1_200_000;
const ROUNDS_DEFAULT = 5;
const POOL_BITS = 14;
const EPHEMERAL_PORTS = 28_232;
const SEED = 1;

/** Which flows there are, and in which order they take turns. */
class Flows {
  readonly count: number;
  readonly clients: Uint32Array;
  readonly ports: Uint16Array;
  /** Whose turn it is: in `shuffle`d order, or that of the flows. */
  readonly order: Uint32Array;
  private readonly random = randomFrom(SEED);

  constructor(count: number, pools: boolean) {
    this.count = count;
    this.clients = new Uint32Array(count);
    this.ports = new Uint16Array(count);
    this.order = Uint32Array.from({ length: count }, (_, flow) => flow);
    for (let flow = 0; flow < count; flow++) {
      // Drawn clients are all different, as a factor of 2^24 is odd.
      const client = pools ? flow >>> POOL_BITS : Math.imul(flow, 0x9e3779b1) & 0xffffff;
      this.clients[flow] = 0x0a000000 + client;
      this.ports[flow] = pools ? 20_000 + (flow & (2 ** POOL_BITS - 1)) : 32_768 + this.random() * EPHEMERAL_PORTS;
    }
  }

  /** Fisher and Yates. */
  shuffle(): void {
    const order = this.order;
    for (let last = order.length - 1; last > 0; last--) {
      const other = Math.floor(this.random() * (last + 1));
      const flow = order[last] as number;
      order[last] = order[other] as number;
      order[other] = flow;
    }
  }
}

interface Step {
  readonly fromClient: boolean;
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  readonly bytes: number;
}

function conversation(): Step[] {
  const steps: Step[] = [];
  const sent = { client: 0, server: 0 };
  const step = (fromClient: boolean, flags: number, bytes: number): void => {
    const seq = fromClient ? sent.client : sent.server;
    steps.push({ fromClient, flags, seq, ack: fromClient ? sent.server : sent.client, bytes });
    const count = bytes + ((flags & (TCP_SYN | TCP_FIN)) === 0 ? 0 : 1);
    if (fromClient) sent.client += count;
    else sent.server += count;
  };
  step(true, TCP_SYN, 0);
  step(false, TCP_SYN | TCP_ACK, 0);
  step(true, TCP_ACK, 0);
  for (let turn = 0; turn < TURNS; turn++) {
    step(true, TCP_ACK | TCP_PSH, REQUEST_BYTES);
    for (let i = 0; i < REPLY_SEGMENTS; i++) step(false, TCP_ACK, REPLY_BYTES);
    step(true, TCP_ACK, 0);
  }
  step(true, TCP_ACK | TCP_FIN, 0);
  step(false, TCP_ACK | TCP_FIN, 0);
  step(true, TCP_ACK, 0);
  return steps;
}

/** One frame for each step; the descriptors of all flows point at frames of their own, payload shared by none. */
function build(flows: Flows, shuffled: boolean, steps: readonly Step[], first: number, last: number): PacketBatch {
  const frameBytes = steps.slice(first, last).map((step) => HEADER_BYTES + step.bytes);
  const total = frameBytes.reduce((sum, bytes) => sum + bytes, 0) * flows.count;
  const bytes = new Uint8Array(total);
  const data = new DataView(bytes.buffer);
  const descriptors = new Int32Array(flows.count * frameBytes.length * DESCRIPTOR_WORDS);
  let at = 0;
  let word = 0;
  for (let s = first; s < last; s++) {
    const step = steps[s] as Step;
    if (shuffled) flows.shuffle();
    for (const flow of flows.order) {
      const length = HEADER_BYTES + step.bytes;
      data.setUint16(at + 12, 0x0800);
      data.setUint8(at + 14, 0x45);
      data.setUint16(at + 16, length - 14);
      data.setUint8(at + 23, 6);
      const client = flows.clients[flow] as number;
      const port = flows.ports[flow] as number;
      data.setUint32(at + 26, step.fromClient ? client : 0xac100001);
      data.setUint32(at + 30, step.fromClient ? 0xac100001 : client);
      data.setUint16(at + 34, step.fromClient ? port : 5432);
      data.setUint16(at + 36, step.fromClient ? 5432 : port);
      data.setInt32(at + 38, (step.seq + flow) | 0);
      data.setInt32(at + 42, (step.ack + flow) | 0);
      data.setUint8(at + 46, 0x50);
      data.setUint8(at + 47, step.flags);
      descriptors.set([at, length, length, 0, LINK_ETHERNET, 0, 1_700_000_000 + s, flow * 100], word);
      word += DESCRIPTOR_WORDS;
      at += length;
    }
  }
  return { bytes, descriptors, count: word / DESCRIPTOR_WORDS, lostBefore: 0 };
}

class Counter implements StreamReceiver {
  bytes = 0;
  calls = 0;
  gaps = 0;
  ends = 0;

  onData(_slot: number, _side: number, _bytes: Uint8Array, start: number, end: number): StreamWish {
    this.bytes += end - start;
    this.calls++;
    return STREAM_KEEP;
  }

  onGap(): StreamWish {
    this.gaps++;
    return STREAM_KEEP;
  }

  onEnd(): void {
    this.ends++;
  }
}

interface Pattern {
  readonly pools: boolean;
  readonly shuffled: boolean;
}

function run(count: number, rounds: number, { pools, shuffled }: Pattern): void {
  const flows = new Flows(count, pools);
  const steps = conversation();
  const decoder = new Decoder();
  const view = new PacketView();
  const stepsPerBatch = Math.min(steps.length, Math.max(1, Math.floor(PACKETS_MAX / count)));
  // What fits in one batch is built once.
  const whole = stepsPerBatch === steps.length ? build(flows, shuffled, steps, 0, steps.length) : undefined;
  for (let round = 0; round < rounds; round++) {
    const reassembler = new Reassembler({ flowsMax: count });
    const counter = new Counter();
    reassembler.setReceiver(counter);
    let packets = 0;
    let microseconds = 0;
    for (let first = 0; first < steps.length; first += stepsPerBatch) {
      const last = Math.min(steps.length, first + stepsPerBatch);
      const batch = whole ?? build(flows, shuffled, steps, first, last);
      const start = process.cpuUsage();
      for (let i = 0; i < batch.count; i++) {
        if (decoder.decode(batch, i, view) === DECODE_TCP) reassembler.push(view);
      }
      const { user, system } = process.cpuUsage(start);
      microseconds += user + system;
      packets += batch.count;
    }
    assert.equal(packets, count * steps.length);
    assert.equal(counter.bytes, count * TURNS * (REQUEST_BYTES + REPLY_SEGMENTS * REPLY_BYTES));
    assert.equal(counter.calls, count * TURNS * (1 + REPLY_SEGMENTS));
    assert.equal(counter.ends, count);
    assert.equal(counter.gaps, 0);
    const perPacket = (1000 * microseconds) / packets;
    process.stdout.write(
      `${count} flows, ${packets} packets: ${perPacket.toFixed(1)} ns a packet, ` +
        `${(1000 / perPacket).toFixed(2)} M packets/s, ${reassembler.bytesPerFlow.toFixed(0)} bytes a flow\n`,
    );
  }
}

const [, , count = 10_000, rounds = ROUNDS_DEFAULT, ports = 'pools', order = 'turns'] = process.argv;
run(Number(count), Number(rounds), { pools: ports === 'pools', shuffled: order === 'random' });
