/** A fuzz campaign: mutated conversations, one after the other, all reproducible from one seed. */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ProtocolModule } from '#src/contracts/protocol.js';
import { randomFrom } from '../support/random.ts';
import { execute } from './check.ts';
import type { Piece } from './conversations.ts';
import { type Input, mutate } from './mutate.ts';

export interface Finding {
  /** Seed of this one execution. */
  readonly seed: number;
  readonly input: Input;
  readonly error: Error;
}

export interface CampaignResult {
  readonly executions: number;
  readonly events: number;
  readonly findings: readonly Finding[];
  /** Longest execution, in milliseconds, and its seed: a hang is told by it. */
  readonly slowestMs: number;
  readonly slowestSeed: number;
}

const EXECUTIONS_PER_TURN = 100;
const FINDINGS_MAX = 20;
/** Seeds of executions lie apart, so that campaigns with neighbouring seeds do not repeat each other. */
const SEED_STRIDE = 0x9e3779b1;

/** Runs while `goOn(executions)` says so, at least once. */
export async function runCampaign(
  module: ProtocolModule,
  conversations: readonly (readonly Piece[])[],
  seed: number,
  goOn: (executions: number) => boolean,
): Promise<CampaignResult> {
  const findings: Finding[] = [];
  let executions = 0;
  let events = 0;
  let slowestMs = 0;
  let slowestSeed = seed;
  do {
    const own = (seed + Math.imul(executions, SEED_STRIDE)) | 0;
    const input = mutate(conversations, randomFrom(own));
    const begun = performance.now();
    try {
      events += execute(module, input);
    } catch (error) {
      findings.push({ seed: own, input, error: error as Error });
    }
    const tookMs = performance.now() - begun;
    if (tookMs > slowestMs) {
      slowestMs = tookMs;
      slowestSeed = own;
    }
    executions++;
    // What the runtime frees later (inflaters, above all) it frees between turns, as it can in a sensor.
    if (executions % EXECUTIONS_PER_TURN === 0) await nextTurn();
  } while (findings.length < FINDINGS_MAX && goOn(executions));
  return { executions, events, findings, slowestMs, slowestSeed };
}
