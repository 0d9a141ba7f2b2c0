/**
 * Arithmetic of a table with any number of rows. Browsers cap an element's height (33,554,428 px in Chromium, about
 * 17.9 million in Firefox), so beyond `SPACER_PX_MAX` the scroll bar is proportional while small moves stay exact.
 *
 * The view is `top` (first row seen, with a fraction) and the scroll position that stands for it. A move of the scroll
 * bar by less than one screen is taken as that many pixels of rows; a longer one as a jump to the same share of all rows.
 */
export const SPACER_PX_MAX = 8_000_000;

export interface Extent {
  readonly rows: number;
  readonly rowPx: number;
  readonly viewPx: number;
}

/** Height of the element that makes the scroll bar. */
export function spacerPx(extent: Extent): number {
  return Math.min(extent.rows * extent.rowPx, SPACER_PX_MAX);
}

/** Highest value of `top`: the last row stands at the bottom. */
export function topMax(extent: Extent): number {
  return Math.max(0, extent.rows - extent.viewPx / extent.rowPx);
}

/** Scroll position that stands for `top`. */
export function scrollOf(extent: Extent, top: number): number {
  const scrollMax = Math.max(0, spacerPx(extent) - extent.viewPx);
  const max = topMax(extent);
  return max === 0 ? 0 : (clamp(top, 0, max) / max) * scrollMax;
}

/** First row for a scroll bar that was moved from `beforePx` to `afterPx` while `top` was shown. */
export function topAfterScroll(extent: Extent, top: number, beforePx: number, afterPx: number): number {
  const max = topMax(extent);
  const scrollMax = Math.max(0, spacerPx(extent) - extent.viewPx);
  if (scrollMax === 0) return 0;
  if (afterPx <= 0) return 0;
  if (afterPx >= scrollMax) return max;
  const movedPx = afterPx - beforePx;
  const exact = extent.rows * extent.rowPx <= SPACER_PX_MAX;
  if (exact) return clamp(afterPx / extent.rowPx, 0, max);
  if (Math.abs(movedPx) <= extent.viewPx) return clamp(top + movedPx / extent.rowPx, 0, max);
  return (afterPx / scrollMax) * max;
}

/** `top` that makes `row` wholly visible with the least movement. */
export function topShowing(extent: Extent, top: number, row: number): number {
  const visible = extent.viewPx / extent.rowPx;
  if (row < top) return clamp(row, 0, topMax(extent));
  if (row + 1 > top + visible) return clamp(row + 1 - visible, 0, topMax(extent));
  return top;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
