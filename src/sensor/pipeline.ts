/**
 * The stages from packet to record, wired by direct calls: decode → flow and reassembly → protocol → audit → policy →
 * sink. One pipeline belongs to one thread; it owns all its tables and knows the time only from packets.
 */
import { type AuditCounters, Auditor, type AuditorOptions } from '../audit/auditor.ts';
import type { Counters } from '../base/counters.ts';
import type { PacketBatch } from '../contracts/packet.ts';
import type { PolicyEngine } from '../contracts/policy.ts';
import type { ProtocolModule } from '../contracts/protocol.ts';
import type { RecordSink } from '../contracts/record.ts';
import { PacketView } from '../contracts/view.ts';
import { Decoder } from '../decode/decoder.ts';
import { DECODE_TCP } from '../decode/layers.ts';
import { ProtocolHost } from '../protocols/host.ts';
import { Reassembler } from '../reassembly/reassembler.ts';
import { createAnalyzer } from '../sql/analyzer.ts';

export interface PipelineOptions {
  readonly sensor: string;
  readonly protocols: readonly ProtocolModule[];
  /** Port → protocol name, hints for what content cannot decide. */
  readonly ports: ReadonlyMap<number, string>;
  readonly policy: PolicyEngine | undefined;
  readonly sink: RecordSink;
  readonly flowsMax: number;
  /** Records of one packet are judged and written by time and id: replays do not depend on the number of workers. */
  readonly ordered?: boolean;
  /** This pipeline keeps only the flows of one part of the address pairs. */
  readonly shard?: { readonly index: number; readonly count: number };
  /** Takes the records that the policy engine defers. */
  readonly defer?: AuditorOptions['defer'];
}

export interface PipelineCounters {
  readonly decode: Counters;
  readonly reassembly: Counters;
  readonly protocols: Counters;
  readonly audit: AuditCounters;
}

export class Pipeline {
  readonly auditor: Auditor;
  /** Packets so far, the one being read included. */
  position = 0;
  private readonly view = new PacketView();
  private readonly decoder = new Decoder();
  private readonly reassembler: Reassembler;
  private readonly host: ProtocolHost;

  constructor(options: PipelineOptions) {
    this.auditor = new Auditor({
      sensor: options.sensor,
      analyzer: createAnalyzer(),
      policy: options.policy,
      sink: options.sink,
      ordered: options.ordered ?? false,
      ...(options.defer ? { defer: options.defer } : {}),
    });
    this.reassembler = new Reassembler({
      flowsMax: options.flowsMax,
      shardIndex: options.shard?.index ?? 0,
      shardCount: options.shard?.count ?? 1,
    });
    this.host = new ProtocolHost(options.protocols, this.reassembler, this.auditor, options.ports);
    this.reassembler.setReceiver(this.host);
  }

  /** Reads a batch in place; nothing of it is kept after the call. */
  run(batch: PacketBatch): void {
    const { view, decoder, reassembler, auditor } = this;
    for (let i = 0; i < batch.count; i++) {
      this.position++;
      if (decoder.decode(batch, i, view) === DECODE_TCP) reassembler.push(view);
      if (auditor.holds) auditor.release();
    }
  }

  /** Time passes though no packet came (live capture): timers run. */
  advance(tsUs: number): void {
    this.reassembler.advance(tsUs);
    this.auditor.release();
  }

  /** The source is over: everything still open is delivered, marked and recorded. */
  finish(): void {
    this.position++;
    this.reassembler.flush(0);
    this.auditor.release();
  }

  counters(): PipelineCounters {
    return {
      decode: { ...this.decoder.counters },
      reassembly: { ...this.reassembler.counters },
      protocols: { ...this.host.counters },
      audit: { ...this.auditor.counters },
    };
  }
}
