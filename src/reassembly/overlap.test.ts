/** Overlap policies against a byte map that knows of every byte which segment brought it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TCP_ACK, TCP_SYN } from '../contracts/view.ts';
import {
  OVERLAP_BSD,
  OVERLAP_FIRST,
  OVERLAP_LAST,
  OVERLAP_LINUX,
  OVERLAP_NAMES,
  type OverlapPolicy,
  type OverlapRange,
} from './overlap.ts';
import { Reassembler } from './reassembler.ts';
import { Recorder, segmentView } from './testing.ts';

const RUNS = { seed: 42, numRuns: 400 };
const POLICIES = [OVERLAP_FIRST, OVERLAP_LAST, OVERLAP_BSD, OVERLAP_LINUX] as const;
const EVERYBODY = { first: 0n, last: (1n << 128n) - 1n };
/** `10.0.0.2` and `10.0.0.1`: the server and the client of `segmentView`. */
const SERVER = 0xffff_0a00_0002n;
const CLIENT = 0xffff_0a00_0001n;
const LOST = '?';

interface Segment {
  readonly from: number;
  readonly data: string;
}

interface Cell {
  readonly byte: string;
  readonly owner: Segment;
}

/** The four rules, as the literature words them: whether a later segment's byte replaces an earlier one's. */
const REPLACES: Readonly<Record<OverlapPolicy, (later: Segment, earlier: Segment) => boolean>> = {
  [OVERLAP_FIRST]: () => false,
  [OVERLAP_LAST]: () => true,
  [OVERLAP_BSD]: (later, earlier) => later.from < earlier.from,
  [OVERLAP_LINUX]: (later, earlier) =>
    later.from < earlier.from || (later.from === earlier.from && later.data.length > earlier.data.length),
};

/** What an application reads: bytes are out of reach once everything before them is there. */
function model(policy: OverlapPolicy, segments: readonly Segment[]): string {
  const map: (Cell | undefined)[] = [];
  let read = 0;
  for (const segment of segments) {
    for (let i = 0; i < segment.data.length; i++) {
      const at = segment.from + i;
      if (at < read) continue;
      const earlier = map[at];
      if (earlier === undefined || REPLACES[policy](segment, earlier.owner)) {
        map[at] = { byte: segment.data[i] ?? LOST, owner: segment };
      }
    }
    while (map[read] !== undefined) read++;
  }
  return Array.from(map, (cell) => cell?.byte ?? LOST).join('');
}

/** What reassembly makes of the same segments, sent by `from`; lost bytes as `LOST`. */
function reassemble(ranges: readonly OverlapRange[], segments: readonly Segment[], from: 0 | 1 = 0, isn = -40): string {
  const reassembler = new Reassembler({ flowsMax: 4, pagesMax: 512, pagesPerFlowMax: 512, overlap: ranges });
  const recorder = new Recorder(reassembler);
  reassembler.setReceiver(recorder);
  const other = (1 - from) as 0 | 1;
  reassembler.push(segmentView({ from, flags: TCP_SYN, seq: isn }));
  reassembler.push(segmentView({ from: other, flags: TCP_SYN | TCP_ACK, seq: 900, ack: isn + 1 }));
  reassembler.push(segmentView({ from, seq: isn + 1, ack: 901 }));
  for (const { from: offset, data } of segments) {
    reassembler.push(segmentView({ from, seq: isn + 1 + offset, ack: 901, data }));
  }
  reassembler.flush(0);
  assert.equal(reassembler.pagesHeld, 0);
  const flow = recorder.flows[0];
  if (flow === undefined) return '';
  let at = 0;
  const all = Buffer.concat(flow.bytes[from]).toString('latin1');
  return flow.calls
    .map((call) => {
      const bytes = Number(call.slice(2));
      if (call[1] === '?') return LOST.repeat(bytes);
      at += bytes;
      return all.slice(at - bytes, at);
    })
    .join('');
}

function segmentsOf(spread: number, longest: number): fc.Arbitrary<Segment[]> {
  const segment = fc.record({
    from: fc.integer({ min: 0, max: spread }),
    length: fc.integer({ min: 1, max: longest }),
  });
  // Each segment has a letter of its own, so that the result tells who won.
  return fc
    .array(segment, { minLength: 1, maxLength: 24 })
    .map((list) => list.map(({ from, length }, i) => ({ from, data: String.fromCharCode(97 + i).repeat(length) })));
}

for (const policy of POLICIES) {
  const ranges = [{ ...EVERYBODY, policy }];

  test(`${OVERLAP_NAMES[policy]}: short segments in any order and overlap give the model's bytes`, () => {
    fc.assert(
      fc.property(segmentsOf(60, 20), (segments) => {
        assert.equal(reassemble(ranges, segments), model(policy, segments));
      }),
      RUNS,
    );
  });

  test(`${OVERLAP_NAMES[policy]}: segments longer than a page, too`, () => {
    fc.assert(
      fc.property(segmentsOf(9000, 6000), (segments) => {
        assert.equal(reassemble(ranges, segments), model(policy, segments));
      }),
      { seed: 42, numRuns: 60 },
    );
  });
}

const CASES: readonly [
  name: string,
  segments: readonly Segment[],
  first: string,
  last: string,
  bsd: string,
  linux: string,
][] = [
  ['inside', [held(2, 'aaaa'), held(3, 'bb'), held(0, '..')], '..aaaa', '..abba', '..aaaa', '..aaaa'],
  ['around', [held(3, 'aa'), held(2, 'bbbb'), held(0, '..')], '..baab', '..bbbb', '..bbbb', '..bbbb'],
  ['same begin, longer', [held(2, 'aa'), held(2, 'bbbb'), held(0, '..')], '..aabb', '..bbbb', '..aabb', '..bbbb'],
  ['same begin, shorter', [held(2, 'aaaa'), held(2, 'bb'), held(0, '..')], '..aaaa', '..bbaa', '..aaaa', '..aaaa'],
  ['from before', [held(4, 'aaa'), held(2, 'bbbb'), held(0, '..')], '..bbaaa', '..bbbba', '..bbbba', '..bbbba'],
  ['the filling one', [held(2, 'aa'), held(0, 'bbbb')], 'bbaa', 'bbbb', 'bbbb', 'bbbb'],
  ['read already', [held(0, 'aaaa'), held(0, 'bbbb')], 'aaaa', 'aaaa', 'aaaa', 'aaaa'],
];

function held(from: number, data: string): Segment {
  return { from, data };
}

test('the textbook overlaps, as each policy resolves them', () => {
  for (const [name, segments, ...expected] of CASES) {
    const results = POLICIES.map((policy) => reassemble([{ ...EVERYBODY, policy }], segments));
    assert.deepEqual(results, expected, name);
  }
});

test('the policy is that of the host which receives the bytes, and the narrowest range counts', () => {
  const segments = [held(2, 'aaaa'), held(3, 'bb'), held(0, '..')];
  const serverLast = { first: SERVER, last: SERVER, policy: OVERLAP_LAST } as const;
  assert.equal(reassemble([serverLast], segments, 0), '..abba');
  assert.equal(reassemble([serverLast], segments, 1), '..aaaa');
  const clientFirst = { first: CLIENT, last: CLIENT, policy: OVERLAP_FIRST } as const;
  const ranges: OverlapRange[] = [{ ...EVERYBODY, policy: OVERLAP_LAST }, clientFirst];
  assert.equal(reassemble(ranges, segments, 0), '..abba');
  assert.equal(reassemble(ranges, segments, 1), '..aaaa');
});

test('two versions of the same bytes are counted', () => {
  const reassembler = new Reassembler({ flowsMax: 4, pagesMax: 16 });
  reassembler.setReceiver(new Recorder(reassembler));
  reassembler.push(segmentView({ from: 0, flags: TCP_SYN, seq: 0 }));
  reassembler.push(segmentView({ from: 1, flags: TCP_SYN | TCP_ACK, seq: 900, ack: 1 }));
  reassembler.push(segmentView({ from: 0, seq: 3, ack: 901, data: 'abcd' }));
  reassembler.push(segmentView({ from: 0, seq: 3, ack: 901, data: 'abcd' }));
  assert.equal(reassembler.counters.conflictBytes, 0);
  assert.equal(reassembler.counters.duplicateBytes, 4);
  reassembler.push(segmentView({ from: 0, seq: 4, ack: 901, data: 'bXXe' }));
  assert.equal(reassembler.counters.conflictBytes, 2);
  assert.equal(reassembler.counters.duplicateBytes, 7);
});

test('without pages for the pieces, what is held goes out and nothing is held for ever', () => {
  const reassembler = new Reassembler({
    flowsMax: 4,
    pagesMax: 3,
    pagesPerFlowMax: 3,
    overlap: [{ ...EVERYBODY, policy: OVERLAP_LAST }],
  });
  const recorder = new Recorder(reassembler);
  reassembler.setReceiver(recorder);
  reassembler.push(segmentView({ from: 0, flags: TCP_SYN, seq: 0 }));
  reassembler.push(segmentView({ from: 1, flags: TCP_SYN | TCP_ACK, seq: 900, ack: 1 }));
  reassembler.push(segmentView({ from: 0, seq: 3, ack: 901, data: 'aaaaaa' }));
  reassembler.push(segmentView({ from: 0, seq: 5, ack: 901, data: 'bb' }));
  assert.equal(reassembler.counters.heldOverflows, 1);
  assert.equal(recorder.text(0, 0), 'aaaaaa');
  assert.equal(reassembler.pagesHeld, 0);
});

test('a copy that acknowledges less than the held original sets the bytes free', () => {
  const reassembler = new Reassembler({ flowsMax: 4, pagesMax: 16 });
  const recorder = new Recorder(reassembler);
  reassembler.setReceiver(recorder);
  reassembler.push(segmentView({ from: 0, flags: TCP_SYN, seq: 0 }));
  reassembler.push(segmentView({ from: 1, flags: TCP_SYN | TCP_ACK, seq: 900, ack: 1 }));
  // The first waits for ten bytes of the server; the copy does not, nor does the one around it.
  reassembler.push(segmentView({ from: 0, seq: 1, ack: 911, data: 'abc' }));
  reassembler.push(segmentView({ from: 0, seq: 1, ack: 901, data: 'abc' }));
  assert.equal(recorder.text(0, 0), 'abc');
  reassembler.push(segmentView({ from: 0, seq: 6, ack: 911, data: 'fg' }));
  reassembler.push(segmentView({ from: 0, seq: 4, ack: 901, data: 'defgh' }));
  assert.equal(recorder.text(0, 0), 'abcdefgh');
  // Also when the snap length left nothing of the copy.
  reassembler.push(segmentView({ from: 0, seq: 9, ack: 911, data: 'ij' }));
  reassembler.push(segmentView({ from: 0, seq: 9, ack: 901, wireBytes: 2 }));
  assert.equal(recorder.text(0, 0), 'abcdefghij');
});

test('whatever two sides send and acknowledge, every policy ends with nothing held', () => {
  const packet = fc.record({
    from: fc.constantFrom<0 | 1>(0, 1),
    seq: fc.integer({ min: 1, max: 12 }),
    ack: fc.integer({ min: 1, max: 12 }),
    length: fc.integer({ min: 0, max: 6 }),
    captured: fc.integer({ min: 0, max: 6 }),
  });
  fc.assert(
    fc.property(fc.constantFrom(...POLICIES), fc.array(packet, { maxLength: 40 }), (policy, packets) => {
      const overlap = [{ ...EVERYBODY, policy }];
      const reassembler = new Reassembler({ flowsMax: 4, pagesMax: 8, pagesPerFlowMax: 6, overlap });
      reassembler.setReceiver(new Recorder(reassembler));
      reassembler.push(segmentView({ from: 0, flags: TCP_SYN, seq: 0 }));
      reassembler.push(segmentView({ from: 1, flags: TCP_SYN | TCP_ACK, seq: 0, ack: 1 }));
      for (const { from, seq, ack, length, captured } of packets) {
        const data = 'x'.repeat(Math.min(length, captured));
        reassembler.push(segmentView({ from, seq, ack, data, wireBytes: length }));
      }
      reassembler.flush(0);
      assert.equal(reassembler.pagesHeld, 0);
    }),
    { seed: 42, numRuns: 2000 },
  );
});
