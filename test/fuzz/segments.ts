/**
 * Fuzzing reassembly alone: short conversations of segments that no honest host sends, all within a few bytes of each
 * other and now and then half the number space away, with room for a few pages. Many thousand a second, since what went
 * wrong here were meetings of five or six segments.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STREAM_KEEP, type StreamReceiver } from '#src/contracts/stream.js';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '#src/contracts/view.js';
import type { ReassemblyOptions } from '#src/reassembly/options.js';
import { Reassembler } from '#src/reassembly/reassembler.js';
import { segmentView } from '#src/reassembly/testing.js';
import type { Target } from './campaign.ts';
import { CORPUS } from './check.ts';
import { below, pick, type Random } from './mutate.ts';

export const SEGMENTS = 'segments';

interface Segment {
  readonly from: 0 | 1;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly bytes: number;
  /** Bytes behind those that the snap length cut off. */
  readonly cutBytes: number;
  /** After the segment before. */
  readonly passUs: number;
  readonly flow: 0 | 1;
}

export interface Segments {
  /** Which of `LIMITS`. */
  readonly limits: number;
  readonly segments: readonly Segment[];
}

const LIMITS: readonly Partial<ReassemblyOptions>[] = [
  { flowsMax: 2, pagesMax: 8, pagesPerFlowMax: 4, resyncSegments: 3 },
  { flowsMax: 1, pagesMax: 3, pagesPerFlowMax: 3, resyncSegments: 2 },
  { flowsMax: 2, pagesMax: 40, pagesPerFlowMax: 30 },
  { flowsMax: 2, pagesMax: 8, pagesPerFlowMax: 6, reorderPackets: 2 },
];
const SEGMENTS_MAX = 40;
const BYTES_MAX = 6;
const CUT_BYTES_MAX = 3000;
const ISNS: readonly number[] = [0, -3, 0x7ffffffc, 1000];
const SPANS: readonly number[] = [6, 12, 30];
const FLAGS: readonly number[] = [
  ...new Array<number>(7).fill(TCP_ACK),
  TCP_ACK | TCP_PSH,
  TCP_ACK | TCP_FIN,
  TCP_ACK | TCP_FIN,
  TCP_SYN,
  TCP_SYN | TCP_ACK,
  TCP_RST | TCP_ACK,
  TCP_RST,
];
const PASSES_US: readonly number[] = [0, 0, 10, 1000, 60_000, 4_000_000, 40_000_000];
const FAR: readonly number[] = [2 ** 31, 2 ** 30, -(2 ** 30), 2 ** 29, 2 ** 24, 2 ** 16, -(2 ** 16)];

/** A few bytes on, and now and then to another end of the number space. */
function number(random: Random, isn: number, span: number): number {
  const far = random() < 0.08 ? pick(random, FAR) + below(random, 5) - 2 : 0;
  return (isn + 1 + below(random, span) + far) | 0;
}

function makeSegments(random: Random): Segments {
  const isns = [pick(random, ISNS), pick(random, ISNS)] as const;
  const span = pick(random, SPANS);
  const segments = Array.from({ length: 3 + below(random, SEGMENTS_MAX) }, (): Segment => {
    const from = below(random, 2) as 0 | 1;
    const flags = pick(random, FLAGS);
    const opens = (flags & TCP_SYN) !== 0;
    return {
      from,
      seq: opens ? isns[from] : number(random, isns[from], span),
      ack: (flags & TCP_ACK) === 0 ? 0 : number(random, isns[from === 0 ? 1 : 0], span + 2),
      flags,
      bytes: opens || random() < 0.25 ? 0 : 1 + below(random, BYTES_MAX),
      cutBytes: random() < 0.05 ? below(random, CUT_BYTES_MAX) : 0,
      passUs: pick(random, PASSES_US),
      flow: random() < 0.05 ? 1 : 0,
    };
  });
  return { limits: below(random, LIMITS.length), segments };
}

/** Reassemblers are used again, as a sensor does; every execution leaves them empty. */
const reassemblers = LIMITS.map((limits) => new Reassembler(limits));
let nowUs = 1_000_000_000;

/** Throws when a call breaks its contract or something is kept. Returns the calls. */
function executeSegments({ limits, segments }: Segments): number {
  const reassembler = reassemblers[limits] as Reassembler;
  let calls = 0;
  const receiver: StreamReceiver = {
    onData(_slot, _side, bytes, start, end) {
      calls++;
      assert.ok(start >= 0 && start < end && end <= bytes.length, `bytes ${start} to ${end} of ${bytes.length}`);
      return STREAM_KEEP;
    },
    onGap(_slot, _side, lostBytes) {
      calls++;
      assert.ok(lostBytes > 0 && lostBytes < 2 ** 32, `a gap of ${lostBytes} bytes`);
      return STREAM_KEEP;
    },
    onEnd: () => undefined,
  };
  reassembler.setReceiver(receiver);
  for (const { from, seq, ack, flags, bytes, cutBytes, passUs, flow } of segments) {
    nowUs += passUs;
    const data = new Uint8Array(bytes);
    reassembler.push(segmentView({ from, seq, ack, flags, data, wireBytes: bytes + cutBytes, atUs: nowUs, flow }));
  }
  reassembler.flush(0);
  nowUs += 100_000_000;
  assert.deepEqual([reassembler.flows, reassembler.pagesHeld], [0, 0], 'flows and pages are given back');
  return calls;
}

export const SEGMENT_TARGET: Target<Segments> = {
  name: SEGMENTS,
  recordings: LIMITS.length,
  make: makeSegments,
  execute: executeSegments,
  save(input) {
    const text = `${JSON.stringify(input)}\n`;
    const path = join(CORPUS, `${SEGMENTS}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.json`);
    writeFileSync(path, text);
    return path;
  },
};

/** The committed inputs, by file name. */
export function segmentCorpus(): Map<string, Segments> {
  const names = readdirSync(CORPUS).filter((file) => file.startsWith(`${SEGMENTS}-`));
  return new Map(names.map((name) => [name, JSON.parse(readFileSync(join(CORPUS, name), 'utf8')) as Segments]));
}
