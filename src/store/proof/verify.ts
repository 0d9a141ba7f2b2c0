/**
 * Proof that a store is as it was written: every row goes through the hash chain again (`chain.ts`) and must give the
 * digests that were kept. What cannot be seen from inside, a tail that was cut off together with its digests, is seen
 * against an anchor: a line printed earlier and kept elsewhere.
 */
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError, toStoreError } from '../errors.ts';
import { Catalog, catalogOf, type SegmentEntry } from '../segment/catalog.ts';
import { openForReading } from '../segment/open.ts';
import { checkVersion } from '../segment/segment.ts';
import { CHAIN_START } from './chain.ts';
import { Fault, SegmentCheck, sameBytes } from './segment-check.ts';
import { isSigned, type Signed } from './sign.ts';

export interface VerifyReport {
  readonly segments: number;
  readonly records: number;
  /** Records of segments that retention has removed. */
  readonly expired: number;
  readonly timeMinUs: number | undefined;
  readonly timeMaxUs: number | undefined;
  /** Number of the last record; 0 for an empty store. */
  readonly lastSeq: number;
  /** Records up to here are signed; 0 when no key was given or no segment is signed. */
  readonly signedSeq: number;
  /** Names the last record and the digest up to it; `undefined` for an empty store. */
  readonly anchor: string | undefined;
  /** The first thing wrong in each segment, in order; empty when everything holds. */
  readonly faults: readonly string[];
}

const ANCHOR = /^wiretrail-anchor-1 (\d{1,15}) ([0-9a-f]{64})$/;

/**
 * Reads the whole store once. `anchor`: a line that an earlier report gave. `key`: with it every segment that is
 * complete or was dropped must be signed. Throws `StoreError` when there is no store.
 */
export function verifyStore(directory: string, anchor?: string, key?: KeyObject): VerifyReport {
  const wanted = anchor === undefined ? undefined : parseAnchor(anchor);
  const verifier = new Verifier(directory, wanted, key);
  for (const entry of segmentsOf(directory)) verifier.segment(entry);
  return verifier.report();
}

/**
 * The anchor of the store as it is now, without reading it all; `undefined` for an empty store. Throws `StoreError`.
 */
export function anchorOf(directory: string): string | undefined {
  for (const { state, file, firstSeq, rows, chainAfter } of segmentsOf(directory).reverse()) {
    if (state === 'new') continue;
    if (chainAfter !== undefined) return anchorLine(firstSeq + rows - 1, chainAfter);
    const path = join(directory, file);
    const last = lastBlock(path);
    if (last !== undefined) return anchorLine(last.seq, last.digest);
  }
  return undefined;
}

/** As the catalog has them now, in order of writing. Throws `StoreError` when there is no store. */
export function segmentsOf(directory: string): SegmentEntry[] {
  const path = catalogOf(directory);
  const catalog = Catalog.open(path, 'read');
  try {
    return catalog.segments();
  } finally {
    catalog.close();
  }
}

function lastBlock(path: string): Anchored | undefined {
  try {
    const db = openForReading(path);
    try {
      return db.prepare<[], Anchored>('SELECT seq, digest FROM chain ORDER BY seq DESC LIMIT 1').get();
    } finally {
      db.close();
    }
  } catch (error) {
    throw toStoreError(error, path);
  }
}

interface Anchored {
  readonly seq: number;
  readonly digest: Uint8Array;
}

/** The line that `verify --anchor` takes: the last record of a block and the digest up to it. */
export function anchorLine(seq: number, digest: Uint8Array): string {
  return `wiretrail-anchor-1 ${seq} ${toHexText(digest)}`;
}

interface Anchor {
  readonly seq: number;
  readonly digest: string;
}

function parseAnchor(line: string): Anchor {
  const parts = ANCHOR.exec(line.trim());
  if (parts === null) throw new StoreError('usage', 'the anchor is not a line that verify printed');
  return { seq: Number(parts[1]), digest: parts[2] ?? '' };
}

class Verifier {
  private readonly directory: string;
  private readonly anchor: Anchor | undefined;
  private readonly faults: string[] = [];
  private readonly key: KeyObject | undefined;
  private anchorMet = false;
  private digest: Uint8Array = CHAIN_START;
  private lastNumber = 0;
  private lastSeq = 0;
  private segments = 0;
  private records = 0;
  private expired = 0;
  private signedSeq = 0;
  private timeMinUs = Number.POSITIVE_INFINITY;
  private timeMaxUs = Number.NEGATIVE_INFINITY;

  constructor(directory: string, anchor: Anchor | undefined, key: KeyObject | undefined) {
    this.directory = directory;
    this.anchor = anchor;
    this.key = key;
  }

  segment(entry: SegmentEntry): void {
    if (entry.state === 'new') return;
    const path = join(this.directory, entry.file);
    if (entry.number !== this.lastNumber + 1)
      this.faults.push(`${path}: the segment before it is missing from the list`);
    else if (!sameBytes(entry.chainBefore, this.digest))
      this.faults.push(`${path}: does not follow the segment before it`);
    this.lastNumber = entry.number;
    this.digest = entry.chainAfter ?? CHAIN_START;
    if (entry.state !== 'open') this.signatures(entry, path);
    if (entry.state === 'dropping' || entry.state === 'dropped') {
      this.expired += entry.rows;
      this.expiredAnchor(entry);
      return;
    }
    this.segments++;
    if (entry.state === 'damaged') {
      this.faults.push(`${path}: damaged, its records are lost`);
      return;
    }
    try {
      if (!existsSync(path)) throw new Fault('the file is missing');
      this.openSegment(entry, path);
    } catch (error) {
      this.faults.push(error instanceof Fault ? `${path}: ${error.message}` : toStoreError(error, path).message);
    }
  }

  /** What a key outside the store has signed cannot be made up by who holds the store. */
  private signatures(entry: SegmentEntry, path: string): void {
    const { key } = this;
    const { chainAfter } = entry;
    if (key === undefined) return;
    const signed = (what: Signed, signature: Uint8Array | undefined): boolean =>
      chainAfter !== undefined && isSigned(key, what, { ...entry, chainAfter }, signature);
    if (!signed('sealed', entry.signature)) {
      this.faults.push(`${path}: the segment's entry in the list is not signed by this key`);
    } else if (entry.dropSignature !== undefined || entry.state === 'dropping' || entry.state === 'dropped') {
      if (!signed('dropped', entry.dropSignature)) this.faults.push(`${path}: removed, but its expiry is not signed`);
    }
    this.signedSeq = entry.firstSeq + entry.rows - 1;
  }

  /** An anchor within an expired segment cannot be compared, except at its end; that is not a fault. */
  private expiredAnchor({ firstSeq, rows, chainAfter }: SegmentEntry): void {
    const { anchor } = this;
    if (anchor === undefined || anchor.seq < firstSeq || anchor.seq >= firstSeq + rows) return;
    const atEnd = anchor.seq === firstSeq + rows - 1 && chainAfter !== undefined;
    this.anchorMet = !atEnd || toHexText(chainAfter) === anchor.digest;
  }

  report(): VerifyReport {
    const faults = [...this.faults];
    if (this.anchor !== undefined && !this.anchorMet) {
      faults.push(
        `record ${this.anchor.seq} of the anchor is not there, or not as it was: the store was cut or rewritten`,
      );
    }
    const empty = this.records === 0;
    return {
      segments: this.segments,
      records: this.records,
      expired: this.expired,
      lastSeq: this.lastSeq,
      signedSeq: this.signedSeq,
      timeMinUs: empty ? undefined : this.timeMinUs,
      timeMaxUs: empty ? undefined : this.timeMaxUs,
      anchor: empty ? undefined : anchorLine(this.lastSeq, this.digest),
      faults,
    };
  }

  private openSegment(entry: SegmentEntry, path: string): void {
    const db = openForReading(path);
    try {
      checkVersion(db, path);
      db.exec('BEGIN');
      const check = new SegmentCheck(db, entry);
      for (const block of check.blocks()) {
        this.records += block.records;
        this.timeMinUs = Math.min(this.timeMinUs, block.timeMinUs);
        this.timeMaxUs = Math.max(this.timeMaxUs, block.timeMaxUs);
        this.lastSeq = block.seq;
        if (entry.chainAfter === undefined) this.digest = block.digest;
        if (block.seq === this.anchor?.seq) this.anchorMet = toHexText(block.digest) === this.anchor.digest;
      }
    } finally {
      db.close();
    }
  }
}

function toHexText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
