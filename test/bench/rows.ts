/**
 * Bench of the protocol stage: a result of 1 GB skimmed by length, and traffic of prepared statements as `pgbench -S`
 * makes it, for each protocol.
 *
 *     node dist/test/bench/rows.js [megabytes [protocol]]
 *
 * Rows are 40 to 400 bytes; they come in segments of 1448 bytes (an Ethernet frame) and of 64 KiB (what segmentation
 * offload hands over), so that rows straddle segments everywhere. The run fails when the number of rows is wrong, or
 * when the process holds more than a little of what it was shown.
 */
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Auditor } from '#src/audit/auditor.js';
import { type AuditEvent, StatementEvent } from '#src/contracts/event.js';
import {
  type Direction,
  END_FIN,
  type EventSink,
  type ProtocolModule,
  TO_CLIENT,
  TO_SERVER,
} from '#src/contracts/protocol.js';
import { newDriverCounters } from '#src/protocols/sdk/counters.js';
import { Driver } from '#src/protocols/sdk/driver.js';
import { connectionInfo } from '#src/protocols/sdk/testkit.js';
import { createAnalyzer } from '#src/sql/analyzer.js';
import { randomFrom } from '../support/random.ts';
import { EXECUTION_CASES, type ExecutionCase, ROW_CASES, type RowCase } from './conversations.ts';

const MEGABYTE = 1_000_000;
const DEFAULT_MEGABYTES = 1000;
const SEGMENTS_BYTES: readonly number[] = [1448, 65_536];
/** A multiple of 256: MySQL's sequence numbers begin anew. */
const ROWS = 4096;
const ROW_BYTES_MIN = 40;
const ROW_BYTES_MAX = 400;
const ROUNDS = 3;
const TRANSACTIONS = 300_000;
const HELD_BYTES_MAX = 8 * MEGABYTE;

class Collector implements EventSink {
  readonly statements: StatementEvent[] = [];
  emit(event: AuditEvent): void {
    if (event instanceof StatementEvent) this.statements.push(event);
  }
}

function skim({ module, before, row, pack, after }: RowCase, megabytes: number, segmentBytes: number): number {
  const random = randomFrom(42);
  const rows = Array.from({ length: ROWS }, (_, index) => {
    const length = ROW_BYTES_MIN + Math.floor(random() * (ROW_BYTES_MAX - ROW_BYTES_MIN));
    return row(index, new Uint8Array(length).fill(0x61));
  });
  const block = pack(rows);
  const repeats = Math.ceil((megabytes * MEGABYTE) / block.length);
  const sink = new Collector();
  const driver = new Driver(module, module.open(connectionInfo(module.name)), sink, newDriverCounters(), false);
  let tsUs = 1;
  for (const [direction, bytes] of before) driver.data(direction, bytes, 0, bytes.length, tsUs++);
  const begun = process.hrtime.bigint();
  for (let n = 0; n < repeats; n++) {
    for (let at = 0; at < block.length; at += segmentBytes) {
      driver.data(TO_CLIENT, block, at, Math.min(at + segmentBytes, block.length), tsUs++);
    }
  }
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  const end = after(repeats * ROWS);
  driver.data(TO_CLIENT, end, 0, end.length, tsUs);
  driver.end(END_FIN, tsUs);
  assert.equal(sink.statements.length, 1);
  assert.equal(sink.statements[0]?.outcomes[0]?.returnedRows, repeats * ROWS);
  return (repeats * block.length) / 1e9 / seconds;
}

/** One client's executions of a prepared statement, up to finished audit records. Returns statements a second. */
function execute({ module, before, request, reply }: ExecutionCase): number {
  let records = 0;
  const write = (): boolean => ++records > 0;
  const auditor = new Auditor({ sensor: 'bench', analyzer: createAnalyzer(), policy: undefined, sink: { write } });
  const info = connectionInfo(module.name);
  const sink = auditor.open(info);
  const driver = new Driver(module, module.open(info), sink, newDriverCounters(), false);
  let tsUs = 1;
  const say = (direction: Direction, bytes: Uint8Array): void => driver.data(direction, bytes, 0, bytes.length, tsUs++);
  for (const [direction, bytes] of before) say(direction, bytes);
  const requests = Array.from({ length: 1000 }, (_, value) => request(value));
  const begun = process.hrtime.bigint();
  for (let n = 0; n < TRANSACTIONS; n++) {
    say(TO_SERVER, requests[n % requests.length] as Uint8Array);
    say(TO_CLIENT, reply);
  }
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  driver.end(END_FIN, tsUs);
  assert.equal(auditor.counters.statements, TRANSACTIONS);
  return TRANSACTIONS / seconds;
}

/** What cannot be freed: objects and buffers. Buffers that one collection finds are freed with the next. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const megabytes = Number(process.argv[2] ?? DEFAULT_MEGABYTES);
const isWanted = ({ module }: { module: ProtocolModule }) =>
  process.argv[3] === undefined || module.name === process.argv[3];
const heldBefore = heldBytes();
for (const one of ROW_CASES.filter(isWanted)) {
  for (const segmentBytes of SEGMENTS_BYTES) {
    const rates = Array.from({ length: ROUNDS }, () => skim(one, megabytes, segmentBytes));
    const best = Math.max(...rates).toFixed(2);
    process.stdout.write(`${one.name}: ${megabytes} MB of rows in ${segmentBytes}-byte segments, ${best} GB/s\n`);
  }
}
assert.ok(heldBytes() - heldBefore < HELD_BYTES_MAX, 'rows are being held');
for (const one of EXECUTION_CASES.filter(isWanted)) {
  const rates = Array.from({ length: ROUNDS }, () => execute(one));
  process.stdout.write(`${one.name}: ${Math.round(Math.max(...rates))} statements/s up to the record\n`);
}
