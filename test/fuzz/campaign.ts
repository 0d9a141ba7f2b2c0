/** A fuzz campaign: mutated inputs, one after the other, all reproducible from one seed. */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ProtocolModule } from '#src/contracts/protocol.js';
import { randomFrom } from '../support/random.ts';
import { execute, saveFinding } from './check.ts';
import { type Piece, recordedConversations } from './conversations.ts';
import { type Input, mutate, type Random } from './mutate.ts';

/** What is fuzzed, and with what. */
export interface Target<I> {
  readonly name: string;
  /** Recordings that inputs are made of. */
  readonly recordings: number;
  make(random: Random): I;
  /** Throws what it finds. Returns how much was understood: events, records. */
  execute(input: I): number;
  /** Keeps an input that found something, to be committed with the fix; returns its path. */
  save(input: I): string;
}

/** One protocol's driver and module. */
export async function protocolTarget(module: ProtocolModule): Promise<Target<Input>> {
  return targetOver(module, await recordedConversations(module));
}

export function targetOver(module: ProtocolModule, conversations: readonly (readonly Piece[])[]): Target<Input> {
  return {
    name: module.name,
    recordings: conversations.length,
    make: (random) => mutate(conversations, random),
    execute: (input) => execute(module, input),
    save: (input) => saveFinding(module, input),
  };
}

export interface Finding<I> {
  /** Seed of this one execution. */
  readonly seed: number;
  readonly input: I;
  readonly error: Error;
}

export interface CampaignResult<I> {
  readonly executions: number;
  readonly events: number;
  readonly findings: readonly Finding<I>[];
  /** Longest execution, in milliseconds, and its seed: a hang is told by it. */
  readonly slowestMs: number;
  readonly slowestSeed: number;
}

const EXECUTIONS_PER_TURN = 100;
const FINDINGS_MAX = 20;
/** Seeds of executions lie apart, so that campaigns with neighbouring seeds do not repeat each other. */
const SEED_STRIDE = 0x9e3779b1;

/** Runs while `goOn(executions)` says so, at least once. */
export async function runCampaign<I>(
  target: Target<I>,
  seed: number,
  goOn: (executions: number) => boolean,
): Promise<CampaignResult<I>> {
  const findings: Finding<I>[] = [];
  let executions = 0;
  let events = 0;
  let slowestMs = 0;
  let slowestSeed = seed;
  do {
    const own = (seed + Math.imul(executions, SEED_STRIDE)) | 0;
    const input = target.make(randomFrom(own));
    const begun = performance.now();
    try {
      events += target.execute(input);
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
