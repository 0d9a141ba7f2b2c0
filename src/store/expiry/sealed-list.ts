/** What a store holds beside its open segment: which sealed segments, how much, and which of them are to go. */
import { isExpired, type Retention, type SealedFacts } from './retention.ts';

export class SealedList {
  /** Records of all segments, the open one included, held ones not: whoever appends counts them here. */
  records = 0;
  /** Bytes of the sealed segments, held ones not. */
  bytes = 0;
  /** Oldest first. */
  private segments: SealedFacts[] = [];
  /** Those past their time that a legal hold keeps. */
  private held: SealedFacts[] = [];

  add(segment: SealedFacts): void {
    this.segments.push(segment);
    this.bytes += segment.bytes;
  }

  get heldCount(): number {
    return this.held.length;
  }

  /** Tells how big the files of a segment are, now that all of them are there. */
  measured(path: string, bytes: number): void {
    const at = this.segments.findIndex((segment) => segment.path === path);
    const segment = this.segments[at];
    if (segment === undefined) return;
    this.bytes += bytes - segment.bytes;
    this.segments[at] = { ...segment, bytes };
  }

  /** The oldest segment, when it is to go: then `hold` or `remove` has to follow. */
  expired(retention: Retention, newestUs: number): SealedFacts | undefined {
    const [oldest] = this.segments;
    if (oldest === undefined || !isExpired(oldest, retention, this.records, this.bytes, newestUs)) return undefined;
    return oldest;
  }

  /** The oldest segment stays, and counts no longer. */
  hold(): void {
    const oldest = this.remove();
    if (oldest !== undefined) this.held.push(oldest);
  }

  /** Takes the oldest segment off the list. */
  remove(): SealedFacts | undefined {
    const oldest = this.segments.shift();
    if (oldest === undefined) return undefined;
    this.bytes -= oldest.bytes;
    this.records -= oldest.rows;
    return oldest;
  }

  /** Holds may have been taken away: held segments are the oldest again. */
  reconsiderHeld(): void {
    for (const { bytes, rows } of this.held) {
      this.bytes += bytes;
      this.records += rows;
    }
    this.segments = [...this.held, ...this.segments];
    this.held = [];
  }
}
