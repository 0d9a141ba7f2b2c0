/**
 * Pool of pages that hold out-of-order bytes. A page is also the node of a direction's sorted list: it carries the
 * sequence number of its first byte, the acknowledgement its segment depends on, and its capture time. All memory is
 * reserved at construction; the operating system backs it when it is first written.
 */
import { float64Table, int32Table, uint8Table } from '../base/table-memory.ts';

export const PAGE_BYTES = 2048;
export const PAGE_NONE: number = -1;

export class PagePool {
  readonly bytes: Uint8Array;
  readonly next: Int32Array;
  readonly seq: Int32Array;
  readonly length: Int32Array;
  /** Numbers of the whole segment that the page is a part of: its first byte, and the one behind its last. */
  readonly segmentFrom: Int32Array;
  readonly segmentTo: Int32Array;
  /** Acknowledgement number of the segment: bytes of the other direction that its sender had received. */
  readonly dependsOn: Int32Array;
  readonly tsUs: Float64Array;
  /** Counts up with each page taken: tells which of two segments was captured first. */
  readonly order: Int32Array;
  /** 1: the page stands for bytes that the snap length cut off, and holds none. */
  readonly cut: Uint8Array;
  /** List of pages that were given back; those from `fresh` on were never taken. */
  private freeHead = PAGE_NONE;
  private fresh = 0;
  private freePages: number;
  private taken = 0;

  constructor(pages: number) {
    this.bytes = uint8Table(pages * PAGE_BYTES);
    this.next = int32Table(pages);
    this.seq = int32Table(pages);
    this.length = int32Table(pages);
    this.segmentFrom = int32Table(pages);
    this.segmentTo = int32Table(pages);
    this.dependsOn = int32Table(pages);
    this.tsUs = float64Table(pages);
    this.order = int32Table(pages);
    this.cut = uint8Table(pages);
    this.freePages = pages;
  }

  get free(): number {
    return this.freePages;
  }

  take(): number {
    if (this.freePages === 0) return PAGE_NONE;
    let page = this.freeHead;
    if (page === PAGE_NONE) page = this.fresh++;
    else this.freeHead = this.next[page] as number;
    this.freePages--;
    this.taken = (this.taken + 1) | 0;
    this.order[page] = this.taken;
    return page;
  }

  give(page: number): void {
    this.next[page] = this.freeHead;
    this.freeHead = page;
    this.freePages++;
  }
}
