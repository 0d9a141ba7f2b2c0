/** Result sets: opened, fetched in blocks, closed, handed out by calls. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cp from './codepoints.ts';
import * as t from './testing.ts';
import * as types from './types.ts';

const { statements } = t;
const integer = [types.INTEGER | 1, 4] as const;
const one = [t.u8(0), t.u32(1)];

test('OPNQRY, CNTQRY, CLSQRY are one record with all rows', () => {
  const events = statements(
    t.run([
      t.toServer(t.chain(t.prepare(4, 'select i from t'), t.openQuery(4))),
      t.toClient(t.replies(1, [t.done()], [t.opened, t.qrydsc(integer), t.qrydta(t.row(...one), t.row(...one))])),
      t.toServer(t.chain(t.fetchMore(4))),
      t.toClient(t.replies(1, [t.qrydta(t.row(...one))])),
      t.toServer(t.chain(t.closeQuery(4), t.commit)),
      t.toClient(t.replies(1, [t.sqlcardNull], t.committed)),
    ]),
  );
  assert.deepEqual(
    events.map((e) => [e.text ?? e.operation, e.outcomes[0]?.returnedRows]),
    [
      ['select i from t', 3],
      ['COMMIT', undefined],
    ],
  );
  assert.ok((events[0]?.outcomes[0]?.responseBytes ?? 0) > 80);
});

test('a row that goes on in the next block counts once; the end of data ends the record', () => {
  const rows = t.row(...one);
  const events = statements(
    t.run([
      t.toServer(t.chain(t.prepare(4, 'select i from t'), t.openQuery(4))),
      t.toClient(t.replies(1, [t.done()], [t.opened, t.qrydsc(integer), t.qrydta(rows, rows.subarray(0, 5))])),
      t.toServer(t.chain(t.fetchMore(4))),
      t.toClient(t.replies(1, [t.qrydta(rows.subarray(5), t.endOfData())])),
    ]),
  );
  assert.equal(events[0]?.outcomes[0]?.returnedRows, 2);
});

test('an error while fetching is the outcome', () => {
  const events = statements(
    t.run([
      t.toServer(t.chain(t.prepare(4, 'select 1/i from t'), t.openQuery(4))),
      t.toClient(
        t.replies(
          1,
          [t.done()],
          [t.opened, t.qrydsc(integer), t.qrydta(t.row(...one), t.sqlca(-802, '22012'), t.u8(0xff))],
        ),
      ),
    ]),
  );
  assert.equal(events[0]?.outcomes[0]?.errorCode, '22012');
  assert.equal(events[0]?.outcomes[0]?.returnedRows, 1);
});

test('rows of a type that is not known are not counted, and never guessed', () => {
  const events = statements(
    t.run([
      t.toServer(t.chain(t.prepare(4, 'select x from t'), t.openQuery(4))),
      t.toClient(
        t.replies(1, [t.done()], [t.opened, t.qrydsc([0xe1, 9]), t.qrydta(t.row(...one)), t.message(cp.ENDQRYRM, 4)]),
      ),
      t.toServer(t.chain(t.closeQuery(4))),
      t.toClient(t.replies(1, [t.done()])),
    ]),
  );
  assert.equal(events[0]?.outcomes[0]?.returnedRows, undefined);
  assert.ok((events[0]?.outcomes[0]?.responseBytes ?? 0) > 0);
});

test('rows of many columns without bytes are not counted: time must not grow without bytes', () => {
  for (const [count, expected] of [
    [16, 3],
    [17, undefined],
  ] as const) {
    const columns = Array.from({ length: count }, (): t.ColumnType => [types.FIXED_BYTES, 0]);
    const events = statements(
      t.run([
        t.toServer(t.chain(t.prepare(4, 'select x from t'), t.openQuery(4))),
        t.toClient(
          t.replies(
            1,
            [t.done()],
            [t.opened, t.qrydsc(...columns), t.qrydta(t.row(), t.row(), t.row()), t.message(cp.ENDQRYRM, 4)],
          ),
        ),
      ]),
    );
    assert.equal(events[0]?.outcomes[0]?.returnedRows, expected);
  }
});

test('a call returns result sets by the sections of PKGSNLST', () => {
  const list = t.object(cp.PKGSNLST, t.section(31), t.section(32));
  const rows = t.qrydta(t.row(...one), t.endOfData());
  const events = statements(
    t.run([
      t.toServer(t.chain(t.prepare(2, 'call two_results()'), t.executeSection(2))),
      t.toClient(
        t.replies(
          1,
          [t.done()],
          [
            t.message(cp.RSLSETRM, 0, list),
            t.done(),
            ...[t.opened, t.qrydsc(integer), rows],
            ...[t.opened, t.qrydsc(integer), t.qrydta(t.row(...one))],
          ],
        ),
      ),
      t.toServer(t.chain(t.fetchMore(32))),
      t.toClient(t.replies(1, [rows])),
    ]),
  );
  assert.equal(events.length, 1);
  assert.deepEqual(
    events[0]?.outcomes.map((o) => o.returnedRows),
    [undefined, 1, 2],
  );
});
