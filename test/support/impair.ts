/** What a bad network does to a capture, as an order of its frames: some twice, some late, some never. */

/** Frames a late one may be overtaken by. */
const OVERTAKEN_MAX = 3;

/** Indices of the frames as they arrive; `random` gives numbers in [0, 1). */
export type Impair = (count: number, random: () => number) => number[];

/** Each frame with a chance of 1 in 5 a second time, right after or a little later. */
export const duplicated: Impair = (count, random) => {
  const order: number[] = [];
  const again: number[] = [];
  for (let index = 0; index < count; index++) {
    order.push(index);
    if (random() < 0.2) again.push(index);
    if (random() < 0.5) order.push(...again.splice(0));
  }
  return [...order, ...again];
};

/** Each frame with a chance of 1 in 10 a few places late. */
export const reordered: Impair = (count, random) => {
  const places = Array.from({ length: count }, (_, index) => {
    return { index, place: index + (random() < 0.1 ? 0.5 + Math.floor(1 + random() * OVERTAKEN_MAX) : 0) };
  });
  return places.sort((a, b) => a.place - b.place).map(({ index }) => index);
};

/**
 * `order` without delays of more than `limitUs`: such a frame keeps its place. Networks swap neighbours in time; a frame
 * that is late by a server's pause for thought is a lost one to any observer.
 */
export function prompt(order: readonly number[], timesUs: readonly number[], limitUs: number): number[] {
  const kept: number[] = [];
  const late: number[] = [];
  let latest = 0;
  for (const index of order) {
    const delayUs = (timesUs[latest] ?? 0) - (timesUs[index] ?? 0);
    (index < latest && delayUs > limitUs ? late : kept).push(index);
    latest = Math.max(latest, index);
  }
  for (const index of late) {
    const place = kept.findIndex((other) => other > index);
    kept.splice(place < 0 ? kept.length : place, 0, index);
  }
  return kept;
}

/** One frame in a hundred lost, and at least one. */
export const dropped: Impair = (count, random) => {
  const certain = Math.floor(random() * count);
  return Array.from({ length: count }, (_, index) => index).filter((index) => index !== certain && random() >= 0.01);
};

/** All at once: one in a hundred never, some of the others twice, some late. */
export const everything: Impair = (count, random) => {
  const kept = dropped(count, random);
  const twice = duplicated(kept.length, random).map((index) => kept[index] as number);
  return reordered(twice.length, random).map((index) => twice[index] as number);
};
