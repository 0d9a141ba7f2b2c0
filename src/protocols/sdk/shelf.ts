/**
 * Requests that wait, unread, for the connection's next word: usually the reply. Read then, a statement lives from its
 * request to its record within one call, and nothing of it has to survive in between but its bytes, which lie here in
 * places of one size. When all places are taken a request is read at once, as those are that do not fit one.
 */

/** Requests of OLTP applications take a hundred bytes or a few. */
export const PLACE_BYTES = 512;
/** Places of a page; pages are made as they are needed. */
const PAGE_PLACES = 512;
const PLACES_MAX = 65_536;

interface Page {
  readonly bytes: Uint8Array;
  readonly data: DataView;
}

export class RequestShelf {
  private readonly pages: Page[] = [];
  private readonly lengths = new Uint16Array(PLACES_MAX);
  private readonly timesUs = new Float64Array(PLACES_MAX);
  /** Places that were given back, the latest on top: its bytes are in the cache. */
  private readonly free: number[] = [];
  private used = 0;
  /** What was copied from last, and a view of it: sources hand over the same bytes again and again. */
  private source: Uint8Array = new Uint8Array(0);
  private sourceData: DataView = new DataView(this.source.buffer);

  /** Copies `bytes[start, end)`. Returns their place; -1 when they do not fit or there is none. */
  put(bytes: Uint8Array, start: number, end: number, tsUs: number): number {
    const length = end - start;
    if (length > PLACE_BYTES) return -1;
    const place = this.free.pop() ?? this.fresh();
    if (place < 0) return -1;
    this.copy(bytes, start, end, place);
    this.lengths[place] = length;
    this.timesUs[place] = tsUs;
    return place;
  }

  private fresh(): number {
    if (this.used === PLACES_MAX) return -1;
    if (this.used % PAGE_PLACES === 0) {
      const bytes = new Uint8Array(PAGE_PLACES * PLACE_BYTES);
      this.pages.push({ bytes, data: new DataView(bytes.buffer) });
    }
    return this.used++;
  }

  /**
   * Four bytes at a time, which takes an eighth of the time of single ones; a native copy takes twice as long. The last
   * four may overlap those before.
   */
  private copy(bytes: Uint8Array, start: number, end: number, place: number): void {
    if (bytes !== this.source) {
      this.source = bytes;
      this.sourceData = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    const from = this.sourceData;
    const { bytes: page, data: to } = this.pages[Math.floor(place / PAGE_PLACES)] as Page;
    let at = this.start(place);
    let pos = start;
    const lastFour = end - 4;
    if (pos > lastFour) {
      for (; pos < end; pos++, at++) page[at] = bytes[pos] as number;
      return;
    }
    for (; pos < lastFour; pos += 4, at += 4) to.setInt32(at, from.getInt32(pos, true), true);
    to.setInt32(at - (pos - lastFour), from.getInt32(lastFour, true), true);
  }

  /** The request lies in `page(place)[start(place), end(place))`. */
  page(place: number): Uint8Array {
    return (this.pages[Math.floor(place / PAGE_PLACES)] as Page).bytes;
  }

  start(place: number): number {
    return (place % PAGE_PLACES) * PLACE_BYTES;
  }

  end(place: number): number {
    return this.start(place) + (this.lengths[place] as number);
  }

  /** When it was captured. */
  tsUs(place: number): number {
    return this.timesUs[place] as number;
  }

  /** Its bytes are read no more. */
  giveBack(place: number): void {
    this.free.push(place);
  }
}
