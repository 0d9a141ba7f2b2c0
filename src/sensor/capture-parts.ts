/** What a capture thread works with, alone (`assembleAlone`) or as one of several (`crew-member.ts`). */
import { randomInt } from 'node:crypto';
import type { RecordSink } from '../contracts/record.ts';
import type { StatusSink } from '../contracts/traffic.ts';
import type { ExplainingEngine } from '../policy/engine.ts';
import type { Policy } from '../policy/policy.ts';
import { assemble } from './assemble.ts';
import type { Judged } from './evidence.ts';
import type { CaptureJob } from './messages.ts';
import type { Pipeline } from './pipeline.ts';
import type { TallySnapshot } from './tally.ts';

export interface CaptureParts {
  readonly pipeline: Pipeline;
  /** The policy in force. */
  readonly engine: ExplainingEngine;
  readonly tally: TallySnapshot;
  enforce(policy: Policy): void;
  /** Of a thread among several: what became of the records that it deferred. */
  readonly judged?: (judged: Judged) => void;
  /** To be called between turns: hands on what waits. */
  tick(): void;
  /** To be called about once a second: what was written becomes visible. */
  flush(): void;
  close(): Promise<void>;
}

/** With sinks of its own. Throws a UserError when a policy, the store or the output cannot be used. */
export async function assembleAlone(
  job: CaptureJob,
  sinks: readonly RecordSink[],
  traffic: StatusSink | undefined,
): Promise<CaptureParts> {
  const parts = await assemble({ ...job, sinks, whenFull: 'drop', traffic, hashSeed: secretSeed() });
  return {
    pipeline: parts.pipeline,
    get engine() {
      return parts.engine;
    },
    tally: parts.tally.counts,
    enforce: (policy) => parts.enforce(policy),
    tick: () => parts.writer?.tick(),
    flush: () => parts.jsonl?.flush(),
    close: () => parts.close(),
  };
}

/** So that nobody who sends packets can aim connections at one place of the flow table. */
export function secretSeed(): number {
  return randomInt(2 ** 32);
}
