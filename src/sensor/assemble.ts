/** Builds a pipeline with its sinks from options: the same for replays and for live capture. */
import { existsSync } from 'node:fs';
import { UserError } from '../base/errors.ts';
import type { PolicyEngine } from '../contracts/policy.ts';
import type { RecordSink } from '../contracts/record.ts';
import { createEngine } from '../policy/engine.ts';
import { loadPolicies, type Policy } from '../policy/policy.ts';
import { loadProtocols } from '../protocols/registry.ts';
import { type AuditStore, openStore } from '../store/store.ts';
import type { StoreWriter, WhenFull } from '../store/writer.ts';
import { JsonlSink } from './jsonl.ts';
import { Pipeline } from './pipeline.ts';
import { Tally } from './tally.ts';

export interface OutputOptions {
  /** Folder or file of policies. */
  readonly policies: string;
  /** Secret of the hashes that stand for masked values; a random one when absent. */
  readonly maskKey?: Uint8Array;
  readonly store: string | undefined;
  readonly jsonl: string | undefined;
  /** What happens to records while the store's queue is full. */
  readonly whenFull: WhenFull;
}

export interface AssemblyOptions extends OutputOptions {
  readonly sensor: string;
  readonly ports: ReadonlyMap<number, string>;
  readonly flowsMax: number;
  /** Records of one packet by time and id (`PipelineOptions.ordered`). */
  readonly ordered?: boolean;
}

/** Where records are judged and written. */
export interface Outputs {
  readonly policy: PolicyEngine;
  readonly tally: Tally;
  readonly jsonl: JsonlSink | undefined;
  readonly store: AuditStore | undefined;
  readonly writer: StoreWriter | undefined;
  /** Writes out what is pending and closes the sinks. */
  close(): Promise<void>;
}

/** A pipeline and everything that must be closed after it. */
export interface Assembly extends Outputs {
  readonly pipeline: Pipeline;
}

/** Throws a UserError when a policy, the store or the output cannot be used. */
export async function assemble(options: AssemblyOptions): Promise<Assembly> {
  const outputs = await openOutputs(options);
  const pipeline = new Pipeline({
    sensor: options.sensor,
    protocols: await loadProtocols(),
    ports: options.ports,
    policy: outputs.policy,
    sink: outputs.tally,
    flowsMax: options.flowsMax,
    ordered: options.ordered ?? false,
  });
  return { ...outputs, pipeline };
}

/** The policy engine and the sinks. Throws a UserError when one of them cannot be used. */
export async function openOutputs(options: OutputOptions): Promise<Outputs> {
  const { maskKey } = options;
  const policy = createEngine(readPolicies(options.policies), maskKey === undefined ? {} : { maskKey });
  const jsonl = options.jsonl === undefined ? undefined : new JsonlSink(options.jsonl);
  const store = options.store === undefined ? undefined : await openStore(options.store);
  const writer = store?.writer(options.whenFull);
  const sinks: RecordSink[] = [];
  if (jsonl) sinks.push(jsonl);
  if (writer) sinks.push(writer);
  const tally = new Tally(sinks);
  return {
    policy,
    tally,
    jsonl,
    store,
    writer,
    async close() {
      jsonl?.end();
      await writer?.close();
      await store?.close();
    },
  };
}

/** Policies of a folder or file. Throws a UserError when there is none, or one is broken. */
export function readPolicies(path: string): Policy {
  if (!existsSync(path)) throw new UserError(`${path}: no such policy file or folder`);
  return loadPolicies(path);
}
