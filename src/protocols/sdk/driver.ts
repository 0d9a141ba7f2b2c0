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
  FRAME_MALFORMED,
  FRAME_OK,
  FRAME_WAIT,
  FrameOut,
  type ProtocolModule,
  STOP,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { addSessionCounters, type DriverCounters } from './counters.ts';
import { Lane, RESYNC, SKIP, SYNC } from './lane.ts';
import { deliverableBytes, measure } from './measure.ts';
import { Resync } from './resync.ts';
import { FrameWindow } from './window.ts';

// Drivers nest (one inside a compressed connection), but no use of it spans a call into a module that could.
const out = new FrameOut();

export class Driver<S> implements MemoryHolder {
  readonly module: ProtocolModule<S>;
  readonly session: S;
  readonly counters: DriverCounters;
  /** The module answered STOP: nothing more is read. */
  stopped = false;
  private readonly sink: EventSink;
  /** The connection's: drivers inside one share it. */
  readonly memory: HeldMemory;
  /** Made when a direction has something to carry or to pass over: while there are none, every frame came whole. */
  private lanes: readonly [Lane, Lane] | undefined = undefined;
  private readonly window: FrameWindow;
  /** Made when it is needed: most connections lose nothing. */
  private made: Resync<S> | undefined = undefined;
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
    this.module = module;
    this.session = session;
    this.sink = sink;
    this.counters = counters;
    this.window = window;
    this.memory = memory;
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

  private bothLanes(): readonly [Lane, Lane] {
    this.lanes ??= [new Lane(this.memory), new Lane(this.memory)];
    return this.lanes;
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

  /** Reads frames in place for as long as all of them is wanted and there. Returns where that ended. */
  private readWhole(direction: Direction, bytes: Uint8Array, start: number, end: number, tsUs: number): number {
    let pos = start;
    while (pos < end && !this.stopped) {
      if (measure(this.module, this.session, direction, bytes, pos, end, out) !== FRAME_OK) return pos;
      const { length } = out;
      if (length > end - pos || deliverableBytes(this.module.limits, out) < length) return pos;
      this.deliver(direction, undefined, bytes, pos, length, 0, tsUs, tsUs);
      pos += length;
    }
    return end;
  }

  /** Reads `bytes[from, end)` in place while the lane carries nothing; carries what stays open. Returns `end`. */
  private run(
    direction: Direction,
    lane: Lane,
    bytes: Uint8Array,
    from: number,
    end: number,
    startUs: number,
    tsUs: number,
  ): number {
    let pos = from;
    while (pos < end && !this.stopped) {
      const firstUs = pos === from ? startUs : tsUs;
      if (lane.mode === SKIP) pos = this.skip(direction, lane, bytes, pos, end);
      else if (lane.mode === SYNC) pos = this.read(direction, lane, bytes, pos, end, firstUs, tsUs);
      else pos = this.resync.search(direction, lane, bytes, pos, end, firstUs, false);
    }
    return end;
  }

  /** One frame at `pos`. Returns where reading goes on: behind it, or at `end` when the bytes were carried. */
  private read(
    direction: Direction,
    lane: Lane,
    bytes: Uint8Array,
    pos: number,
    end: number,
    startUs: number,
    tsUs: number,
  ): number {
    const verdict = measure(this.module, this.session, direction, bytes, pos, end, out);
    if (verdict === FRAME_MALFORMED) {
      this.counters.malformedFrames++;
      this.loseSync(direction, lane, 0, tsUs);
      lane.ruledOut = true;
      return pos;
    }
    const wanted = verdict === FRAME_OK ? deliverableBytes(this.module.limits, out) : out.need;
    if (verdict === FRAME_OK && wanted <= end - pos) {
      return pos + this.deliver(direction, lane, bytes, pos, wanted, 0, startUs, tsUs);
    }
    lane.keep(bytes, pos, end, startUs);
    lane.need = wanted;
    lane.waiting = verdict === FRAME_WAIT;
    if (lane.waiting && lane.length > this.module.limits.heldBytesMax) this.overflow(direction, lane, tsUs);
    return end;
  }

  /** Hands the frame at `pos` to the module. Returns the bytes consumed; the lane skips the rest of the frame later. */
  private deliver(
    direction: Direction,
    lane: Lane | undefined,
    bytes: Uint8Array,
    pos: number,
    available: number,
    lostBytes: number,
    startUs: number,
    tsUs: number,
  ): number {
    const { frame, cursor } = this.window;
    const { length, rest } = out;
    this.window.show(out, bytes, pos, available, lostBytes, startUs, tsUs);
    if (frame.truncated) this.counters.truncatedFrames++;
    this.counters.frames++;
    if (lane !== undefined && length > available) {
      lane.mode = SKIP;
      lane.skipLeft = length - available;
      lane.rest = rest;
    }
    if (this.module.onFrame(this.session, direction, frame, cursor, this.sink) === STOP) this.stop();
    return available;
  }

  private stop(): void {
    this.stopped = true;
    for (const lane of this.lanes ?? []) {
      this.counters.unparsedBytes += lane.length;
      lane.clear();
      lane.free();
    }
    const counted = this.module.counters?.(this.session);
    if (counted !== undefined) addSessionCounters(this.counters, counted);
  }

  private skip(direction: Direction, lane: Lane, bytes: Uint8Array, pos: number, end: number): number {
    const count = Math.min(lane.skipLeft, end - pos);
    lane.pass(count);
    if (lane.rest && this.module.onRest) {
      this.module.onRest(this.session, direction, bytes, pos, pos + count, lane.skipLeft === 0);
    }
    return pos + count;
  }

  /** Adds to the carried bytes just what a decision needs, so that what follows is read in place again. */
  private fill(direction: Direction, lane: Lane, bytes: Uint8Array, pos: number, end: number, tsUs: number): number {
    const held = this.module.limits.heldBytesMax;
    if (lane.waiting) {
      const count = Math.min(end - pos, held + 1 - lane.length);
      lane.append(bytes, pos, pos + count);
      if (lane.length > held) this.overflow(direction, lane, tsUs);
      return pos + count;
    }
    const wanted = lane.mode === RESYNC ? held : lane.need;
    const count = Math.min(end - pos, wanted - lane.length);
    lane.append(bytes, pos, pos + count);
    if (lane.mode === RESYNC || lane.length >= lane.need) this.drain(direction, lane, tsUs);
    return pos + count;
  }

  /** Reads what the lane carries as if it had just arrived. */
  private drain(direction: Direction, lane: Lane, tsUs: number): void {
    const buffer = lane.bytes;
    const length = lane.length;
    lane.take();
    this.run(direction, lane, buffer, 0, length, lane.startUs, tsUs);
    lane.giveBack(buffer);
  }

  private overflow(direction: Direction, lane: Lane, tsUs: number): void {
    this.counters.heldOverflows++;
    this.counters.unparsedBytes += lane.length;
    lane.clear();
    this.loseSync(direction, lane, 0, tsUs);
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

  // Memory

  /** As `ProtocolModule.relieve`, for what is carried as well. */
  relieve(all: boolean, tsUs: number): void {
    this.readAside();
    this.idle = false;
    for (const direction of BOTH) {
      const lane = this.lanes?.[direction];
      if (lane !== undefined && (all || lane.isLarge)) this.cutCarried(direction, lane, tsUs);
    }
    if (!this.stopped) this.module.relieve?.(this.session, all, tsUs, this.sink);
  }

  /** What is carried of a frame is all that the module gets of it. */
  private cutCarried(direction: Direction, lane: Lane, tsUs: number): void {
    if (this.stopped) return;
    if (lane.length > 0) {
      if (lane.waiting) this.overflow(direction, lane, tsUs);
      else if (lane.mode === RESYNC) {
        this.counters.unparsedBytes += lane.length;
        lane.seek(false);
      } else if (!this.cutFrame(direction, lane, 0, tsUs)) this.loseSync(direction, lane, 0, tsUs);
    }
    lane.free();
  }

  // Gaps and resynchronisation

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

  private loseSync(direction: Direction, lane: Lane, lostBytes: number, tsUs: number): void {
    this.counters.resyncs++;
    this.counters.unparsedBytes += lane.length;
    lane.seek(false);
    this.module.onGap(this.session, direction, lostBytes, false, tsUs, this.sink);
  }

  private get resync(): Resync<S> {
    this.made ??= new Resync(this.module, this.session, this.counters);
    return this.made;
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
