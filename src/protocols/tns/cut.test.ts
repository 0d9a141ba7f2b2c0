/** Calls of which a part was not kept, or lost: what can still be told of them, and what they leave behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_GAP, MARK_TRUNCATED, MARK_UNKNOWN_HANDLE, type StatementEvent } from '../../contracts/event.ts';
import { type Direction, type ProtocolModule, TO_SERVER } from '../../contracts/protocol.ts';
import { play } from '../sdk/testkit.ts';
import { REQUEST_BYTES_MAX } from './limits.ts';
import tns from './protocol.ts';
import * as t from './testing.ts';

/** Bytes of a message in one packet: the session data unit without the headers. */
const PAYLOAD_BYTES = 8182;

function packets(message: Uint8Array): Uint8Array {
  const list: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += PAYLOAD_BYTES)
    list.push(t.data(message.subarray(at, at + PAYLOAD_BYTES)));
  return t.bytes(...list);
}

/** Says `call`, of which `lost` bytes are missing from `at` on, after a login; then what is in `later`. */
function withHole(call: Uint8Array, at: number, lost: number, later: t.Turns): StatementEvent[] {
  const steps = [
    ...t.opening(),
    t.client(call.subarray(0, at)),
    { direction: TO_SERVER as Direction, bytes: undefined, lost },
    t.client(call.subarray(at + lost)),
    ...later,
  ].map((step) => ({ lost: 0, ...step }));
  return t.statements(play(tns as ProtocolModule, steps));
}

test('a call behind more piggybacks than are kept is recorded, though not what it was', () => {
  const ids = Buffer.concat(Array.from({ length: 60_000 }, (_, index) => t.ub(0x1000000 + index)));
  const close = (sequence: number) => t.bytes(0x11, 0x69, sequence, 1, t.ub(60_000), ids);
  assert.ok(4 * ids.length > REQUEST_BYTES_MAX);
  const message = t.bytes(close(5), close(6), close(7), close(8), t.execute(9, { sql: 'DELETE FROM hidden' }));
  const events = t.statements(
    t.run([
      ...t.opening(),
      t.client(packets(message)),
      t.server(t.data(t.oer(9, { rows: 4, cursor: 2 }))),
      t.client(t.data(t.execute(10, { sql: 'DELETE FROM next' }))),
      t.server(t.data(t.oer(10, { rows: 1, cursor: 3 }))),
    ]),
  );
  assert.deepEqual(
    events.map(({ call, text, marks, outcomes }) => [call, text, marks, outcomes.length]),
    [
      ['command', undefined, MARK_TRUNCATED, 1],
      ['simple', 'DELETE FROM next', 0, 1],
    ],
  );
});

test('a text with a hole is recorded up to it, and so by what executes its cursor', () => {
  const sql = `DELETE FROM baskets WHERE name IN (${"'x',".repeat(3000)}'y')`;
  const call = packets(t.execute(9, { sql }));
  const again = t.bytes(3, 4, 10, t.ub(2), t.ub(1), t.ub(0), t.ub(0));
  const [first, second] = withHole(call, 5000, 100, [
    t.server(t.data(t.oer(9, { rows: 4, cursor: 2 }))),
    t.client(t.data(again)),
    t.server(t.data(t.oer(10, { rows: 5, cursor: 2 }))),
  ]);
  assert.ok((first?.text?.length ?? 0) > 4000 && sql.startsWith(first?.text ?? ''));
  assert.deepEqual(
    [first?.marks, first?.textLength, first?.textSha256],
    [MARK_GAP | MARK_TRUNCATED, undefined, undefined],
  );
  assert.deepEqual([second?.text, second?.marks], [first?.text, MARK_TRUNCATED]);
  assert.deepEqual(
    [first, second].map((event) => event?.outcomes[0]?.affectedRows),
    [4, 5],
  );
});

test('a hole before the text: what executes the cursor does not know it', () => {
  const call = packets(t.execute(9, { sql: `DELETE FROM baskets WHERE name IN (${"'x',".repeat(3000)}'y')` }));
  const again = t.bytes(3, 4, 10, t.ub(2), t.ub(1), t.ub(0), t.ub(0));
  const [first, second] = withHole(call, 30, 10, [
    t.server(t.data(t.oer(9, { rows: 4, cursor: 2 }))),
    t.client(t.data(again)),
    t.server(t.data(t.oer(10, { rows: 5, cursor: 2 }))),
  ]);
  assert.equal(first?.text, undefined);
  assert.ok(((first?.marks ?? 0) & MARK_GAP) !== 0);
  assert.deepEqual([second?.text, second?.marks], [undefined, MARK_UNKNOWN_HANDLE]);
});

test('packets behind a hole in their message are not taken for calls', () => {
  // All of the value's bytes look like the beginning of one.
  const value = t.clr(Buffer.alloc(30_000, 3));
  const binds = [t.oac(1, 4000, 1)];
  const call = packets(t.execute(9, { sql: 'INSERT INTO t VALUES (:1)', binds, rows: [[value]] }));
  const [event, ...others] = withHole(call, 5000, 100, [
    t.server(t.data(t.oer(9, { rows: 1, cursor: 2 }))),
    t.client(t.data(t.execute(10, { sql: 'DELETE FROM next' }))),
    t.server(t.data(t.oer(10, { rows: 7, cursor: 3 }))),
  ]);
  assert.deepEqual([event?.text, event?.outcomes[0]?.affectedRows], ['INSERT INTO t VALUES (:1)', 1]);
  assert.ok(((event?.marks ?? 0) & MARK_GAP) !== 0);
  assert.deepEqual(
    others.map(({ text, marks, outcomes }) => [text, marks, outcomes[0]?.affectedRows]),
    [['DELETE FROM next', 0, 7]],
  );
});
