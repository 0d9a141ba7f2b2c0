/**
 * The loop of every protocol, written once: bytes of two directions in, frames of a module out.
 *
 * Guarantees to modules: frames whole or marked truncated; at most `frameBytesMax` bytes of one are kept, copied only
 * when it straddles segments; results do not depend on where segments were cut; the loop always advances; a gap is
 * absorbed where the frame's length tells its end and resynchronised where not (`resync.ts`).
 */
import { type HeldMemory, type MemoryHolder, unlimitedMemory } from '../../base/memory-budget.ts';
import {
  type Direction,
  type EndReason,
  type EventSink,
  FRAME_OK,
  FRAME_WAIT,
  type ProtocolModule,
  SHORT_BYTES,
  SHORTEST_BYTES,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import type { DriverCounters } from './counters.ts';
import { FrameReader, out } from './frames.ts';
import { type Lane, RESYNC, SKIP, SYNC } from './lane.ts';
import { measure } from './measure.ts';
import { FrameWindow } from './window.ts';

export class Driver<S> extends FrameReader<S> implements MemoryHolder {
  private turn: Direction | -1 = -1;
  /** Nothing is open: a request may be set aside. Found out when the server has spoken. */
  private idle = false;
  /** Place of the request on the shelf that is not read yet; -1 without. */
  private aside = -1;

  constructor(
    module: ProtocolModule<S>,
    session: S,
    sink: EventSink,
    counters: DriverCounters,
    midstream: boolean,
    window: FrameWindow = new FrameWindow(),
    memory: HeldMemory = unlimitedMemory(),
  ) {
    super(module, session, sink, counters, window, memory);
    if (!midstream) return;
    for (const lane of this.bothLanes()) lane.seek(true);
  }

  /** Contiguous bytes of one direction. Borrowed; whatever must outlive the call is copied. */
  data(direction: Direction, bytes: Uint8Array, start: number, end: number, tsUs: number): void {
    if (this.stopped || start >= end) return;
    if (this.idle && direction === TO_SERVER && this.setAside(bytes, start, end, tsUs)) return;
    if (this.aside >= 0) this.readAside();
    this.hear(direction, bytes, start, end, tsUs);
    this.idle = direction === TO_CLIENT && this.isIdle();
  }

  private hear(direction: Direction, bytes: Uint8Array, start: number, end: number, tsUs: number): void {
    if (this.stopped) return;
    this.takeTurn(direction);
    let pos = this.lanes === undefined ? this.readWhole(direction, bytes, start, end, tsUs) : start;
    if (pos === end || this.stopped) return;
    const lanes = this.bothLanes();
    const lane = lanes[direction];
    while (pos < end && !this.stopped) {
      if (lane.length === 0) pos = this.run(direction, lane, bytes, pos, end, tsUs, tsUs);
      else pos = this.fill(direction, lane, bytes, pos, end, tsUs);
    }
    if (lanes[direction === TO_SERVER ? TO_CLIENT : TO_SERVER].waiting) this.wake(tsUs);
  }

  private isIdle(): boolean {
    const { lanes, module } = this;
    if (module.requests === undefined || this.stopped) return false;
    const between = lanes === undefined || (lanes[0].isIdle && lanes[1].isIdle);
    return between && module.requests.isIdle(this.session);
  }

  private setAside(bytes: Uint8Array, start: number, end: number, tsUs: number): boolean {
    this.idle = false;
    if (this.module.requests?.isRequest(bytes, start, end) !== true) return false;
    this.aside = this.window.shelf.put(bytes, start, end, tsUs);
    return this.aside >= 0;
  }

  /** Reads the request that was set aside, as it would have been read when it came. */
  private readAside(): void {
    const { aside } = this;
    if (aside < 0) return;
    const { shelf } = this.window;
    this.aside = -1;
    this.hear(TO_SERVER, shelf.page(aside), shelf.start(aside), shelf.end(aside), shelf.tsUs(aside));
    shelf.giveBack(aside);
  }

  /** `lostBytes` (> 0) of the direction will never come. */
  gap(direction: Direction, lostBytes: number, tsUs: number): void {
    this.readAside();
    this.idle = false;
    if (this.stopped) return;
    this.takeTurn(direction);
    this.counters.gaps++;
    this.counters.gapBytes += lostBytes;
    const lane = this.bothLanes()[direction];
    if (lane.mode === SKIP && lostBytes <= lane.skipLeft) {
      lane.pass(lostBytes);
      this.module.onGap(this.session, direction, lostBytes, true, tsUs, this.sink);
      return;
    }
    if (lane.mode === SYNC && lane.length > 0 && this.cutFrame(direction, lane, lostBytes, tsUs)) return;
    this.loseSync(direction, lane, lostBytes, tsUs);
  }

  end(reason: EndReason, tsUs: number): void {
    this.readAside();
    if (this.stopped) return;
    if (this.lanes !== undefined) {
      for (const direction of BOTH) this.settle(direction, this.lanes[direction]);
      this.wake(tsUs);
      if (this.stopped) return;
    }
    this.module.onEnd(this.session, reason, tsUs, this.sink);
    this.stop();
  }

  /** Bytes held back now, for memory accounting and tests. */
  heldBytes(): number {
    const aside = this.aside < 0 ? 0 : this.window.shelf.end(this.aside) - this.window.shelf.start(this.aside);
    return aside + (this.lanes === undefined ? 0 : this.lanes[0].length + this.lanes[1].length);
  }

  private takeTurn(direction: Direction): void {
    if (this.turn === direction) return;
    if (this.turn !== -1 && this.lanes !== undefined) {
      this.settle(this.turn, this.lanes[this.turn]);
      // What the other side says next starts a message, as far as anyone can tell.
      const lane = this.lanes[direction];
      lane.searchedBytes = 0;
      if (lane.mode === RESYNC && lane.length === 0) lane.atBoundary = true;
    }
    this.turn = direction;
  }

  /** Directions that wait for the other one try again, for as long as that brings either on. */
  private wake(tsUs: number): void {
    for (let before = -1; before < this.counters.frames && !this.stopped; ) {
      before = this.counters.frames;
      for (const direction of BOTH) {
        const lane = this.bothLanes()[direction];
        if (!lane.waiting || this.mustWait(direction, lane)) continue;
        lane.waiting = false;
        this.drain(direction, lane, tsUs);
      }
    }
  }

  private mustWait(direction: Direction, lane: Lane): boolean {
    return measure(this.module, this.session, direction, lane.bytes, 0, lane.length, out) === FRAME_WAIT;
  }

  /** As `ProtocolModule.relieve`, for what is carried as well. */
  relieve(all: boolean, tsUs: number): void {
    this.readAside();
    this.idle = false;
    for (const direction of BOTH) {
      const lane = this.lanes?.[direction];
      if (lane === undefined || this.stopped) continue;
      if (lane.length > 0) this.cutCarried(direction, lane, all, tsUs);
      if (lane.length === 0) lane.free();
    }
    if (this.stopped) return;
    this.module.relieve?.(this.session, all, tsUs, this.sink);
    if (all) this.sink.relieve?.();
  }

  /**
   * Of a frame whose rest the module follows as it passes by, only the beginning is kept. What else is carried stays,
   * unless `all` has to go and it is more than such a beginning: a header gives little back, and is all that is known.
   */
  private cutCarried(direction: Direction, lane: Lane, all: boolean, tsUs: number): void {
    const { bytes, length, startUs } = lane;
    if (length <= SHORTEST_BYTES) {
      if (all) lane.trim();
      return;
    }
    const isFrame =
      lane.mode === SYNC &&
      !lane.waiting &&
      measure(this.module, this.session, direction, bytes, 0, length, out) === FRAME_OK;
    const kept = isFrame && out.rest ? (all ? SHORTEST_BYTES : SHORT_BYTES) : length;
    if (kept >= length && !all) return;
    if (isFrame) {
      lane.take();
      const pos = this.deliver(direction, lane, bytes, 0, Math.min(kept, length), 0, startUs, tsUs);
      this.run(direction, lane, bytes, pos, length, startUs, tsUs);
      lane.giveBack(bytes);
    } else if (lane.mode === SYNC) {
      this.overflow(direction, lane, tsUs);
    } else {
      this.counters.unparsedBytes += length;
      lane.seek(false);
    }
  }

  /**
   * A hole within the frame being carried: its header told the length, so the part that came is delivered as truncated
   * and, if the hole ends inside the frame, the next frame's start is known. False when the header is incomplete.
   */
  private cutFrame(direction: Direction, lane: Lane, lostBytes: number, tsUs: number): boolean {
    const bytes = lane.bytes;
    const length = lane.length;
    if (lane.waiting || measure(this.module, this.session, direction, bytes, 0, length, out) !== FRAME_OK) return false;
    const startUs = lane.startUs;
    const lostInside = Math.min(lostBytes, out.length - length);
    lane.take();
    this.deliver(direction, lane, bytes, 0, length, lostInside, startUs, tsUs);
    lane.giveBack(bytes);
    if (this.stopped) return true;
    lane.pass(lostInside);
    if (lostBytes > lostInside) this.loseSync(direction, lane, lostBytes - lostInside, tsUs);
    return true;
  }

  /** The direction fell silent: decide what a search left open. */
  private settle(direction: Direction, lane: Lane): void {
    if (lane.mode !== RESYNC || lane.length === 0) return;
    const buffer = lane.bytes;
    const length = lane.length;
    const tsUs = lane.startUs;
    lane.take();
    const at = this.resync.search(direction, lane, buffer, 0, length, tsUs, true);
    if (at < length) this.run(direction, lane, buffer, at, length, tsUs, tsUs);
    if (lane.mode === RESYNC) {
      this.counters.unparsedBytes += lane.length;
      lane.clear();
    }
    lane.giveBack(buffer);
  }
}

const BOTH: readonly Direction[] = [TO_SERVER, TO_CLIENT];
