/**
 * Records lie in order of arrival (`seq`), which is nearly the order of time: a record arrives when its reply ends and
 * carries the time its request began. A segment knows its disorder, the most by which a record is older than one that
 * arrived before it; with that bound, reading by `seq` and holding back a little gives exact order of time as a stream.
 */

/** Position of a record in the order of results. */
export interface RecordPlace {
  readonly seq: number;
  readonly time_us: number;
}

export type Order = 'newest' | 'oldest';

export function comparePlaces(a: RecordPlace, b: RecordPlace): number {
  return a.time_us - b.time_us || a.seq - b.seq;
}

/** `places` come by `seq`, descending for `newest`, ascending for `oldest`; they leave by time, then `seq`, likewise. */
export function* inTimeOrder(
  places: Iterable<RecordPlace>,
  order: Order,
  disorderUs: number,
): Generator<RecordPlace, void, undefined> {
  const sign = order === 'newest' ? -1 : 1;
  const held = new PlaceHeap(sign);
  for (const place of places) {
    // Whatever still comes is at most the disorder on the wrong side of this one.
    const safeUs = place.time_us - sign * disorderUs;
    for (let head = held.head(); head !== undefined && sign * (head.time_us - safeUs) < 0; head = held.head()) {
      held.pop();
      yield head;
    }
    held.push(place);
  }
  for (let head = held.pop(); head !== undefined; head = held.pop()) yield head;
}

/** A binary heap; `sign` 1: the earliest place on top, -1: the latest. */
class PlaceHeap {
  private readonly places: RecordPlace[] = [];
  private readonly sign: number;

  constructor(sign: number) {
    this.sign = sign;
  }

  head(): RecordPlace | undefined {
    return this.places[0];
  }

  push(place: RecordPlace): void {
    const places = this.places;
    let at = places.push(place) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(place, places[parent] as RecordPlace)) break;
      places[at] = places[parent] as RecordPlace;
      at = parent;
    }
    places[at] = place;
  }

  pop(): RecordPlace | undefined {
    const places = this.places;
    const top = places[0];
    const moved = places.pop();
    if (moved === undefined || places.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= places.length) break;
      const right = places[child + 1];
      if (right !== undefined && this.before(right, places[child] as RecordPlace)) child++;
      if (!this.before(places[child] as RecordPlace, moved)) break;
      places[at] = places[child] as RecordPlace;
      at = child;
    }
    places[at] = moved;
    return top;
  }

  private before(a: RecordPlace, b: RecordPlace): boolean {
    return this.sign * comparePlaces(a, b) < 0;
  }
}
