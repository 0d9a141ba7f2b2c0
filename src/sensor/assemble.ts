/** Builds a pipeline with its sinks from options: the same for replays and for live capture. */
import { existsSync } from 'node:fs';
import { UserError } from '../base/errors.ts';
import type { RecordSink } from '../contracts/record.ts';
import { createEngine, type ExplainingEngine } from '../policy/engine.ts';
import { loadPolicies, type Policy } from '../policy/policy.ts';
import { loadProtocols } from '../protocols/registry.ts';
import type { OverlapRange } from '../reassembly/overlap.ts';
import { type AuditStore, openStore } from '../store/store.ts';
import type { StoreWriter, WhenFull } from '../store/writer.ts';
import { Evidence, type EvidenceOptions } from './evidence.ts';
import { JsonlSink } from './jsonl.ts';
import { maskKeyFor } from './mask-key.ts';
import { Pipeline } from './pipeline.ts';
import { archivePolicy } from './policy-archive.ts';
import { Tally } from './tally.ts';

export interface AssemblyOptions {
  readonly sensor: string;
  /** Folders or files of policies. */
  readonly policies: readonly string[];
  /** File with the secret of masked values' hashes; `undefined`: see `maskKeyFor`. */
  readonly maskKey: string | undefined;
  readonly ports: ReadonlyMap<number, string>;
  readonly flowsMax: number;
  readonly overlap: readonly OverlapRange[];
  readonly evidence: EvidenceOptions | undefined;
  readonly store: string | undefined;
  readonly jsonl: string | undefined;
  /** What happens to records while the store's queue is full. */
  readonly whenFull: WhenFull;
}

/** A pipeline and everything that must be closed after it. */
export interface Assembly {
  readonly pipeline: Pipeline;
  /** The policy in force. */
  readonly engine: ExplainingEngine;
  readonly tally: Tally;
  readonly jsonl: JsonlSink | undefined;
  readonly store: AuditStore | undefined;
  readonly writer: StoreWriter | undefined;
  readonly evidence: Evidence | undefined;
  /** Puts another policy in force, from the next record on. What the old one counted is forgotten. */
  enforce(policy: Policy): void;
  /** Writes out what is pending and closes the sinks. */
  close(): Promise<void>;
}

/** Throws a UserError when a policy, the store or the output cannot be used. */
export async function assemble(options: AssemblyOptions): Promise<Assembly> {
  const policy = readPolicies(options.policies);
  const protocols = await loadProtocols();
  const jsonl = options.jsonl === undefined ? undefined : new JsonlSink(options.jsonl);
  const store = options.store === undefined ? undefined : await openStore(options.store);
  const writer = store?.writer(options.whenFull);
  const maskKey = maskKeyFor(options.maskKey, options.store);
  const start = (judging: Policy): ExplainingEngine => {
    if (options.store !== undefined) archivePolicy(options.store, judging);
    return createEngine(judging, { maskKey });
  };
  let engine = start(policy);
  const sinks: RecordSink[] = [];
  if (jsonl) sinks.push(jsonl);
  if (writer) sinks.push(writer);
  const evidence = options.evidence === undefined ? undefined : new Evidence(options.evidence, options.flowsMax);
  if (evidence) sinks.push(evidence);
  const tally = new Tally(sinks);
  const pipeline = new Pipeline({
    sensor: options.sensor,
    protocols,
    ports: options.ports,
    policy: engine,
    sink: tally,
    flowsMax: options.flowsMax,
    overlap: options.overlap,
    evidence,
  });
  return {
    pipeline,
    get engine() {
      return engine;
    },
    tally,
    jsonl,
    store,
    writer,
    evidence,
    enforce(next) {
      engine = start(next);
      pipeline.auditor.policy = engine;
    },
    async close() {
      jsonl?.end();
      evidence?.close();
      await writer?.close();
      await store?.close();
    },
  };
}

/** Policies of folders and files. Throws a UserError when one is missing or broken. */
export function readPolicies(paths: readonly string[]): Policy {
  for (const path of paths) if (!existsSync(path)) throw new UserError(`${path}: no such policy file or folder`);
  try {
    return loadPolicies(paths);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new UserError(`cannot read policies: ${(error as Error).message}`);
  }
}
