import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ColumnBuilder, type ColumnRow } from '../segment/column-builder.ts';
import { chunkInMemory } from '../segment/column-file.ts';
import type { ColumnChunk, Picked } from '../segment/columns.ts';
import { CellBuilder, type Cells, ROLLUPS, type RollupKind } from '../segment/rollup.ts';
import { ChunkView } from '../segment/view.ts';
import type { PeriodCounts } from './period-counts.ts';
import { EVER_US, Tally } from './tally.ts';

const HOUR_US = 3600e6;
const START_US = 1_795_168_800_000_000;
const ROW_MAX = 9;
/** So many that every row and period has a place. */
const RECORDS = 1000;
const [, SESSIONS, SHAPES] = ROLLUPS as readonly [RollupKind, RollupKind, RollupKind];

const amount = fc.option(fc.nat(1000), { nil: null });
const anyRow: fc.Arbitrary<ColumnRow> = fc.record({
  timeUs: fc.nat(5 * HOUR_US).map((us) => START_US + us),
  session: fc.nat(ROW_MAX),
  shape: fc.nat(ROW_MAX),
  verdict: fc.constant(null),
  errorCode: fc.constantFrom(null, null, '42'),
  marks: fc.constant(0),
  id: fc.constant(''),
  duration: amount,
  returned: amount,
  affected: amount,
});

function chunkOf(rows: readonly ColumnRow[]): ColumnChunk {
  const builder = new ColumnBuilder();
  for (const row of rows) builder.add(row);
  return chunkInMemory('memory', builder.encode(1));
}

function viewOf(rows: readonly ColumnRow[], picked?: Picked): ChunkView {
  const view = new ChunkView();
  view.use(chunkOf(rows), picked);
  return view;
}

/** Cells by row and outcome, whatever their order. */
function byKey(cells: Cells, countsOnly: boolean): Map<string, readonly number[]> {
  const { records, rows, durationUs, firstUs, lastUs } = cells;
  const columns = countsOnly ? [records, rows] : [records, rows, durationUs, firstUs, lastUs];
  return new Map(
    Array.from(cells.row, (row, i) => [`${row} ${cells.failed[i]}`, columns.map((column) => column[i] as number)]),
  );
}

test('sums and counts of two tables at once are those of each record', () => {
  const span = { timeMinUs: START_US, timeMaxUs: START_US + 5 * HOUR_US, rowMax: ROW_MAX };
  const anyRows = fc.array(fc.tuple(anyRow, fc.boolean()), { minLength: 1, maxLength: 60 });
  const property = fc.property(anyRows, fc.boolean(), (all, countsOnly) => {
    const tally = Tally.begin(countsOnly);
    assert.ok(tally !== undefined);
    try {
      for (const kind of [SESSIONS, SHAPES]) assert.equal(tally.addTable(kind, span, RECORDS), true);
      // In two chunks, as in a segment: all records of one, some of the other.
      const half = Math.ceil(all.length / 2);
      const whole = all.slice(0, half).map(([row]) => row);
      const others = all.slice(half);
      const picked = Uint16Array.from(others.flatMap(([, isPicked], place) => (isPicked ? [place] : [])));
      tally.add(chunkOf(whole), undefined);
      if (others.length > 0) tally.add(chunkOf(others.map(([row]) => row)), picked);
      const rows = [...whole, ...others.flatMap(([row, isPicked]) => (isPicked ? [row] : []))];
      const tallied = tally.take();
      for (const [i, kind] of [SESSIONS, SHAPES].entries()) {
        const cells = new CellBuilder({ ...kind, periodUs: EVER_US }, { ...span, standsFor: undefined });
        cells.add(viewOf(rows));
        const { sums, periods } = tallied[i] ?? assert.fail();
        assert.deepEqual(byKey(sums, countsOnly), byKey(cells.cells(), countsOnly));
        cells.release();
        const ofPeriods = new CellBuilder(kind, { ...span, standsFor: undefined });
        ofPeriods.add(viewOf(rows));
        assert.deepEqual(countsByPeriod(periods), cellCounts(ofPeriods.cells()));
        ofPeriods.release();
      }
    } finally {
      tally.end();
    }
  });
  fc.assert(property, { seed: 3, numRuns: 200 });
});

function countsByPeriod(counts: PeriodCounts | undefined): Map<string, number> {
  assert.ok(counts !== undefined);
  const found = new Map<string, number>();
  for (const failed of [false, true]) {
    const { starts, rows, records } = counts.of(failed);
    for (const [place, row] of rows.entries()) {
      const period = starts.findLastIndex((start) => start <= place);
      found.set(`${counts.startUs(period)} ${row} ${Number(failed)}`, records[place] ?? 0);
    }
  }
  return found;
}

function cellCounts(cells: Cells): Map<string, number> {
  return new Map(
    Array.from(cells.row, (row, i) => [`${cells.period[i]} ${row} ${cells.failed[i]}`, cells.records[i] as number]),
  );
}

test('one at a time, and no table of very many rows for few records', () => {
  const tally = Tally.begin(false);
  assert.ok(tally !== undefined);
  assert.equal(Tally.begin(false), undefined);
  const span = { timeMinUs: START_US, timeMaxUs: START_US + HOUR_US };
  assert.equal(tally.addTable(SESSIONS, { ...span, rowMax: 100_000 }, 10), false);
  assert.equal(tally.addTable(SESSIONS, { ...span, rowMax: 100_000 }, 200_000), true);
  // There is no room for as many again, whatever the records.
  assert.equal(tally.addTable(SHAPES, { ...span, rowMax: 100_000 }, 200_000), false);
  assert.equal(tally.addTable(SHAPES, { ...span, rowMax: 100 }, 10), true);
  tally.end();
  const next = Tally.begin(false);
  assert.ok(next !== undefined);
  next.end();
});

test('columns that name rows or times which are not there are damaged, and leave nothing behind', () => {
  const [row] = fc.sample(anyRow, { seed: 4, numRuns: 1 });
  assert.ok(row !== undefined);
  const span = { timeMinUs: START_US, timeMaxUs: START_US + 5 * HOUR_US, rowMax: ROW_MAX };
  const tooLate = { ...row, timeUs: START_US + 7 * HOUR_US };
  const chunks = [[{ ...row, session: ROW_MAX + 1 }], [tooLate], [row, tooLate]].map(chunkOf);
  for (const chunk of chunks) {
    const tally = Tally.begin(true);
    assert.ok(tally !== undefined);
    assert.equal(tally.addTable(SESSIONS, span, RECORDS), true);
    assert.throws(() => tally.add(chunk, undefined), { code: 'damaged' });
    tally.end();
  }
  const tally = Tally.begin(true);
  assert.ok(tally !== undefined);
  for (const kind of [SESSIONS, SHAPES]) assert.equal(tally.addTable(kind, span, RECORDS), true);
  for (const { sums } of tally.take()) assert.equal(sums.row.length, 0);
  tally.end();
});

test('of many periods only sums are kept', () => {
  const tally = Tally.begin(false);
  assert.ok(tally !== undefined);
  try {
    const span = { timeMinUs: START_US, timeMaxUs: START_US + 20_000 * HOUR_US, rowMax: ROW_MAX };
    assert.equal(tally.addTable(SESSIONS, span, 1), true);
    tally.add(
      chunkOf([{ ...(fc.sample(anyRow, { seed: 1, numRuns: 1 })[0] ?? assert.fail()), session: 4 }]),
      undefined,
    );
    const [tallied] = tally.take();
    assert.equal(tallied?.periods, undefined);
    assert.deepEqual([...(tallied?.sums.row ?? [])], [4]);
  } finally {
    tally.end();
  }
});
