/**
 * Fuzzing the whole path: packets of recorded captures, mutated, through decoder, reassembly, protocols, audit and
 * policies, with room for next to nothing. Whatever comes: it ends, gives everything back, and says only what a record
 * can say.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Auditor } from '#src/audit/auditor.js';
import { recordToLine } from '#src/audit/json.js';
import { SyntheticSource } from '#src/capture/synthetic.js';
import type { PolicyEngine } from '#src/contracts/policy.js';
import type { ProtocolModule } from '#src/contracts/protocol.js';
import type { RecordSink } from '#src/contracts/record.js';
import { PacketView } from '#src/contracts/view.js';
import { Decoder } from '#src/decode/decoder.js';
import { DECODE_TCP } from '#src/decode/layers.js';
import { createEngine } from '#src/policy/engine.js';
import { loadPolicies } from '#src/policy/policy.js';
import { ProtocolHost } from '#src/protocols/host.js';
import { Reassembler } from '#src/reassembly/reassembler.js';
import { createAnalyzer } from '#src/sql/analyzer.js';
import { findGoldens } from '../golden/goldens.ts';
import { readPcap } from '../support/pcap.ts';
import type { Target } from './campaign.ts';
import { CORPUS } from './check.ts';
import { mutatePackets, type Packet } from './mutate-packets.ts';

export const PACKETS = 'packets';

/** So little that tables and pages run out in most executions. */
const LIMITS = { flowsMax: 6, pagesMax: 24, pagesPerFlowMax: 10, resyncSegments: 4 };
/** And what sessions may hold in some. */
const SESSION_BYTES: readonly number[] = [16 * 1024 * 1024, 64 * 1024, 4 * 1024];
/** Of a capture, enough for every kind of exchange in it. */
const RECORDED_MAX = 3000;
const LINK_OFFSET = 20;
const POLICIES = join(CORPUS, '..', '..', '..', 'policies');

/** The packets of every recorded scenario. */
export function recordedPackets(): readonly (readonly Packet[])[] {
  return findGoldens()
    .filter(({ capture }) => capture.endsWith('.pcap'))
    .map(({ capture }) => {
      const { header, records, frames } = readPcap(capture);
      const link = header.readUInt32LE(LINK_OFFSET);
      return frames.slice(0, RECORDED_MAX).map((bytes, at) => {
        const time = records[at] as Buffer;
        const tsNs = BigInt(time.readUInt32LE(0)) * 1_000_000_000n + BigInt(time.readUInt32LE(4)) * 1000n;
        return { bytes, tsNs, link };
      });
    });
}

export function packetTarget(modules: readonly ProtocolModule[]): Target<readonly Packet[]> {
  const captures = recordedPackets();
  const engine = createEngine(loadPolicies(POLICIES));
  return {
    name: PACKETS,
    recordings: captures.length,
    make: (random) => mutatePackets(captures, random),
    execute: (packets) => executePackets(modules, engine, packets),
    save: savePackets,
  };
}

/** Throws when anything on the path does, keeps what it should give back, or says what can't be. Returns the records. */
function executePackets(modules: readonly ProtocolModule[], policy: PolicyEngine, packets: readonly Packet[]): number {
  const ids = new Set<string>();
  let records = 0;
  const sink: RecordSink = {
    write(record) {
      records++;
      assert.ok(!ids.has(record.id), `two records have the id ${record.id}`);
      ids.add(record.id);
      assert.ok(Number.isFinite(record.timeUs), `time ${record.timeUs}`);
      for (const count of [record.durationUs, record.returnedRows, record.affectedRows]) {
        assert.ok(count === undefined || (count >= 0 && Number.isFinite(count)), `count ${count}`);
      }
      assert.ok(recordToLine(record).length > 0);
      return true;
    },
  };
  const auditor = new Auditor({ sensor: 'fuzz', analyzer: createAnalyzer(), policy, sink, ordered: true });
  const reassembler = new Reassembler(LIMITS);
  const memoryMax = SESSION_BYTES[packets.length % SESSION_BYTES.length] as number;
  const host = new ProtocolHost(modules, reassembler, auditor, new Map(), memoryMax);
  reassembler.setReceiver(host);
  const decoder = new Decoder();
  const view = new PacketView();
  const source = new SyntheticSource(packets, { batchPacketsMax: 16 });
  while (!source.ended) {
    const batch = source.poll(0);
    if (batch === undefined) continue;
    for (let i = 0; i < batch.count; i++) {
      if (decoder.decode(batch, i, view) === DECODE_TCP) reassembler.push(view);
      auditor.release();
    }
    source.release(batch);
    assert.ok(reassembler.flows <= LIMITS.flowsMax && reassembler.pagesHeld <= LIMITS.pagesMax);
  }
  reassembler.flush(0);
  auditor.release();
  assert.deepEqual([reassembler.flows, reassembler.pagesHeld], [0, 0], 'flows and pages are given back');
  assert.equal(host.heldBytes, 0, 'sessions give back what they held');
  for (const counters of [decoder.counters, reassembler.counters, host.counters, auditor.counters]) {
    for (const [name, count] of Object.entries(counters)) {
      if (typeof count === 'number') assert.ok(count >= 0 && Number.isFinite(count), `${name}: ${count}`);
    }
  }
  return records;
}

interface SavedPackets {
  /** Nanoseconds, link type, hexadecimal bytes, and the length on the wire where it was longer. */
  readonly packets: readonly (readonly [string, number, string, number?])[];
}

function savePackets(packets: readonly Packet[]): string {
  const rows = packets.map(({ tsNs, link, bytes, wireBytes }) => {
    const row = [String(tsNs), link, Buffer.from(bytes).toString('hex')] as const;
    return wireBytes === undefined ? row : ([...row, wireBytes] as const);
  });
  const saved: SavedPackets = { packets: rows };
  const text = `${JSON.stringify(saved)}\n`;
  const path = join(CORPUS, `${PACKETS}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.json`);
  writeFileSync(path, text);
  return path;
}

/** The committed inputs, by file name. */
export function packetCorpus(): Map<string, readonly Packet[]> {
  const inputs = new Map<string, readonly Packet[]>();
  for (const name of readdirSync(CORPUS).filter((file) => file.startsWith(`${PACKETS}-`))) {
    const { packets } = JSON.parse(readFileSync(join(CORPUS, name), 'utf8')) as SavedPackets;
    const read = packets.map(([tsNs, link, hex, wireBytes]) => {
      const packet = { tsNs: BigInt(tsNs), link, bytes: Uint8Array.from(Buffer.from(hex, 'hex')) };
      return wireBytes === undefined ? packet : { ...packet, wireBytes };
    });
    inputs.set(name, read);
  }
  return inputs;
}
