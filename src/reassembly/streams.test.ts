/** Byte streams case by case: order, overlap, causal order, holes and how long they wait, page limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STREAM_KEEP, type StreamReceiver } from '../contracts/stream.ts';
import { TCP_ACK, TCP_FIN, TCP_SYN } from '../contracts/view.ts';
import type { ReassemblyOptions } from './options.ts';
import { PAGE_BYTES } from './pages.ts';
import { Reassembler } from './reassembler.ts';
import { Recorder, type SegmentSpec, segmentView } from './testing.ts';

const ISN0 = 0xfffffff0 | 0;
const ISN1 = 0x7ffffff8;

/** A flow after its handshake; `client` and `server` number their bytes from 0. Both wrap soon. */
class Rig {
  readonly reassembler: Reassembler;
  readonly recorder: Recorder;

  constructor(options: Partial<ReassemblyOptions> = {}) {
    this.reassembler = new Reassembler({ flowsMax: 16, pagesMax: 64, pagesPerFlowMax: 32, ...options });
    this.recorder = new Recorder(this.reassembler);
    this.reassembler.setReceiver(this.recorder);
    this.push({ from: 0, seq: ISN0, flags: TCP_SYN });
    this.push({ from: 1, seq: ISN1, ack: ISN0 + 1, flags: TCP_SYN | TCP_ACK });
    this.push({ from: 0, seq: ISN0 + 1, ack: ISN1 + 1 });
  }

  push(spec: SegmentSpec): void {
    this.reassembler.push(segmentView(spec));
  }

  client(offset: number, data: string, knew = 0, atUs = 0, more: Partial<SegmentSpec> = {}): void {
    this.push({ from: 0, seq: ISN0 + 1 + offset, ack: ISN1 + 1 + knew, data, atUs, ...more });
  }

  server(offset: number, data: string, knew = 0, atUs = 0, more: Partial<SegmentSpec> = {}): void {
    this.push({ from: 1, seq: ISN1 + 1 + offset, ack: ISN0 + 1 + knew, data, atUs, ...more });
  }

  get calls(): string {
    return this.recorder.flows.flatMap((flow) => flow.calls).join(' ');
  }
}

test('reordered segments across the wrap', () => {
  const rig = new Rig();
  rig.client(20, 'third');
  rig.client(10, 'second....');
  assert.equal(rig.calls, '');
  rig.client(0, 'first.....');
  assert.equal(rig.recorder.text(0, 0), 'first.....second....third');
  assert.equal(rig.reassembler.pagesHeld, 0);
});

test('where segments overlap, what came first stays', () => {
  const rig = new Rig();
  rig.client(4, 'EFGH');
  rig.client(2, 'cdefghij');
  rig.client(0, 'ABCD');
  assert.equal(rig.recorder.text(0, 0), 'ABcdEFGHij');
  rig.client(8, 'xxKL');
  assert.equal(rig.recorder.text(0, 0), 'ABcdEFGHijKL');
  assert.equal(rig.reassembler.counters.duplicateBytes, 8);
});

test('a reply that the mirror delivers before its request waits for it', () => {
  const rig = new Rig();
  rig.server(0, 'reply', 7);
  rig.server(5, 'more', 7);
  assert.equal(rig.calls, '');
  rig.client(0, 'request');
  assert.equal(rig.calls, '0+7 1+5 1+4');
  assert.equal(rig.reassembler.counters.lostBytes, 0);
});

test('an acknowledged hole is lost after eight further packets', () => {
  const rig = new Rig();
  rig.server(0, 'reply', 7);
  for (let i = 0; i < 7; i++) rig.server(5, '', 7);
  assert.equal(rig.calls, '');
  rig.server(5, '', 7);
  assert.equal(rig.calls, '0?6 1+5');
  // Whether the seventh number was a byte or the FIN shows when something follows it.
  rig.client(7, 'next', 5);
  assert.equal(rig.calls, '0?6 1+5 0?1 0+4');
});

test('an acknowledged hole is lost after fifty milliseconds, with or without a packet', () => {
  for (const wake of [
    (rig: Rig): void => rig.reassembler.advance(51_000),
    (rig: Rig): void => rig.server(5, '', 7, 50_000),
  ]) {
    const rig = new Rig();
    rig.server(0, 'reply', 7, 0);
    rig.reassembler.advance(49_999);
    assert.equal(rig.calls, '');
    wake(rig);
    assert.equal(rig.calls, '0?6 1+5');
  }
});

test('a pure acknowledgement is enough to know of lost bytes', () => {
  const rig = new Rig();
  rig.client(0, 'abc');
  rig.server(0, '', 6);
  rig.client(6, 'ghi');
  rig.reassembler.advance(60_000);
  assert.equal(rig.calls, '0+3 0?3 0+3');
});

test('a hole that nobody acknowledged waits three seconds for its retransmission', () => {
  const rig = new Rig();
  rig.client(0, 'abc');
  rig.client(6, 'ghi', 0, 1000);
  rig.reassembler.advance(2_999_000);
  rig.client(3, 'def', 0, 2_999_500);
  assert.equal(rig.recorder.text(0, 0), 'abcdefghi');
  rig.client(12, 'mno', 0, 3_000_000);
  rig.client(18, 'stu', 0, 3_500_000);
  rig.reassembler.advance(6_001_000);
  assert.equal(rig.calls, '0+3 0+3 0+3 0?3 0+3');
  rig.reassembler.advance(10_000_000);
  assert.equal(rig.calls, '0+3 0+3 0+3 0?3 0+3 0?3 0+3');
});

test('a retransmitted request acknowledges the reply that answered it: the request goes first', () => {
  const rig = new Rig();
  rig.server(0, 'reply', 7);
  rig.client(0, 'request', 5);
  assert.equal(rig.calls, '0+7 1+5');
});

test('bytes cut off by the snap length are a gap in their place', () => {
  const rig = new Rig();
  rig.client(0, 'abcd', 0, 0, { wireBytes: 10 });
  rig.client(20, 'uv', 0, 0, { wireBytes: 5000 });
  rig.client(10, '', 0, 0, { wireBytes: 10 });
  rig.client(5020, 'end');
  assert.equal(rig.calls, '0+4 0?6 0?10 0+2 0?4998 0+3');
});

test('a segment larger than a page comes out whole', () => {
  const rig = new Rig();
  const big = 'x'.repeat(PAGE_BYTES * 3 + 17);
  rig.client(3, big);
  assert.equal(rig.reassembler.pagesHeld, 4);
  rig.client(0, 'abc');
  assert.equal(rig.recorder.text(0, 0), `abc${big}`);
});

test('at the page limit of a flow, the hole is given up and the stream goes on', () => {
  const rig = new Rig({ pagesPerFlowMax: 4 });
  for (let i = 0; i < 4; i++) rig.client(10 + i * 10, '0123456789');
  assert.equal(rig.calls, '');
  rig.client(60, 'beyond');
  assert.equal(rig.calls, '0?10 0+10 0+10 0+10 0+10 0?10 0+6');
  assert.equal(rig.reassembler.pagesHeld, 0);
  assert.equal(rig.reassembler.counters.heldOverflows, 1);
});

test('with no page left, data is handed on at once, its gap before it', () => {
  const rig = new Rig({ pagesMax: 1 });
  rig.push({ from: 0, seq: 500, ack: 1, data: 'another flow', flow: 7 });
  rig.push({ from: 0, seq: 600, ack: 1, data: 'holds the page', flow: 7 });
  assert.equal(rig.reassembler.pagesHeld, 1);
  rig.server(0, 'reply', 7);
  assert.deepEqual(rig.recorder.flows[1]?.calls, ['0?7', '1+5']);
  assert.deepEqual(rig.recorder.flows[0]?.calls, ['0+12']);
});

test('a forged segment far ahead does not take the stream along', () => {
  const rig = new Rig();
  rig.client(50_000_000, 'forged');
  rig.client(1_000_000, 'also forged');
  for (let i = 0; i < 100; i++) rig.client(i * 3, 'abc');
  assert.equal(rig.recorder.text(0, 0), 'abc'.repeat(100));
  assert.equal(rig.reassembler.counters.outOfWindow, 1);
});

test('after an outage longer than the window the stream is taken up anew', () => {
  const rig = new Rig();
  rig.client(0, 'before');
  const base = 0x50000000;
  for (let i = 0; i < 40; i++) rig.client(base + i * 4, 'data');
  assert.equal(rig.reassembler.counters.resyncs, 1);
  assert.equal(rig.recorder.flows[0]?.lost[0], base + 15 * 4 - 6);
  assert.equal(rig.recorder.text(0, 0), `before${'data'.repeat(25)}`);
});

test('data behind a FIN is no data', () => {
  const rig = new Rig();
  rig.client(0, 'abc', 0, 0, { flags: TCP_ACK | TCP_FIN });
  rig.client(3, 'forged');
  rig.client(1, 'bcforged');
  assert.equal(rig.recorder.text(0, 0), 'abc');
});

test('a FIN ahead of its data, and both FINs, end the flow once the data is there', () => {
  const rig = new Rig();
  rig.client(6, 'ghi', 0, 0, { flags: TCP_ACK | TCP_FIN });
  rig.server(0, '', 0, 0, { flags: TCP_ACK | TCP_FIN });
  assert.equal(rig.recorder.flows.length, 0);
  rig.client(0, 'abcdef');
  assert.equal(rig.recorder.text(0, 0), 'abcdefghi');
  assert.equal(rig.recorder.flows[0]?.end, 'fin');
});

test('what acknowledges a FIN follows it, whenever the holes before both are given up', () => {
  const rig = new Rig();
  rig.client(10, 'last', 5);
  rig.client(14, '', 5, 0, { flags: TCP_ACK | TCP_FIN });
  rig.server(5, 'answer', 15);
  rig.reassembler.flush(0);
  assert.equal(rig.calls, '0?10 1?5 0+4 1+6');
  assert.equal(rig.reassembler.pagesHeld, 0);
});

for (const clientSeen of [false, true]) {
  const name = clientSeen ? 'of which the client fell silent' : 'of which only the server is seen';
  test(`a connection ${name} loses nothing in 5 GiB, whatever pauses it makes`, () => {
    const reassembler = new Reassembler({ flowsMax: 1 });
    let bytes = 0;
    let lostBytes = 0;
    const receiver: StreamReceiver = {
      onData: (_slot, _side, _bytes, start, end) => {
        bytes += end - start;
        return STREAM_KEEP;
      },
      onGap: (_slot, _side, count) => {
        lostBytes += count;
        return STREAM_KEEP;
      },
      onEnd: () => undefined,
    };
    reassembler.setReceiver(receiver);
    if (clientSeen) reassembler.push(segmentView({ from: 0, seq: 500, ack: 0, data: 'query' }));
    const view = segmentView({ from: 1, seq: 0, ack: 505, data: new Uint8Array(65_000) });
    for (let sent = 0; sent < 5 * 2 ** 30; sent += 65_000) {
      view.seq = sent | 0;
      view.tsUs += 1000;
      // Two copies now and then, which are not the undisturbed case, and a pause.
      if (sent % (65_000 * 500) === 0) {
        reassembler.push(view);
        view.tsUs += 100_000;
      }
      reassembler.push(view);
    }
    reassembler.push(segmentView({ from: 0, seq: 505, ack: view.seq + 65_000, data: 'more', atUs: view.tsUs }));
    reassembler.flush(0);
    assert.equal(lostBytes, 0);
    assert.ok(bytes > 5 * 2 ** 30);
  });
}

test('an acknowledgement half the number space away holds nothing up', () => {
  const rig = new Rig();
  rig.client(0, 'query', 0);
  rig.server(0, 'answer', 15);
  rig.server(0, 'answer', 5 - 2 ** 31);
  assert.equal(rig.calls, '0+5 1+6');
  assert.equal(rig.reassembler.pagesHeld, 0);
});

test('a lost FIN that was acknowledged is no lost byte', () => {
  const rig = new Rig();
  rig.client(0, 'quit');
  rig.server(0, 'bye', 5, 0, { flags: TCP_ACK | TCP_FIN });
  rig.client(5, '', 4);
  rig.reassembler.advance(60_000);
  assert.equal(rig.calls, '0+4 1+3');
  assert.equal(rig.recorder.flows[0]?.end, 'fin');
  assert.equal(rig.reassembler.counters.lostBytes, 0);
});

test('the end of the source hands on what is held, with its gaps', () => {
  const rig = new Rig();
  rig.client(0, 'abc');
  rig.client(6, 'ghi');
  rig.server(2, 'cd', 9);
  rig.reassembler.flush(0);
  assert.equal(rig.calls, '0+3 0?3 0+3 1?2 1+2');
  assert.equal(rig.recorder.flows[0]?.end, 'source');
});
