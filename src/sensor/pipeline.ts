/**
 * The stages from packet to record, wired by direct calls: decode → flow and reassembly → protocol → audit → policy →
 * sink. One pipeline belongs to one thread; it owns all its tables and knows the time only from packets.
 */
import { type AuditCounters, Auditor, type AuditorOptions } from '../audit/auditor.ts';
import type { Counters } from '../base/counters.ts';
import { forgetLongLived } from '../base/engine-flags.ts';
import type { PacketBatch } from '../contracts/packet.ts';
import type { PolicyEngine } from '../contracts/policy.ts';
import type { ProtocolModule } from '../contracts/protocol.ts';
import type { RecordSink } from '../contracts/record.ts';
import type { StatusSink } from '../contracts/traffic.ts';
import { PacketView } from '../contracts/view.ts';
import { Decoder } from '../decode/decoder.ts';
import { DECODE_TCP } from '../decode/layers.ts';
import { HASH_SEED_DEFAULT } from '../flow/hash.ts';
import { ProtocolHost } from '../protocols/host.ts';
import type { OverlapRange } from '../reassembly/overlap.ts';
import { Reassembler } from '../reassembly/reassembler.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { TrafficMeter } from '../traffic/meter.ts';
import type { Evidence, EvidenceSummary } from './evidence.ts';

export interface PipelineOptions {
  readonly sensor: string;
  readonly protocols: readonly ProtocolModule[];
  /** Port → protocol name, hints for what content cannot decide. */
  readonly ports: ReadonlyMap<number, string>;
  readonly policy: PolicyEngine | undefined;
  readonly sink: RecordSink;
  readonly flowsMax: number;
  /** Bytes that all connections may hold together: unfinished messages, open statements, handles (`SESSION_MEMORY_MAX`). */
  readonly sessionMemoryMax?: number | undefined;
  /** Hosts that resolve overlapping segments otherwise than by keeping what came first. */
  readonly overlap: readonly OverlapRange[];
  /** Keeps the packets behind alerts; its records come through `sink`. */
  readonly evidence: Evidence | undefined;
  /** Records of one packet are judged and written by time and id: replays do not depend on the number of workers. */
  readonly ordered?: boolean;
  /** This pipeline keeps only the flows of one part of the address pairs. */
  readonly shard?: { readonly index: number; readonly count: number };
  /** Key of the flow tables' hash: a secret where strangers send the packets, constant where runs must be alike. */
  readonly hashSeed?: number;
  /** As in `AuditorOptions`. */
  readonly firstLoss?: number;
  /** Takes status records of connections; without it none are made. */
  readonly traffic?: StatusSink | undefined;
  /** Takes the records that the policy engine defers. */
  readonly defer?: AuditorOptions['defer'];
  /** Takes what other threads may have to know of sessions here. */
  readonly announce?: AuditorOptions['announce'];
}

export interface PipelineCounters {
  readonly decode: Counters;
  readonly reassembly: Counters;
  readonly protocols: Counters;
  readonly audit: AuditCounters;
  /** `undefined` when connections are not metered. */
  readonly traffic: Counters | undefined;
  /** `undefined` when no evidence is kept. */
  readonly evidence: EvidenceSummary | undefined;
}

export class Pipeline {
  readonly auditor: Auditor;
  /** Packets so far, the one being read included. */
  position = 0;
  private readonly view = new PacketView();
  private readonly decoder = new Decoder();
  private readonly reassembler: Reassembler;
  private readonly host: ProtocolHost;
  private readonly evidence: Evidence | undefined;
  private readonly meter: TrafficMeter | undefined;

  constructor(options: PipelineOptions) {
    forgetLongLived();
    this.auditor = new Auditor({
      sensor: options.sensor,
      analyzer: createAnalyzer(),
      policy: options.policy,
      sink: options.sink,
      ordered: options.ordered ?? false,
      firstLoss: options.firstLoss ?? 0,
      ...(options.defer ? { defer: options.defer } : {}),
      ...(options.announce ? { announce: options.announce } : {}),
    });
    this.reassembler = new Reassembler({
      flowsMax: options.flowsMax,
      overlap: options.overlap,
      hashSeed: options.hashSeed ?? HASH_SEED_DEFAULT,
      shardIndex: options.shard?.index ?? 0,
      shardCount: options.shard?.count ?? 1,
    });
    const { protocols, ports, sessionMemoryMax } = options;
    this.host = new ProtocolHost(protocols, this.reassembler, this.auditor, ports, sessionMemoryMax);
    this.evidence = options.evidence;
    this.evidence?.connect(this.host, this.reassembler);
    if (options.traffic !== undefined) {
      this.meter = new TrafficMeter(this.reassembler, this.host, options.traffic, {
        flowsMax: options.flowsMax,
        ...(options.hashSeed === undefined ? {} : { hashSeed: options.hashSeed }),
      });
    }
    this.reassembler.setReceiver(this.evidence ?? this.host);
  }

  /** Reads a batch in place; nothing of it is kept after the call. */
  run(batch: PacketBatch): void {
    const { view, decoder, reassembler, auditor, evidence, meter } = this;
    if (evidence !== undefined) {
      this.runWithEvidence(batch, evidence);
      return;
    }
    for (let i = 0; i < batch.count; i++) {
      this.position++;
      if (decoder.decode(batch, i, view) === DECODE_TCP) {
        reassembler.push(view);
        if (meter !== undefined && !reassembler.lastForeign) meter.count(view, reassembler.lastSlot);
      }
      if (auditor.holds) auditor.release();
    }
  }

  private runWithEvidence(batch: PacketBatch, evidence: Evidence): void {
    const { view, decoder, reassembler, auditor, meter } = this;
    for (let i = 0; i < batch.count; i++) {
      this.position++;
      if (decoder.decode(batch, i, view) === DECODE_TCP) {
        evidence.begin(batch, i, view.bytes);
        reassembler.push(view);
        evidence.end(reassembler.lastSlot);
        if (meter !== undefined && !reassembler.lastForeign) meter.count(view, reassembler.lastSlot);
      }
      if (auditor.holds) auditor.release();
      evidence.forgetEnded();
    }
  }

  /** Time passes though no packet came (live capture): timers run. */
  advance(tsUs: number): void {
    this.reassembler.advance(tsUs);
    this.meter?.advance(tsUs);
    this.auditor.release();
    this.evidence?.forgetEnded();
  }

  /** The source is over: everything still open is delivered, marked and recorded. */
  finish(): void {
    this.position++;
    this.reassembler.flush(0);
    this.meter?.end();
    this.auditor.release();
    this.evidence?.forgetEnded();
  }

  counters(): PipelineCounters {
    return {
      decode: { ...this.decoder.counters },
      reassembly: { ...this.reassembler.counters },
      protocols: { ...this.host.counters },
      audit: { ...this.auditor.counters },
      traffic: this.meter?.counters(),
      evidence: this.evidence?.counters,
    };
  }
}
