/**
 * Finding the next frame after a loss. Every offset is looked at for a chain of `resyncFrames` plausible frames. When the
 * peer takes its turn (or the connection ends) a shorter chain is believed if it ends exactly where the direction fell
 * silent, since a message rarely ends with half a frame; and the first byte after a turn is tried first, for the same
 * reason.
 *
 * A search costs far more a byte than reading does, and hostile bytes decide how much there is to search. So one that has
 * passed over `SEARCHED_BYTES_MAX` passes over all the rest, until the other direction has spoken.
 */
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_WAIT,
  FrameOut,
  type ProtocolModule,
} from '../../contracts/protocol.ts';
import { type Lane, SYNC } from './lane.ts';

const SEARCHED_BYTES_MAX = 1024 * 1024;

const CHAIN_BROKEN = 0;
const CHAIN_FOUND = 1;
const CHAIN_UNDECIDED = 2;

// Every use is over before the next begins.
const out = new FrameOut();

export class Resync<S> {
  private readonly module: ProtocolModule<S>;
  private readonly session: S;
  private readonly counters: { unparsedBytes: number };

  constructor(module: ProtocolModule<S>, session: S, counters: { unparsedBytes: number }) {
    this.module = module;
    this.session = session;
    this.counters = counters;
  }

  /**
   * Looks for a believable chain of frames from `pos` on. Found: back in sync, returns its offset. Open: the bytes from
   * the first open offset on are carried, returns `end`. `silent`: the direction has stopped talking.
   */
  search(
    direction: Direction,
    lane: Lane,
    bytes: Uint8Array,
    pos: number,
    end: number,
    tsUs: number,
    silent: boolean,
  ): number {
    const boundary = lane.atBoundary ? pos : -1;
    const last = pos + SEARCHED_BYTES_MAX - lane.searchedBytes;
    let at = lane.ruledOut ? pos + 1 : pos;
    let found = CHAIN_BROKEN;
    for (; at < end; at++) {
      if (at >= last && at !== boundary) {
        at = end;
        break;
      }
      const enough = at === boundary ? 1 : this.module.limits.resyncFrames;
      found = this.chain(direction, bytes, at, end, enough, silent);
      if (found !== CHAIN_BROKEN) break;
    }
    at = Math.min(at, end);
    this.counters.unparsedBytes += at - pos;
    lane.searchedBytes += at - pos;
    if (at > pos) {
      lane.atBoundary = false;
      lane.ruledOut = false;
    }
    if (found === CHAIN_FOUND) {
      lane.mode = SYNC;
      lane.atBoundary = false;
      return at;
    }
    if (at < end) lane.keep(bytes, at, end, tsUs);
    return end;
  }

  /** Judges the frames from `from` on, seeing at most `heldBytesMax` bytes, so that segmentation decides nothing. */
  private chain(
    direction: Direction,
    bytes: Uint8Array,
    from: number,
    limit: number,
    enough: number,
    silent: boolean,
  ): number {
    const { module, session } = this;
    const end = Math.min(limit, from + module.limits.heldBytesMax);
    const open = silent || end < limit || end - from === module.limits.heldBytesMax ? CHAIN_BROKEN : CHAIN_UNDECIDED;
    out.chain = -1;
    let pos = from;
    for (let frames = 0; frames < enough; frames++) {
      if (pos === end) return silent && frames > 0 ? CHAIN_FOUND : open;
      out.length = 0;
      out.want = 0;
      out.need = 0;
      const verdict = module.plausible
        ? module.plausible(session, direction, bytes, pos, end, out)
        : module.frame(session, direction, bytes, pos, end, out);
      if (verdict === FRAME_MALFORMED || verdict === FRAME_WAIT) return CHAIN_BROKEN;
      if (verdict === FRAME_MORE) return open;
      if (out.length < 1 || out.length > module.limits.heldBytesMax - (pos - from)) return CHAIN_BROKEN;
      if (out.length > end - pos) return open;
      pos += out.length;
    }
    return CHAIN_FOUND;
  }
}
