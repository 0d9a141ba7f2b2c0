/** Builds a pipeline with its sinks from options: the same for replays and for live capture. */
import { existsSync } from 'node:fs';
import { withoutOptimizing } from '../base/engine-flags.ts';
import { UserError } from '../base/errors.ts';
import type { RecordSink } from '../contracts/record.ts';
import type { StatusSink } from '../contracts/traffic.ts';
import { createEngine, type ExplainingEngine } from '../policy/engine.ts';
import { loadPolicies, type Policy, type PolicyOptions } from '../policy/policy.ts';
import { loadProtocols } from '../protocols/registry.ts';
import type { OverlapRange } from '../reassembly/overlap.ts';
import { createColumnValueFinder } from '../sql/column-values.ts';
import type { AuditStore, StoreOptions } from '../store/store.ts';
import type { StoreWriter, WhenFull } from '../store/write/writer.ts';
import { Evidence, type EvidenceOptions } from './evidence.ts';
import { JsonlSink } from './jsonl.ts';
import { maskKeyFor } from './mask-key.ts';
import { Pipeline } from './pipeline.ts';
import { archivePolicy } from './policy-archive.ts';
import { Tally } from './tally.ts';

export interface OutputOptions {
  /** Folders or files of policies. */
  readonly policies: readonly string[];
  /** File with the secret of masked values' hashes; `undefined`: see `maskKeyFor`. */
  readonly maskKey: string | undefined;
  readonly store: string | undefined;
  /** What the store keeps, and how. */
  readonly storeOptions?: StoreOptions;
  readonly jsonl: string | undefined;
  /** Further takers of records. */
  readonly sinks?: readonly RecordSink[];
  /** What happens to records while the store's queue is full. */
  readonly whenFull: WhenFull;
}

export interface AssemblyOptions extends OutputOptions {
  readonly sensor: string;
  readonly ports: ReadonlyMap<number, string>;
  readonly flowsMax: number;
  /** As in `PipelineOptions`. */
  readonly sessionMemoryMax?: number | undefined;
  readonly overlap: readonly OverlapRange[];
  readonly evidence: EvidenceOptions | undefined;
  /** Takes status records of connections; without it none are made. */
  readonly traffic?: StatusSink | undefined;
  /** Records of one packet by time and id (`PipelineOptions.ordered`). */
  readonly ordered?: boolean;
  /** As in `PipelineOptions`. */
  readonly hashSeed?: number;
}

/** Where records are judged and written, and what must be closed afterwards. */
export interface Outputs {
  /** The policy in force. */
  readonly engine: ExplainingEngine;
  /** Secret of masked values' hashes. */
  readonly maskKey: Uint8Array;
  readonly tally: Tally;
  readonly jsonl: JsonlSink | undefined;
  readonly store: AuditStore | undefined;
  readonly writer: StoreWriter | undefined;
  /** Whether anyone takes the records, or they are only counted. */
  readonly takesRecords: boolean;
  /** Puts another policy in force, from the next record on. What the old one counted is forgotten. */
  enforce(policy: Policy): void;
  /** Writes out what is pending and closes the sinks. */
  close(): Promise<void>;
}

/** Outputs with a pipeline before them. */
export interface Assembly extends Outputs {
  readonly pipeline: Pipeline;
}

/** Throws a UserError when a policy, the store or the output cannot be used. */
export async function assemble(options: AssemblyOptions): Promise<Assembly> {
  const evidence = options.evidence === undefined ? undefined : new Evidence(options.evidence, options.flowsMax);
  const outputs = await openOutputs(options, evidence === undefined ? [] : [evidence]);
  const pipeline = new Pipeline({
    sensor: options.sensor,
    protocols: await loadProtocols(),
    ports: options.ports,
    policy: outputs.engine,
    sink: outputs.tally,
    flowsMax: options.flowsMax,
    sessionMemoryMax: options.sessionMemoryMax,
    overlap: options.overlap,
    evidence,
    traffic: options.traffic,
    ordered: options.ordered ?? false,
    ...(options.hashSeed === undefined ? {} : { hashSeed: options.hashSeed }),
  });
  return {
    pipeline,
    get engine() {
      return outputs.engine;
    },
    maskKey: outputs.maskKey,
    tally: outputs.tally,
    jsonl: outputs.jsonl,
    store: outputs.store,
    writer: outputs.writer,
    takesRecords: outputs.takesRecords,
    enforce(next) {
      outputs.enforce(next);
      pipeline.auditor.policy = outputs.engine;
    },
    close() {
      evidence?.close();
      return outputs.close();
    },
  };
}

/** The policy engine and the sinks, `more` among them. Throws a UserError when one of them cannot be used. */
export async function openOutputs(options: OutputOptions, more: readonly RecordSink[] = []): Promise<Outputs> {
  const policy = readPolicies(options.policies);
  const jsonl = options.jsonl === undefined ? undefined : new JsonlSink(options.jsonl);
  const store = options.store === undefined ? undefined : await openStoreAt(options.store, options.storeOptions);
  const writer = store?.writer(options.whenFull);
  const maskKey = maskKeyFor(options.maskKey, options.store);
  const start = (judging: Policy): ExplainingEngine => {
    if (options.store !== undefined) archivePolicy(options.store, judging);
    return createEngine(judging, { maskKey, columnValues: createColumnValueFinder() });
  };
  let engine = start(policy);
  const sinks: RecordSink[] = [...(options.sinks ?? []), ...more];
  if (jsonl) sinks.push(jsonl);
  if (writer) sinks.push(writer);
  const tally = new Tally(sinks);
  return {
    get engine() {
      return engine;
    },
    maskKey,
    tally,
    jsonl,
    store,
    writer,
    takesRecords: sinks.length > 0,
    enforce(next) {
      engine = start(next);
    },
    async close() {
      jsonl?.end();
      try {
        await writer?.close();
      } finally {
        await store?.close();
      }
    },
  };
}

/** Loaded only where something is stored. */
async function openStoreAt(folder: string, options: StoreOptions | undefined): Promise<AuditStore> {
  const { openStore } = await import('../store/store.ts');
  return openStore(folder, options);
}

/** Policies of folders and files. Throws a UserError when one is missing or broken. */
export function readPolicies(paths: readonly string[], options: PolicyOptions = {}): Policy {
  for (const path of paths) if (!existsSync(path)) throw new UserError(`${path}: no such policy file or folder`);
  try {
    return withoutOptimizing(() => loadPolicies(paths, options));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new UserError(`cannot read policies: ${(error as Error).message}`);
  }
}
