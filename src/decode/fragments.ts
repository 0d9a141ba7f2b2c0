/**
 * IP fragment reassembly (RFC 791 §3.2, RFC 8200 §4.5), for both families.
 *
 * Bounds: a set-associative table of datagrams, a budget for the bytes they hold, and a number of pieces each. Memory
 * grows with bytes received, never with offsets claimed. What was received first wins where fragments overlap.
 * When the table or budget is full, an older datagram is given up. Time is packet time.
 *
 * A second mirror port shows every fragment again, some of them when their datagram is complete. Those would wait for
 * others that never come, and be taken for part of the next datagram with this identification, of which IPv4 has 65,536:
 * so what a complete datagram was made of is remembered for a while, by length and digest: a sum that could be met on
 * purpose would let somebody pass a datagram off as the copy of another.
 */
import { hash } from 'node:crypto';
import type { PacketView } from '../contracts/view.ts';
import { DECODE_FRAGMENT, DECODE_MALFORMED, type Frame, LAYER_PROTOCOL } from './layers.ts';

export interface FragmentOptions {
  /** Bytes held for incomplete datagrams. */
  readonly bytesMax: number;
  /** Age at which an incomplete datagram is given up. */
  readonly timeoutUs: number;
}

export interface FragmentCounters {
  fragments: number;
  fragmentsDropped: number;
  /** Fragments with bytes that another fragment had brought already. */
  fragmentsOverlapping: number;
  /** Copies of fragments of a datagram that was complete. */
  fragmentsRepeated: number;
  datagrams: number;
  datagramsTimedOut: number;
  datagramsEvicted: number;
}

export function newFragmentCounters(): FragmentCounters {
  return {
    fragments: 0,
    fragmentsDropped: 0,
    fragmentsOverlapping: 0,
    fragmentsRepeated: 0,
    datagrams: 0,
    datagramsTimedOut: 0,
    datagramsEvicted: 0,
  };
}

const SETS = 256;
const WAYS = 4;
const DATAGRAM_BYTES_MAX = 65_535;
const PIECES_MAX = 512;
const KEY_WORDS = 10;
/** How long the copies of a complete datagram's fragments are known. */
const COPIES_US = 1_000_000;

interface Piece {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** Of a complete datagram. */
interface Seen {
  readonly start: number;
  readonly end: number;
  readonly digest: string;
}

class Datagram {
  readonly key = new Int32Array(KEY_WORDS);
  used = false;
  /** Of a complete datagram: when that was. */
  firstUs = 0;
  /** Protocol of the payload, told by the fragment with offset 0. */
  protocol = -1;
  /** Whole length, told by the last fragment; -1 until then. */
  length = -1;
  /** Bytes held; the datagram is complete when it reaches `length`. */
  held = 0;
  /** Sorted by start, disjoint. */
  pieces: Piece[] = [];
  /** What it was made of, once it is complete. */
  seen: Seen[] | undefined = undefined;
}

export class Fragments {
  private readonly options: FragmentOptions;
  private readonly counters: FragmentCounters;
  private readonly table: Datagram[] = [];
  private readonly key = new Int32Array(KEY_WORDS);
  private readonly output = new Uint8Array(DATAGRAM_BYTES_MAX);
  private readonly outputData = new DataView(this.output.buffer);
  private heldBytes = 0;
  /** Next datagram to be given up when the budget is used up. */
  private hand = 0;

  constructor(options: FragmentOptions, counters: FragmentCounters) {
    this.options = options;
    this.counters = counters;
    for (let i = 0; i < SETS * WAYS; i++) this.table.push(new Datagram());
  }

  /**
   * Takes the fragment at `frame.pos`. With the last missing one the frame becomes the whole datagram's payload, in
   * a buffer that is valid until the next call, and the walk goes on.
   */
  add(frame: Frame, view: PacketView): number {
    this.counters.fragments++;
    const start = frame.fragmentOffset;
    const end = start + frame.wireEnd - frame.pos;
    const more = frame.fragmentMore;
    if (end > DATAGRAM_BYTES_MAX || end === start || (more && ((end - start) & 7) !== 0)) {
      this.counters.fragmentsDropped++;
      return DECODE_MALFORMED;
    }
    // A fragment cut by the snap length leaves a hole that nothing fills.
    if (frame.end < frame.wireEnd) return this.drop();
    this.makeKey(frame, view);
    const datagram = this.find(view.tsUs);
    if (datagram.seen !== undefined) {
      if (isCopy(datagram.seen, start, end, frame)) {
        this.counters.fragmentsRepeated++;
        return DECODE_FRAGMENT;
      }
      this.restart(datagram, view.tsUs);
    }
    if (!more) {
      if (datagram.length >= 0 && datagram.length !== end) return this.drop();
      const last = datagram.pieces.at(-1);
      if (last !== undefined && last.end > end) return this.drop();
      datagram.length = end;
    } else if (datagram.length >= 0 && end > datagram.length) {
      return this.drop();
    }
    if (start === 0) datagram.protocol = frame.type;
    this.insert(datagram, start, end, frame);
    if (datagram.pieces.length > PIECES_MAX) {
      this.release(datagram);
      this.counters.datagramsEvicted++;
      return DECODE_FRAGMENT;
    }
    return datagram.held === datagram.length ? this.complete(datagram, frame, view.tsUs) : DECODE_FRAGMENT;
  }

  private drop(): number {
    this.counters.fragmentsDropped++;
    return DECODE_FRAGMENT;
  }

  private makeKey(frame: Frame, view: PacketView): void {
    const key = this.key;
    key[0] = view.src0;
    key[1] = view.src1;
    key[2] = view.src2;
    key[3] = view.src3;
    key[4] = view.dst0;
    key[5] = view.dst1;
    key[6] = view.dst2;
    key[7] = view.dst3;
    key[8] = frame.fragmentId;
    // IPv4 identifies by protocol too; in IPv6 only the first fragment's next header counts.
    key[9] = view.ipVersion === 4 ? frame.type : -1;
  }

  /** The datagram of `key`, an empty one of its set, or the set's oldest, given up. */
  private find(tsUs: number): Datagram {
    const key = this.key;
    let hash = 0;
    for (let i = 0; i < KEY_WORDS; i++) hash = Math.imul(hash ^ (key[i] as number), 0x9e3779b1) ^ (hash >>> 15);
    const first = ((hash >>> 16) & (SETS - 1)) * WAYS;
    let victim = this.table[first] as Datagram;
    for (let i = first; i < first + WAYS; i++) {
      const datagram = this.table[i] as Datagram;
      const isComplete = datagram.seen !== undefined;
      if (datagram.used && tsUs - datagram.firstUs > (isComplete ? COPIES_US : this.options.timeoutUs)) {
        this.release(datagram);
        if (!isComplete) this.counters.datagramsTimedOut++;
      }
      if (datagram.used && sameKey(datagram.key, key)) return datagram;
      if (goesBefore(datagram, victim)) victim = datagram;
    }
    if (victim.used && victim.seen === undefined) this.counters.datagramsEvicted++;
    this.restart(victim, tsUs);
    victim.key.set(key);
    return victim;
  }

  private restart(datagram: Datagram, tsUs: number): void {
    if (datagram.used) this.release(datagram);
    datagram.used = true;
    datagram.firstUs = tsUs;
  }

  /** Copies what `[start, end)` adds to the datagram. */
  private insert(datagram: Datagram, start: number, end: number, frame: Frame): void {
    const pieces = datagram.pieces;
    let at = start;
    let overlapping = false;
    let i = 0;
    while (i < pieces.length && (pieces[i] as Piece).end <= start) i++;
    while (at < end) {
      const next = pieces[i];
      const stop = next === undefined ? end : Math.min(end, next.start);
      if (stop > at) {
        const from = frame.pos + at - start;
        const bytes = frame.bytes.slice(from, from + stop - at);
        pieces.splice(i, 0, { start: at, end: stop, bytes });
        datagram.held += bytes.length;
        this.hold(bytes.length, datagram);
        i++;
      }
      if (next === undefined || next.start >= end) break;
      overlapping = true;
      at = next.end;
      i++;
    }
    if (overlapping) this.counters.fragmentsOverlapping++;
  }

  private hold(bytes: number, keep: Datagram): void {
    this.heldBytes += bytes;
    for (let steps = 0; this.heldBytes > this.options.bytesMax && steps < this.table.length; steps++) {
      const datagram = this.table[this.hand] as Datagram;
      this.hand = (this.hand + 1) % this.table.length;
      if (datagram.used && datagram.seen === undefined && datagram !== keep) {
        this.release(datagram);
        this.counters.datagramsEvicted++;
      }
    }
  }

  private complete(datagram: Datagram, frame: Frame, tsUs: number): number {
    for (const piece of datagram.pieces) this.output.set(piece.bytes, piece.start);
    frame.bytes = this.output;
    frame.data = this.outputData;
    frame.pos = 0;
    frame.end = datagram.length;
    frame.wireEnd = datagram.length;
    frame.type = datagram.protocol;
    const seen = datagram.pieces.map(({ start, end, bytes }) => ({
      start,
      end,
      digest: digestOf(bytes, 0, bytes.length),
    }));
    this.restart(datagram, tsUs);
    datagram.seen = seen;
    this.counters.datagrams++;
    return LAYER_PROTOCOL;
  }

  private release(datagram: Datagram): void {
    this.heldBytes -= datagram.held;
    datagram.used = false;
    datagram.protocol = -1;
    datagram.length = -1;
    datagram.held = 0;
    datagram.pieces = [];
    datagram.seen = undefined;
  }
}

/** Whether `a` is given up rather than `b`: unused ones first, then complete ones, of either the oldest. */
function goesBefore(a: Datagram, b: Datagram): boolean {
  const [rankA, rankB] = [rank(a), rank(b)];
  return rankA < rankB || (rankA === rankB && rankA > 0 && a.firstUs < b.firstUs);
}

function rank({ used, seen }: Datagram): number {
  if (!used) return 0;
  return seen === undefined ? 2 : 1;
}

function isCopy(seen: readonly Seen[], start: number, end: number, { bytes, pos }: Frame): boolean {
  const same = seen.find((piece) => piece.start === start && piece.end === end);
  return same !== undefined && same.digest === digestOf(bytes, pos, pos + end - start);
}

function digestOf(bytes: Uint8Array, start: number, end: number): string {
  return hash('sha256', bytes.subarray(start, end), 'base64');
}

function sameKey(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < KEY_WORDS; i++) if (a[i] !== b[i]) return false;
  return true;
}
