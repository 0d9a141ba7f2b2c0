/**
 * Bench of the protocol stage: a result of 1 GB skimmed by length, and `pgbench -S` traffic with prepared statements.
 *
 *     node dist/test/bench/rows.js [megabytes]
 *
 * Rows are 40 to 400 bytes; they come in segments of 1448 bytes (an Ethernet frame) and of 64 KiB (what segmentation
 * offload hands over), so that rows straddle segments everywhere. The run fails when the number of rows is wrong, or
 * when the process holds more than a little of what it was shown.
 */
import assert from 'node:assert/strict';
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
import mysql from '#src/protocols/mysql/protocol.js';
import * as my from '#src/protocols/mysql/testing.js';
import postgres from '#src/protocols/postgres/protocol.js';
import * as pg from '#src/protocols/postgres/testing.js';
import { Driver, newDriverCounters } from '#src/protocols/sdk/driver.js';
import { connectionInfo } from '#src/protocols/sdk/testkit.js';
import { createAnalyzer } from '#src/sql/analyzer.js';
import { randomFrom } from '../support/random.ts';

const MEGABYTE = 1_000_000;
const DEFAULT_MEGABYTES = 1000;
const SEGMENTS_BYTES: readonly number[] = [1448, 65_536];
/** A multiple of 256: MySQL's sequence numbers begin anew. */
const ROWS = 4096;
const ROW_BYTES_MIN = 40;
const ROW_BYTES_MAX = 400;
const ROUNDS = 3;
const TRANSACTIONS = 300_000;
const HELD_BYTES_MAX = 64 * MEGABYTE;

interface Case {
  readonly module: ProtocolModule;
  /** What comes before the rows: login, query, column definitions; and after them. */
  readonly before: readonly (readonly [Direction, Uint8Array])[];
  readonly row: (index: number, cell: Uint8Array) => Uint8Array;
  readonly after: (rows: number) => Uint8Array;
}

const PG_WELCOME: Uint8Array = Buffer.concat([pg.auth(0), pg.ready()]);

const CASES: readonly Case[] = [
  {
    module: postgres as ProtocolModule,
    before: [
      [TO_SERVER, pg.startup({ user: 'bench' })],
      [TO_CLIENT, PG_WELCOME],
      [TO_SERVER, pg.query('SELECT * FROM big')],
      [TO_CLIENT, pg.columns('x')],
    ],
    row: (_, cell) => pg.row(Buffer.from(cell).toString('latin1')),
    after: (rows) => Buffer.concat([pg.complete(`SELECT ${rows}`), pg.ready()]),
  },
  {
    module: mysql as ProtocolModule,
    before: [
      ...my.opening(my.MODERN).map(({ direction, bytes }) => [direction, bytes] as const),
      [TO_SERVER, my.query('SELECT * FROM big')],
      [TO_CLIENT, Buffer.concat([my.packet(1, 1), my.column(2, 'x')])],
    ],
    row: (index, cell) => my.packet((index + 3) & 0xff, my.str(cell)),
    after: (rows) => my.ok((rows + 3) & 0xff, { marker: 0xfe }),
  },
];

class Collector implements EventSink {
  readonly statements: StatementEvent[] = [];
  emit(event: AuditEvent): void {
    if (event instanceof StatementEvent) this.statements.push(event);
  }
}

function skim({ module, before, row, after }: Case, megabytes: number, segmentBytes: number): number {
  const random = randomFrom(42);
  const rows = Array.from({ length: ROWS }, (_, index) => {
    const length = ROW_BYTES_MIN + Math.floor(random() * (ROW_BYTES_MAX - ROW_BYTES_MIN));
    return row(index, new Uint8Array(length).fill(0x61));
  });
  const block = Buffer.concat(rows);
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

/** One client's `pgbench -S -M prepared`, up to finished audit records. Returns statements a second. */
function pgbenchSelects(): number {
  let records = 0;
  const write = (): boolean => ++records > 0;
  const auditor = new Auditor({ sensor: 'bench', analyzer: createAnalyzer(), policy: undefined, sink: { write } });
  const info = connectionInfo('postgres');
  const sink = auditor.open(info);
  const driver = new Driver(postgres, postgres.open(info), sink, newDriverCounters(), false);
  let tsUs = 1;
  const say = (direction: Direction, bytes: Uint8Array): void => driver.data(direction, bytes, 0, bytes.length, tsUs++);
  say(TO_SERVER, pg.startup({ user: 'bench' }));
  say(TO_CLIENT, PG_WELCOME);
  say(TO_SERVER, Buffer.concat([pg.parse('P0_1', 'SELECT abalance FROM pgbench_accounts WHERE aid = $1;'), pg.sync]));
  say(TO_CLIENT, Buffer.concat([pg.parseComplete, pg.ready()]));
  const requests = Array.from({ length: 1000 }, (_, aid) =>
    Buffer.concat([pg.bind('', 'P0_1', [String(aid)]), pg.describe('P'), pg.execute(), pg.sync]),
  );
  const reply = Buffer.concat([
    pg.bindComplete,
    pg.columns('abalance'),
    pg.row('0'),
    pg.complete('SELECT 1'),
    pg.ready(),
  ]);
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

const megabytes = Number(process.argv[2] ?? DEFAULT_MEGABYTES);
const heldBefore = process.memoryUsage().rss;
for (const one of CASES) {
  for (const segmentBytes of SEGMENTS_BYTES) {
    const rates = Array.from({ length: ROUNDS }, () => skim(one, megabytes, segmentBytes));
    const best = Math.max(...rates).toFixed(2);
    process.stdout.write(
      `${one.module.name}: ${megabytes} MB of rows in ${segmentBytes}-byte segments, ${best} GB/s\n`,
    );
  }
}
assert.ok(process.memoryUsage().rss - heldBefore < HELD_BYTES_MAX, 'rows are being held');
const rates = Array.from({ length: ROUNDS }, pgbenchSelects);
process.stdout.write(`pgbench -S -M prepared: ${Math.round(Math.max(...rates))} statements/s up to the record\n`);
