/** Builds a pipeline with its sinks from options: the same for replays and for live capture. */
import { existsSync } from 'node:fs';
import { UserError } from '../base/errors.ts';
import type { PolicyEngine } from '../contracts/policy.ts';
import type { RecordSink } from '../contracts/record.ts';
import { createEngine } from '../policy/engine.ts';
import { loadPolicies, type Policy } from '../policy/policy.ts';
import { loadProtocols } from '../protocols/registry.ts';
import { type AuditStore, openStore, type StoreOptions } from '../store/store.ts';
import type { StoreWriter, WhenFull } from '../store/writer.ts';
import { JsonlSink } from './jsonl.ts';
import { Pipeline } from './pipeline.ts';
import { Tally } from './tally.ts';

export interface AssemblyOptions {
  readonly sensor: string;
  /** Folder or file of policies. */
  readonly policies: string;
  readonly ports: ReadonlyMap<number, string>;
  readonly flowsMax: number;
  readonly store: string | undefined;
  /** What the store keeps, and how. */
  readonly storeOptions?: StoreOptions;
  readonly jsonl: string | undefined;
  /** What happens to records while the store's queue is full. */
  readonly whenFull: WhenFull;
}

/** A pipeline and everything that must be closed after it. */
export interface Assembly {
  readonly pipeline: Pipeline;
  readonly policy: PolicyEngine;
  readonly tally: Tally;
  readonly jsonl: JsonlSink | undefined;
  readonly store: AuditStore | undefined;
  readonly writer: StoreWriter | undefined;
  /** Writes out what is pending and closes the sinks. */
  close(): Promise<void>;
}

/** Throws a UserError when a policy, the store or the output cannot be used. */
export async function assemble(options: AssemblyOptions): Promise<Assembly> {
  const policy = createEngine(readPolicies(options.policies));
  const protocols = await loadProtocols();
  const jsonl = options.jsonl === undefined ? undefined : new JsonlSink(options.jsonl);
  const store = options.store === undefined ? undefined : await openStore(options.store, options.storeOptions);
  const writer = store?.writer(options.whenFull);
  const sinks: RecordSink[] = [];
  if (jsonl) sinks.push(jsonl);
  if (writer) sinks.push(writer);
  const tally = new Tally(sinks);
  const pipeline = new Pipeline({
    sensor: options.sensor,
    protocols,
    ports: options.ports,
    policy,
    sink: tally,
    flowsMax: options.flowsMax,
  });
  return {
    pipeline,
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
