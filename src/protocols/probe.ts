/**
 * Recognises a connection's protocol by content. Ports, well known or given with `--port`, only break ties.
 *
 * A module commits the connection when it is certain of one direction, or finds both legal, or finds one legal on a
 * port that is its own. A direction it calls impossible rules it out. Until then what was said is held, bounded, and
 * replayed to the winner. On a flow picked up mid-stream the first bytes may be the middle of a message, so nothing is
 * ruled out for good: every new turn is judged afresh, a bounded number of times.
 */
import type { HeldMemory, MemoryHolder } from '../base/memory-budget.ts';
import {
  type Direction,
  PROBE_BYTES_MAX,
  PROBE_CERTAIN,
  PROBE_MORE,
  PROBE_NO,
  PROBE_UNSURE,
  type ProbeVerdict,
  type ProtocolModule,
} from '../contracts/protocol.ts';
import type { Side } from '../contracts/stream.ts';

export interface HeldChunk {
  readonly side: Side;
  /** A gap when undefined. */
  readonly bytes: Uint8Array | undefined;
  readonly lostBytes: number;
  readonly tsUs: number;
}

export interface ProbeWinner {
  readonly module: ProtocolModule;
  readonly clientSide: Side;
}

/** Of what was said, and of each piece of it. */
const HELD_BYTES_MAX = 64 * 1024;
const CHUNK_BYTES = 128;
const TURNS_MAX = 16;

export const PROBE_OPEN = 0;
export const PROBE_WON = 1;
export const PROBE_LOST = 2;

export class Probe implements MemoryHolder {
  readonly held: HeldChunk[] = [];
  winner: ProbeWinner | undefined = undefined;
  /** The connection's: what is held here is counted there. */
  readonly memory: HeldMemory;
  private readonly clientSide: Side | -1;
  private readonly midstream: boolean;
  /** Where only the middle of a conversation was seen, both ends may look like the server. */
  private readonly likelyServer: Side;
  /** First bytes of each side's latest turn. */
  private readonly first: [Uint8Array | undefined, Uint8Array | undefined] = [undefined, undefined];
  private heldBytes = 0;
  private turns = 0;
  private lastSide: Side | -1 = -1;
  private isRelieved = false;

  /** `likelyServer`: the side with the lower port. */
  constructor(clientSide: Side | -1, midstream: boolean, likelyServer: Side, memory: HeldMemory) {
    this.memory = memory;
    this.clientSide = clientSide;
    this.midstream = midstream;
    this.likelyServer = likelyServer;
  }

  gap(side: Side, lostBytes: number, tsUs: number): void {
    this.held.push({ side, bytes: undefined, lostBytes, tsUs });
    this.count(CHUNK_BYTES);
    this.lastSide = side;
  }

  /** Takes a copy of `bytes[start, end)` and judges. */
  data(
    candidates: readonly ProtocolModule[],
    hinted: readonly [ProtocolModule | undefined, ProtocolModule | undefined],
    side: Side,
    bytes: Uint8Array,
    start: number,
    end: number,
    tsUs: number,
  ): number {
    this.hold(side, bytes, start, end, tsUs);
    const best = this.judge(candidates, hinted);
    const isFull = this.heldBytes > HELD_BYTES_MAX;
    // Mid-stream, the rest of a long message may leave a candidate open: what it says is as little worth.
    if (this.isRelieved || best === undefined || (isFull && this.midstream && this.winner === undefined)) {
      if (this.isRelieved || !this.midstream || this.turns >= TURNS_MAX) return PROBE_LOST;
      this.letGo();
      return PROBE_OPEN;
    }
    if (this.winner) return PROBE_WON;
    return isFull || this.turns > TURNS_MAX ? PROBE_LOST : PROBE_OPEN;
  }

  private hold(side: Side, bytes: Uint8Array, start: number, end: number, tsUs: number): void {
    const copy = new Uint8Array(bytes.subarray(start, end)); // `slice` of a Buffer would be a view
    this.held.push({ side, bytes: copy, lostBytes: 0, tsUs });
    this.count(CHUNK_BYTES + copy.length);
    const first = this.first[side];
    if (this.lastSide !== side) this.turns++;
    if (first === undefined || (this.midstream && this.lastSide !== side)) {
      this.first[side] = copy;
    } else if (first.length < PROBE_BYTES_MAX && this.lastSide === side) {
      this.first[side] = Buffer.concat([first, copy.subarray(0, PROBE_BYTES_MAX - first.length)]);
    }
    this.lastSide = side;
  }

  /** Memory is short: without its beginning, nobody can tell what the connection speaks. */
  relieve(): void {
    this.isRelieved = true;
    this.letGo();
  }

  private count(bytes: number): void {
    this.heldBytes += bytes;
    this.memory.add(bytes);
  }

  /** What was said so far is of no more use: it fits nothing, or was replayed to the winner. */
  letGo(): void {
    this.held.length = 0;
    this.count(-this.heldBytes);
    this.first[0] = undefined;
    this.first[1] = undefined;
  }

  /** The best standing of any candidate; sets `winner` when one has won. `undefined`: all are ruled out. */
  private judge(
    candidates: readonly ProtocolModule[],
    hinted: readonly [ProtocolModule | undefined, ProtocolModule | undefined],
  ): number | undefined {
    let best: number | undefined;
    let bestRank = 0;
    for (const clientSide of SIDES) {
      if (this.clientSide !== -1 && this.clientSide !== clientSide) continue;
      const serverSide = (1 - clientSide) as Side;
      for (const module of candidates) {
        const standing = this.standing(module, clientSide);
        if (standing === STANDING_OUT) continue;
        best = Math.max(best ?? STANDING_OPEN, standing);
        const own = hinted[serverSide] === module;
        const wins = standing >= STANDING_BOTH || (own && standing >= STANDING_ONE);
        const rank = standing * 4 + (own ? 2 : 0) + (serverSide === this.likelyServer ? 1 : 0);
        if (wins && rank > bestRank) {
          bestRank = rank;
          this.winner = { module, clientSide };
        }
      }
    }
    return best;
  }

  private standing(module: ProtocolModule, clientSide: Side): number {
    const request = verdictOn(module, this.first[clientSide], 0);
    const reply = verdictOn(module, this.first[1 - clientSide], 1);
    if (request === PROBE_NO || reply === PROBE_NO) return STANDING_OUT;
    if (request === PROBE_CERTAIN || reply === PROBE_CERTAIN) return STANDING_CERTAIN;
    const unsure = (request === PROBE_UNSURE ? 1 : 0) + (reply === PROBE_UNSURE ? 1 : 0);
    return unsure === 2 ? STANDING_BOTH : unsure === 1 ? STANDING_ONE : STANDING_OPEN;
  }
}

const STANDING_OUT = -1;
const STANDING_OPEN = 0;
const STANDING_ONE = 1;
const STANDING_BOTH = 2;
const STANDING_CERTAIN = 3;

const SIDES: readonly Side[] = [0, 1];

function verdictOn(module: ProtocolModule, bytes: Uint8Array | undefined, direction: Direction): ProbeVerdict {
  if (bytes === undefined) return PROBE_MORE;
  return module.probe(bytes, 0, Math.min(bytes.length, PROBE_BYTES_MAX), direction);
}
