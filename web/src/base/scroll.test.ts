/** The table's scroll arithmetic: every row can be reached, small moves are exact, the ends are the ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Extent, SPACER_PX_MAX, scrollOf, spacerPx, topAfterScroll, topMax, topShowing } from './scroll.ts';

const extents: fc.Arbitrary<Extent> = fc.record({
  rows: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 500, max: 1_000_000_000 })),
  rowPx: fc.constantFrom(22, 28),
  viewPx: fc.integer({ min: 100, max: 2000 }),
});
const seeded = { seed: 20_261_122, numRuns: 500 };

test('the spacer never grows beyond what browsers can lay out', () => {
  assert.equal(spacerPx({ rows: 1_000_000_000, rowPx: 28, viewPx: 600 }), SPACER_PX_MAX);
  assert.equal(spacerPx({ rows: 10, rowPx: 28, viewPx: 600 }), 280);
});

test('scrolling to both ends shows the first and the last row', () => {
  fc.assert(
    fc.property(extents, (extent) => {
      assert.equal(topAfterScroll(extent, 5, 140, 0), 0);
      const end = Math.max(0, spacerPx(extent) - extent.viewPx);
      assert.equal(topAfterScroll(extent, 0, 0, end), end === 0 ? 0 : topMax(extent));
    }),
    seeded,
  );
});

test('any row shown by key is wholly visible, and its scroll position is within the bar', () => {
  fc.assert(
    fc.property(extents, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(), (extent, share, pick) => {
      fc.pre(extent.rows > 0);
      const row = pick % extent.rows;
      const top = topShowing(extent, share * topMax(extent), row);
      assert.ok(top <= row + 1e-6 && row + 1 <= top + Math.max(1, extent.viewPx / extent.rowPx) + 1e-6);
      const scroll = scrollOf(extent, top);
      assert.ok(scroll >= 0 && scroll <= Math.max(0, spacerPx(extent) - extent.viewPx) + 1e-6);
    }),
    seeded,
  );
});

test('a wheel step among a billion rows moves by the rows it covers', () => {
  const extent: Extent = { rows: 1_000_000_000, rowPx: 28, viewPx: 560 };
  const top = 123_456_789;
  const before = scrollOf(extent, top);
  assert.ok(Math.abs(topAfterScroll(extent, top, before, before + 56) - (top + 2)) < 1e-6);
  const jumped = topAfterScroll(extent, top, before, (SPACER_PX_MAX - 560) / 2);
  assert.ok(Math.abs(jumped - topMax(extent) / 2) < 1);
});
