/**
 * Frames out of the bytes of two directions: measured, handed to the module, carried from one segment to the next, passed
 * over. What lies between frames (turns, gaps, waiting, the end) is the driver's, which builds on this.
 */
import type { HeldMemory } from '../../base/memory-budget.ts';
import {
  type Direction,
  type EventSink,
  FRAME_MALFORMED,
  FRAME_OK,
  FRAME_WAIT,
  FrameOut,
  type ProtocolModule,
  STOP,
} from '../../contracts/protocol.ts';
import { addSessionCounters, type DriverCounters } from './counters.ts';
import { Lane, RESYNC, SKIP, SYNC } from './lane.ts';
import { deliverableBytes, measure } from './measure.ts';
import { Resync } from './resync.ts';
import type { FrameWindow } from './window.ts';

/** Drivers nest (one inside a compressed connection), but no use of it spans a call into a module that could. */
export const out: FrameOut = new FrameOut();

export class FrameReader<S> {
  readonly module: ProtocolModule<S>;
  readonly session: S;
  readonly counters: DriverCounters;
  /** The module answered STOP: nothing more is read. */
  stopped = false;
  /** The connection's: drivers inside one share it. */
  readonly memory: HeldMemory;
  protected readonly sink: EventSink;
  /** Made when a direction has something to carry or to pass over: while there are none, every frame came whole. */
  protected lanes: readonly [Lane, Lane] | undefined = undefined;
  protected readonly window: FrameWindow;
  /** Made when it is needed: most connections lose nothing. */
  private made: Resync<S> | undefined = undefined;

  constructor(
    module: ProtocolModule<S>,
    session: S,
    sink: EventSink,
    counters: DriverCounters,
    window: FrameWindow,
    memory: HeldMemory,
  ) {
    this.module = module;
    this.session = session;
    this.sink = sink;
    this.counters = counters;
    this.window = window;
    this.memory = memory;
  }

  protected bothLanes(): readonly [Lane, Lane] {
    this.lanes ??= [new Lane(this.memory), new Lane(this.memory)];
    return this.lanes;
  }

  /** Reads frames in place for as long as all of them is wanted and there. Returns where that ended. */
  protected readWhole(direction: Direction, bytes: Uint8Array, start: number, end: number, tsUs: number): number {
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
  protected run(
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
  protected deliver(
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

  protected stop(): void {
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
  protected fill(direction: Direction, lane: Lane, bytes: Uint8Array, pos: number, end: number, tsUs: number): number {
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
  protected drain(direction: Direction, lane: Lane, tsUs: number): void {
    const buffer = lane.bytes;
    const length = lane.length;
    lane.take();
    this.run(direction, lane, buffer, 0, length, lane.startUs, tsUs);
    lane.giveBack(buffer);
  }

  protected overflow(direction: Direction, lane: Lane, tsUs: number): void {
    this.counters.heldOverflows++;
    this.counters.unparsedBytes += lane.length;
    lane.clear();
    this.loseSync(direction, lane, 0, tsUs);
  }

  protected loseSync(direction: Direction, lane: Lane, lostBytes: number, tsUs: number): void {
    this.counters.resyncs++;
    this.counters.unparsedBytes += lane.length;
    lane.seek(false);
    this.module.onGap(this.session, direction, lostBytes, false, tsUs, this.sink);
  }

  protected get resync(): Resync<S> {
    this.made ??= new Resync(this.module, this.session, this.counters);
    return this.made;
  }
}
