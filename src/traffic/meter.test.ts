import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowReader } from '../contracts/stream.ts';
import {
  FLOW_DATABASE,
  FLOW_STATE_NAMES,
  FLOW_UNDECIDED,
  type FlowClass,
  type FlowClassifier,
  STATUS_ACK_DATA_US,
  STATUS_BYTES,
  STATUS_CLASS,
  STATUS_FIRST_US,
  STATUS_FLAG_DIRECTED,
  STATUS_FLAG_FIRST,
  STATUS_FLAGS,
  STATUS_LAST_US,
  STATUS_PACKETS,
  STATUS_PAYLOAD,
  STATUS_PORTS,
  STATUS_RETRANSMITTED,
  STATUS_STATE,
  STATUS_SYN_ACK_US,
  STATUS_WORDS,
} from '../contracts/traffic.ts';
import { PacketView, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../contracts/view.ts';
import { type MeterOptions, TrafficMeter } from './meter.ts';

const START_US = 1_700_000_000e6;
const CLIENT_PORT = 40_000;
const SERVER_PORT = 5432;

/** Reassembly that knows every packet's flow as number 0, of one class. */
const FLOWS: FlowReader = {
  address: () => '',
  port: () => 0,
  clientSide: () => -1,
  firstTsUs: () => START_US,
  isMidstream: () => false,
  vlanId: () => -1,
  tunnelKind: () => 0,
  tunnelId: () => 0,
  interfaceIndex: () => 0,
};

function classifier(flowClass: FlowClass): FlowClassifier {
  return { flowClass: () => flowClass, protocolClient: () => -1, settle: () => undefined };
}

type Segment = Partial<Pick<PacketView, 'seq' | 'flags' | 'payloadBytes'>> & {
  readonly atUs: number;
  readonly fromServer?: boolean;
  readonly port?: number;
};

function view({ atUs, fromServer = false, port = CLIENT_PORT, ...more }: Segment): PacketView {
  const client = { src0: 0, src1: 0, src2: 0xffff, src3: 0x0a000001, srcPort: port };
  const server = { dst0: 0, dst1: 0, dst2: 0xffff, dst3: 0x0a000002, dstPort: SERVER_PORT };
  const swapped = {
    src2: 0xffff,
    src3: 0x0a000002,
    srcPort: SERVER_PORT,
    dst2: 0xffff,
    dst3: 0x0a000001,
    dstPort: port,
  };
  const ends = fromServer ? swapped : { ...client, ...server };
  const packet = Object.assign(new PacketView(), ends, { flags: TCP_ACK }, more, { tsUs: START_US + atUs });
  packet.wireBytes = 54 + packet.payloadBytes;
  return packet;
}

/** Status records of these segments, in order, as functions from word to value. */
function recordsOf(
  segments: readonly Segment[],
  flowClass: FlowClass = FLOW_UNDECIDED,
  options: Partial<MeterOptions> = {},
): { readonly records: readonly ((word: number) => number)[]; readonly counters: Readonly<Record<string, number>> } {
  const records: ((word: number) => number)[] = [];
  const sink = (rows: Float64Array, count: number): void => {
    for (let i = 0; i < count; i++) records.push((word) => rows[i * STATUS_WORDS + word] as number);
  };
  const meter = new TrafficMeter(FLOWS, classifier(flowClass), sink, options);
  for (const segment of segments) meter.count(view(segment), flowClass === FLOW_UNDECIDED ? -1 : 0);
  meter.end();
  return { records, counters: meter.counters() };
}

const HANDSHAKE: readonly Segment[] = [
  { atUs: 100, flags: TCP_SYN, seq: 1000 },
  { atUs: 400, flags: TCP_SYN | TCP_ACK, seq: 9000, fromServer: true },
  { atUs: 500, seq: 1001 },
];

test('a record says what each side did within the interval, and when the handshake was answered', () => {
  const { records, counters } = recordsOf(
    [
      ...HANDSHAKE,
      { atUs: 600, seq: 1001, payloadBytes: 30 },
      { atUs: 700, seq: 1001, payloadBytes: 30 },
      { atUs: 900, seq: 9001, payloadBytes: 500, fromServer: true },
    ],
    FLOW_DATABASE,
  );
  assert.equal(records.length, 1);
  const word = records[0] as (word: number) => number;
  assert.deepEqual([word(STATUS_PORTS), word(STATUS_PORTS + 1)], [CLIENT_PORT, SERVER_PORT]);
  assert.deepEqual([word(STATUS_PACKETS), word(STATUS_PACKETS + 1)], [4, 2]);
  assert.deepEqual([word(STATUS_PAYLOAD), word(STATUS_PAYLOAD + 1)], [60, 500]);
  assert.deepEqual([word(STATUS_BYTES), word(STATUS_BYTES + 1)], [4 * 54 + 60, 2 * 54 + 500]);
  assert.deepEqual([word(STATUS_RETRANSMITTED), word(STATUS_RETRANSMITTED + 1)], [1, 0]);
  assert.deepEqual([word(STATUS_FIRST_US) - START_US, word(STATUS_LAST_US) - START_US], [100, 900]);
  assert.deepEqual([word(STATUS_SYN_ACK_US), word(STATUS_ACK_DATA_US)], [300, 100]);
  assert.equal(word(STATUS_FLAGS), STATUS_FLAG_DIRECTED | STATUS_FLAG_FIRST);
  assert.equal(word(STATUS_CLASS), FLOW_DATABASE);
  assert.equal(counters['databaseBytes'], 560, 'both sides');
  assert.equal(counters['undecidedBytes'], 0);
});

test('every interval has a record of its own; what the one before counted is not in it', () => {
  const { records } = recordsOf([
    ...HANDSHAKE,
    { atUs: 600, seq: 1001, payloadBytes: 30 },
    { atUs: 5e6, seq: 1031, payloadBytes: 7 },
    { atUs: 20e6, seq: 9001, payloadBytes: 2, fromServer: true },
  ]);
  assert.deepEqual(
    records.map((word) => [
      word(STATUS_PACKETS),
      word(STATUS_PAYLOAD),
      word(STATUS_PAYLOAD + 1),
      word(STATUS_FLAGS) & STATUS_FLAG_FIRST,
    ]),
    [
      [3, 30, 0, STATUS_FLAG_FIRST],
      [1, 7, 0, 0],
      [0, 0, 2, 0],
    ],
  );
});

test('the state says how the connection stands', () => {
  const stateOf = (...segments: readonly Segment[]): string | undefined =>
    FLOW_STATE_NAMES[recordsOf(segments).records.at(-1)?.(STATUS_STATE) ?? -1];
  const [syn = { atUs: 0 }] = HANDSHAKE;
  assert.equal(stateOf(syn), 'REQ');
  assert.equal(stateOf(syn, { ...syn, atUs: 200 }), 'REQ');
  // The source ends while it is open.
  assert.equal(stateOf(...HANDSHAKE), 'cut');
  const fin: Segment = { atUs: 700, flags: TCP_FIN | TCP_ACK, seq: 1001 };
  assert.equal(stateOf(...HANDSHAKE, fin), 'cut');
  assert.equal(stateOf(...HANDSHAKE, fin, { ...fin, atUs: 800, seq: 9001, fromServer: true }), 'FIN');
  assert.equal(stateOf(...HANDSHAKE, { atUs: 700, flags: TCP_RST, seq: 1001 }), 'RST');
  // Open at the end of an interval that is not the last.
  const { records } = recordsOf([...HANDSHAKE, { atUs: 6e6, seq: 1001 }]);
  assert.equal(FLOW_STATE_NAMES[records[0]?.(STATUS_STATE) ?? -1], 'CON');
});

test('of an answer without a question the client is guessed by the ports, and that is said', () => {
  const { records } = recordsOf([{ atUs: 100, seq: 9001, payloadBytes: 2, fromServer: true }]);
  const word = records[0] as (word: number) => number;
  assert.deepEqual([word(STATUS_PORTS), word(STATUS_PORTS + 1)], [CLIENT_PORT, SERVER_PORT]);
  assert.equal(word(STATUS_FLAGS) & STATUS_FLAG_DIRECTED, 0);
});

test('packets of a minute ago count as of the interval; older ones turn the clock back', () => {
  const late = recordsOf([{ atUs: 100e6 }, { atUs: 45e6 }]).records;
  assert.deepEqual(
    late.map((word) => [word(STATUS_PACKETS), word(STATUS_FIRST_US) - START_US]),
    [[2, 100e6]],
  );
  const old = recordsOf([{ atUs: 100e6 }, { atUs: 20e6 }]).records;
  assert.deepEqual(
    old.map((word) => word(STATUS_FIRST_US) - START_US),
    [100e6, 20e6],
  );
});

test('when the table is full the longest silent connection is written down and given up', () => {
  const segments = [1, 2, 3].map((port): Segment => ({ atUs: port * 1000, port }));
  const { records, counters } = recordsOf(segments, FLOW_UNDECIDED, { flowsMax: 2 });
  assert.equal(records.length, 3);
  assert.equal(counters['evicted'], 1);
  assert.equal(counters['connections'], 3);
});
